//! A real gateway on a real socket, patients, and cards in memory behind the workstation's card port.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "tests; each uses a part"
)]

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::{Context, seal};
use wardkey_core::key::{Signature, SoftKey};
use wardkey_core::section::Section;
use wardkey_desk::card::{Answers, CardPort, WatchGuard};
use wardkey_desk::view::{OutboxState, Snapshot, Topic};
use wardkey_desk::{Notice, Settings, Workstation};
use wardkey_gateway::bench::actors::{Card, Given, Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::{Ask, Stage};
use wardkey_gateway::{Clock, Gateway, app};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::monitor::ReaderEvent;
use wardkey_hsm::pinjob::{Operation, Outcome, PinJob, PinJobKind, SharedSecret};
use wardkey_hsm::prepare::{PrepareSettings, Prepared, Step};
use wardkey_hsm::{CardError, CardInfo, Slot, SlotInfo};

pub const READER: &str = "Soft reader 00 00";

/// A card in memory.
pub struct SoftCard {
    pub serial: String,
    pub keys: HashMap<Slot, SoftKey>,
    pub factory_pin: bool,
}

impl SoftCard {
    pub fn blank(serial: &str) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            serial: serial.to_owned(),
            keys: HashMap::new(),
            factory_pin: true,
        }))
    }

    pub fn of(card: &Card, serial: &str) -> Arc<Mutex<Self>> {
        let copy = |key: &SoftKey| SoftKey::from_bytes(&key.to_bytes()).unwrap();
        let keys = [
            (Slot::Authentication, copy(&card.device)),
            (Slot::Signature, copy(&card.signature)),
            (Slot::KeyManagement, copy(&card.agreement)),
        ];
        Arc::new(Mutex::new(Self {
            serial: serial.to_owned(),
            keys: keys.into(),
            factory_pin: false,
        }))
    }

    fn info(&self) -> CardInfo {
        let slot = |slot| SlotInfo {
            slot,
            public_key: self.keys.get(&slot).map(SoftKey::public),
        };
        CardInfo {
            reader: READER.to_owned(),
            serial: Some(self.serial.clone()),
            firmware: Some("5.4.3".to_owned()),
            tries_left: Some(5),
            default_pin: self.factory_pin,
            keys: Slot::ALL.into_iter().map(slot).collect(),
        }
    }
}

type Heard = Arc<Mutex<Option<Box<dyn Fn(ReaderEvent) + Send>>>>;

/// One reader in memory.
#[derive(Default, Clone)]
pub struct SoftPort {
    card: Arc<Mutex<Option<Arc<Mutex<SoftCard>>>>>,
    heard: Heard,
    verified: Arc<Mutex<bool>>,
    /// Jobs of the PIN window, by title.
    pub jobs: Arc<Mutex<Vec<(String, String)>>>,
    /// What the PIN window answers next instead of doing the job.
    pub fails: Arc<Mutex<Option<Notice>>>,
    /// Pulls the card while the PIN window is open.
    pub pull_in_window: Arc<Mutex<bool>>,
}

impl SoftPort {
    pub fn insert(&self, card: &Arc<Mutex<SoftCard>>) {
        *self.card.lock().unwrap() = Some(card.clone());
        self.event(ReaderEvent::CardInserted {
            reader: READER.to_owned(),
        });
    }

    pub fn pull(&self) {
        *self.card.lock().unwrap() = None;
        *self.verified.lock().unwrap() = false;
        self.event(ReaderEvent::CardRemoved {
            reader: READER.to_owned(),
        });
    }

    /// The card is reset: its PIN is verified no more.
    pub fn forget(&self) {
        *self.verified.lock().unwrap() = false;
    }

    fn event(&self, event: ReaderEvent) {
        if let Some(heard) = self.heard.lock().unwrap().as_ref() {
            heard(event);
        }
    }

    fn card(&self) -> Result<Arc<Mutex<SoftCard>>, CardError> {
        self.card.lock().unwrap().clone().ok_or(CardError::NoCard)
    }

    fn operate(&self, job: &PinJob) -> Result<Vec<Outcome>, CardError> {
        let card = self.card()?;
        let mut card = card.lock().unwrap();
        assert_eq!(job.serial.as_deref(), Some(card.serial.as_str()));
        if job.kind == PinJobKind::Choose {
            card.factory_pin = false;
        }
        *self.verified.lock().unwrap() = true;
        let key = |slot: Slot| card.keys.get(&slot).ok_or(CardError::SlotEmpty { slot });
        job.operations
            .iter()
            .map(|operation| match operation {
                Operation::Sign { slot, digest } => Ok(Outcome::Signature {
                    signature: key(*slot)?.sign_digest(digest).unwrap(),
                }),
                Operation::Agree { slot, peer } => Ok(Outcome::Shared {
                    shared: SharedSecret(*key(*slot)?.agree(peer).unwrap()),
                }),
            })
            .collect()
    }
}

impl CardPort for SoftPort {
    fn watch(&self, _: Option<String>, heard: Box<dyn Fn(ReaderEvent) + Send>) -> Result<WatchGuard, CardError> {
        *self.heard.lock().unwrap() = Some(heard);
        Ok(Box::new(()))
    }
    fn info(&self, _: &str) -> Result<CardInfo, CardError> {
        Ok(self.card()?.lock().unwrap().info())
    }
    fn evidence(&self, _: &str) -> Result<Evidence, CardError> {
        Ok(Evidence::default())
    }
    fn hold(&self, _: &str) -> Result<(), CardError> {
        self.card().map(|_| ())
    }
    fn release(&self) {
        *self.verified.lock().unwrap() = false;
    }
    fn sign_unlocked(&self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        if !*self.verified.lock().unwrap() {
            return Err(CardError::PinRequired);
        }
        Ok(self.card()?.lock().unwrap().keys[&slot].sign_digest(digest).unwrap())
    }
    fn prepare(
        &self,
        _: &str,
        settings: &PrepareSettings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Prepared, CardError> {
        assert_eq!(settings.puk.len(), 8);
        progress(Step::Checking);
        let card = self.card()?;
        let mut card = card.lock().unwrap();
        for slot in Slot::ALL {
            if card.keys.contains_key(&slot) {
                return Err(CardError::SlotFilled { slot });
            }
            progress(Step::Generating { slot });
            card.keys.insert(slot, SoftKey::generate().unwrap());
        }
        let key = |slot| card.keys[&slot].public();
        Ok(Prepared {
            authentication: key(Slot::Authentication),
            signature: key(Slot::Signature),
            key_management: key(Slot::KeyManagement),
            info: card.info(),
            evidence: Evidence::default(),
        })
    }
    fn ask_pin(&self, job: PinJob) -> BoxFuture<'_, Result<Answers, Notice>> {
        Box::pin(async move {
            self.jobs.lock().unwrap().push((job.title.clone(), job.purpose.clone()));
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(notice) = self.fails.lock().unwrap().take() {
                return Err(notice);
            }
            let answers = self.operate(&job)?;
            if std::mem::take(&mut *self.pull_in_window.lock().unwrap()) {
                self.pull();
            }
            Ok(Answers::new(answers))
        })
    }
}

/// Changes a public answer: the path, and the JSON that an honest gateway would give.
pub type Lie = Box<dyn Fn(&str, &mut serde_json::Value) + Send>;
type Lies = Arc<Mutex<Option<Lie>>>;

async fn lying(lies: Lies, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
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
    running: Option<tokio::task::JoinHandle<()>>,
    looking: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = wardkey_gateway::Settings {
            data: folder.path().to_owned(),
            ..wardkey_gateway::Settings::parse("listen = \"127.0.0.1:0\"").unwrap()
        };
        let gateway = Gateway::open(settings, Clock::system()).unwrap();
        let stage = Stage::new(gateway.clone());
        let looking = tokio::spawn(wardkey_gateway::serve::watch_chain(gateway));
        let mut this = Self {
            folder,
            stage,
            address: ([127, 0, 0, 1], 0).into(),
            lies: Lies::default(),
            running: None,
            looking,
        };
        this.up().await;
        this
    }

    pub async fn up(&mut self) {
        let listener = tokio::net::TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let lies = Arc::clone(&self.lies);
        let lie = middleware::from_fn(move |request, next| lying(Arc::clone(&lies), request, next));
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
        let card = hospital.card(&self.stage, holder, 3).await.unwrap();
        let recipient = card.agreement.public();
        let domain = self.stage.gateway.domain();
        let aad = agreement_aad(&hospital.id, 1, &recipient.id());
        let sealed = seal(
            &recipient,
            &agreement_context(domain, &aad),
            hospital.agreement.to_bytes().as_slice(),
        )
        .unwrap();
        let mut body = serde_json::to_value(&sealed).unwrap();
        body["epoch"] = 1.into();
        let session = hospital.sign_in(&self.stage).await.unwrap();
        let target = format!("/v1/institutions/{}/wraps/{}", hospital.id, recipient.id());
        let reply = self
            .stage
            .signed(session.signer(), Ask::put(target, &body))
            .await
            .unwrap();
        assert!(reply.status.is_success(), "{}", reply.code());
        card
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
        let given = patient.document(&self.stage, hospital, terms).unwrap();
        let mut body = patient.body(&self.stage, hospital, &given).unwrap();
        let context = Context {
            label: "wardkey/label/1",
            domain: self.stage.gateway.domain(),
            aad: given.commitment.bytes(),
        };
        let label = serde_json::json!({ "name": name, "birthDate": "1961-04-12" }).to_string();
        body["label"] =
            serde_json::to_value(seal(&hospital.agreement.public(), &context, label.as_bytes()).unwrap()).unwrap();
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

type Told = Arc<Mutex<Vec<(Instant, Vec<Topic>)>>>;

/// A workstation with its reader and what it said.
pub struct Desk {
    pub folder: TempDir,
    pub work: Arc<Workstation>,
    pub port: SoftPort,
    pub told: Told,
}

impl Desk {
    pub fn start(server: &Server, hospital: Option<&Hospital>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = server.settings(folder.path(), hospital);
        Self::with(folder, settings)
    }

    pub fn with(folder: TempDir, settings: Settings) -> Self {
        let (port, told) = (SoftPort::default(), Arc::new(Mutex::new(Vec::new())));
        let sink = Arc::clone(&told);
        let heard = move |topics: &[Topic]| sink.lock().unwrap().push((Instant::now(), topics.to_vec()));
        let work = Workstation::start_with(settings, Arc::new(port.clone()), heard).unwrap();
        Self {
            folder,
            work,
            port,
            told,
        }
    }

    pub async fn sign_in(&self, card: &Arc<Mutex<SoftCard>>) {
        self.port.insert(card);
        until("the card is read", || async { self.snapshot().await.card.is_some() }).await;
        self.work.sign_in().await.unwrap();
    }

    pub async fn snapshot(&self) -> Snapshot {
        self.work.snapshot().await.unwrap()
    }

    /// Times at which a topic was told since `from`.
    pub fn heard(&self, topic: Topic, from: Instant) -> usize {
        self.told
            .lock()
            .unwrap()
            .iter()
            .filter(|(at, topics)| *at >= from && topics.contains(&topic))
            .count()
    }

    pub async fn all_sent(&self) {
        until("everything is sent", || async {
            let rows = self.work.outbox().await.unwrap();
            assert!(rows.iter().all(|r| r.state != OutboxState::Refused), "{rows:?}");
            !rows.is_empty() && rows.iter().all(|r| r.state == OutboxState::Sent)
        })
        .await;
    }
}

pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited too long until {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn mask(sections: &[Section]) -> u32 {
    sections.iter().map(|s| s.bit()).sum()
}

pub fn everything() -> u32 {
    mask(Section::ALL)
}
