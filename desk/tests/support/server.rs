//! A real gateway on a real socket, which can be stopped, cut and made to lie.

use super::SoftCard;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::{Context, seal};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_desk::Settings;
use wardkey_gateway::bench::actors::{Card, Given, Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::{Ask, Stage};
use wardkey_gateway::{Clock, Gateway, app};
use wardkey_hsm::Slot;

/// Changes a public answer: the path, and the JSON that an honest gateway would give.
pub type Lie = Box<dyn Fn(&str, &mut serde_json::Value) + Send>;
type Lies = Arc<Mutex<Option<Lie>>>;

/// The gateway fails once at a request that changes something.
#[derive(Clone, Copy)]
pub struct Cut {
    /// So many such requests go well first.
    pub after: usize,
    /// It is handled, and only the answer is lost.
    pub handled: bool,
}

type Cuts = Arc<Mutex<Option<Cut>>>;

/// Whether this request is the one that fails.
fn falls(cuts: &Cuts, request: &Request) -> Option<Cut> {
    let changes = *request.method() == Method::PUT || request.uri().path() == "/v1/actions";
    let mut cuts = cuts.lock().unwrap();
    let cut = cuts.as_mut().filter(|_| changes)?;
    if cut.after == 0 {
        return cuts.take();
    }
    cut.after -= 1;
    None
}

async fn lying(lies: Lies, cuts: Cuts, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(cut) = falls(&cuts, &request) {
        if cut.handled {
            next.run(request).await;
        }
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let answer = next.run(request).await;
    if lies.lock().unwrap().is_none() || answer.headers().contains_key("signature") {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let Ok(mut value) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, bytes.into());
    };
    if let Some(lie) = lies.lock().unwrap().as_ref() {
        lie(&path, &mut value);
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, value.to_string().into())
}

/// A gateway that can be stopped and started on the same address, and can be made to lie.
pub struct Server {
    pub folder: TempDir,
    pub stage: Stage,
    pub address: SocketAddr,
    lies: Lies,
    pub cuts: Cuts,
    running: Option<tokio::task::JoinHandle<()>>,
    looking: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With more settings of the gateway.
    pub async fn start_with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = wardkey_gateway::Settings {
            data: folder.path().to_owned(),
            ..wardkey_gateway::Settings::parse(&format!("listen = \"127.0.0.1:0\"\n{settings}")).unwrap()
        };
        let gateway = Gateway::open(settings, Clock::system()).unwrap();
        let stage = Stage::new(gateway.clone());
        let looking = tokio::spawn(wardkey_gateway::serve::watch_chain(gateway));
        let mut this = Self {
            folder,
            stage,
            address: ([127, 0, 0, 1], 0).into(),
            lies: Lies::default(),
            cuts: Cuts::default(),
            running: None,
            looking,
        };
        this.up().await;
        this
    }

    /// The gateway hears the chain no more, until [`Server::hear_chain`].
    pub fn lose_chain(&self) {
        self.looking.abort();
    }

    pub fn hear_chain(&mut self) {
        self.looking = tokio::spawn(wardkey_gateway::serve::watch_chain(self.stage.gateway.clone()));
    }

    /// The data store's file, opened behind the gateway's back.
    pub fn store(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store.sqlite")).unwrap()
    }

    pub async fn up(&mut self) {
        let listener = tokio::net::TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let lies = Arc::clone(&self.lies);
        let cuts = Arc::clone(&self.cuts);
        let lie = middleware::from_fn(move |request, next| lying(Arc::clone(&lies), Arc::clone(&cuts), request, next));
        let service = app(self.stage.gateway.clone())
            .layer(lie)
            .into_make_service_with_connect_info::<SocketAddr>();
        self.running = Some(tokio::spawn(
            async move { axum::serve(listener, service).await.unwrap() },
        ));
    }

    /// From now on public answers are changed.
    pub fn lie(&self, lie: impl Fn(&str, &mut serde_json::Value) + Send + 'static) {
        *self.lies.lock().unwrap() = Some(Box::new(lie));
    }

    /// Nobody answers any more; open connections end.
    pub async fn down(&mut self) {
        self.stage.gateway.closing.send_replace(true);
        if let Some(task) = self.running.take() {
            task.abort();
            let _ = task.await;
        }
        self.stage.gateway.closing.send_replace(false);
    }

    pub fn settings(&self, data: &Path, hospital: Option<&Hospital>) -> Settings {
        let institution = hospital
            .map(|h| format!("institution = \"{}\"\n", h.id))
            .unwrap_or_default();
        let text = format!(
            "gateway = \"http://{}\"\nterminal = \"Ward 3\"\ndata = \"{}\"\n{institution}institution_name = \"Unnamed\"",
            self.address,
            data.display()
        );
        Settings::parse(&text, data).unwrap()
    }

    /// Approves a card and seals the institution's key to it, as the master-key holder's workstation does.
    pub async fn card(&self, hospital: &Hospital, holder: &str) -> Card {
        self.card_with(hospital, holder, 3).await
    }

    /// [`Server::card`] with other rights: 1 read, 2 write.
    pub async fn card_with(&self, hospital: &Hospital, holder: &str, rights: u8) -> Card {
        let card = hospital.card(&self.stage, holder, rights).await.unwrap();
        self.wrap_to(hospital, &card.agreement.public()).await;
        card
    }

    /// The card of the master key, with the institution's key sealed to it.
    pub async fn master(&self, hospital: &Hospital) -> Arc<Mutex<SoftCard>> {
        self.wrap_to(hospital, &hospital.wrap.public()).await;
        let copy = |key: &SoftKey| SoftKey::from_bytes(&key.to_bytes()).unwrap();
        let card = SoftCard::blank("9001");
        {
            let mut made = card.lock().unwrap();
            (made.factory_pin, made.factory_secrets) = (false, false);
            made.keys = [
                (Slot::Authentication, SoftKey::generate().unwrap()),
                (Slot::Signature, copy(&hospital.master)),
                (Slot::KeyManagement, copy(&hospital.wrap)),
            ]
            .into();
        }
        card
    }

    /// Seals the hospital's agreement key of epoch 1 to a 9D key.
    pub async fn wrap_to(&self, hospital: &Hospital, recipient: &PublicKey) {
        let domain = self.stage.gateway.domain();
        let aad = agreement_aad(&hospital.id, 1, &recipient.id());
        let sealed = seal(
            recipient,
            &agreement_context(domain, &aad),
            hospital.agreement.to_bytes().as_slice(),
        )
        .unwrap();
        let mut body = serde_json::to_value(&sealed).unwrap();
        body["epoch"] = 1.into();
        body["key"] = serde_json::to_value(hospital.agreement.public()).unwrap();
        let session = hospital.sign_in(&self.stage).await.unwrap();
        let target = format!("/v1/institutions/{}/wraps/{}", hospital.id, recipient.id());
        let reply = self
            .stage
            .signed(session.signer(), Ask::put(target, &body))
            .await
            .unwrap();
        assert!(reply.status.is_success(), "{}", reply.code());
    }

    /// Grants with a label that can be read.
    pub async fn grant(&self, patient: &Patient, hospital: &Hospital, read: u32, write: u32, name: &str) -> Given {
        let now = self.stage.gateway.clock.now();
        let terms = Terms {
            read,
            write,
            not_before: now - 1,
            expiry: now + 86_400,
        };
        self.grant_on(patient, hospital, terms, name).await
    }

    /// [`Server::grant`] on other terms.
    pub async fn grant_on(&self, patient: &Patient, hospital: &Hospital, terms: Terms, name: &str) -> Given {
        let to = (hospital.agreement.public(), 1);
        self.grant_to(patient, hospital, to, terms, name).await
    }

    /// [`Server::grant_on`], sealed to the agreement key of an epoch.
    pub async fn grant_to(
        &self,
        patient: &Patient,
        hospital: &Hospital,
        (to, epoch): (PublicKey, u32),
        terms: Terms,
        name: &str,
    ) -> Given {
        let given = patient.document(&self.stage, hospital, terms).unwrap();
        let mut body = patient.body_to(&self.stage, &to, epoch, &given).unwrap();
        let context = Context {
            label: "wardkey/label/1",
            domain: self.stage.gateway.domain(),
            aad: given.commitment.bytes(),
        };
        let label = serde_json::json!({ "name": name, "birthDate": "1961-04-12" }).to_string();
        body["label"] = serde_json::to_value(seal(&to, &context, label.as_bytes()).unwrap()).unwrap();
        let reply = self
            .stage
            .signed(patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap();
        assert!(reply.status.is_success(), "{}", String::from_utf8_lossy(&reply.body));
        given
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.looking.abort();
        if let Some(task) = &self.running {
            task.abort();
        }
    }
}
