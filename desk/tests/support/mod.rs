//! A real gateway on a real socket, patients, and cards in memory behind the workstation's card port.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "tests; each uses a part"
)]

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::{Context, seal};
use wardkey_core::key::{PublicKey, Signature, SoftKey};
use wardkey_core::section::Section;
use wardkey_desk::card::{Answers, CardPort, WatchGuard};
use wardkey_desk::view::{OutboxState, Snapshot, Topic};
use wardkey_desk::{Notice, Settings, Workstation};
use wardkey_gateway::bench::actors::{Card, Given, Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::{Ask, Stage};
use wardkey_gateway::{Clock, Gateway, app};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::monitor::ReaderEvent;
use wardkey_hsm::pinjob::{self, Operation, Outcome, PinAnswer, PinJob, PinJobKind, SharedSecret};
use wardkey_hsm::prepare::{PrepareSettings, Prepared, Step};
use wardkey_hsm::{CardError, CardInfo, Pin, Slot, SlotInfo};
use zeroize::Zeroizing;

pub const READER: &str = "Soft reader 00 00";
pub const OTHER_READER: &str = "Soft reader 00 01";
/// What is typed for a key store that is no card.
pub const STORE_PIN: &[u8] = b"482913";

/// A card in memory.
pub struct SoftCard {
    pub serial: String,
    pub keys: HashMap<Slot, SoftKey>,
    pub factory_pin: bool,
    /// PUK and management key.
    pub factory_secrets: bool,
    pub puk: String,
    pub tries_left: u8,
}

impl SoftCard {
    pub fn blank(serial: &str) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            serial: serial.to_owned(),
            keys: HashMap::new(),
            factory_pin: true,
            factory_secrets: true,
            puk: "12345678".to_owned(),
            tries_left: 5,
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
            factory_secrets: false,
            puk: "12345678".to_owned(),
            tries_left: 5,
        }))
    }

    fn info(&self, reader: &str) -> CardInfo {
        let slot = |slot| SlotInfo {
            slot,
            public_key: self.keys.get(&slot).map(SoftKey::public),
        };
        CardInfo {
            reader: reader.to_owned(),
            serial: Some(self.serial.clone()),
            firmware: Some("5.4.3".to_owned()),
            tries_left: Some(self.tries_left),
            default_pin: self.factory_pin,
            keys: Slot::ALL.into_iter().map(slot).collect(),
        }
    }
}

type Heard = Arc<Mutex<Option<Box<dyn Fn(ReaderEvent) + Send>>>>;

/// Two readers in memory.
#[derive(Default, Clone)]
pub struct SoftPort {
    /// By reader.
    cards: Arc<Mutex<HashMap<String, Arc<Mutex<SoftCard>>>>>,
    heard: Heard,
    verified: Arc<Mutex<bool>>,
    /// Jobs of the PIN window, by title.
    pub jobs: Arc<Mutex<Vec<(String, String)>>>,
    /// What the PIN window answers next instead of doing the job.
    pub fails: Arc<Mutex<Option<Notice>>>,
    /// Pulls the card while the PIN window is open.
    pub pull_in_window: Arc<Mutex<bool>>,
    /// Pulls the card after its keys were made and before PUK and management key were replaced.
    pub pull_in_preparation: Arc<Mutex<bool>>,
}

impl SoftPort {
    pub fn insert(&self, card: &Arc<Mutex<SoftCard>>) {
        self.insert_into(READER, card);
    }

    pub fn insert_into(&self, reader: &str, card: &Arc<Mutex<SoftCard>>) {
        let reader = reader.to_owned();
        self.cards.lock().unwrap().insert(reader.clone(), card.clone());
        self.event(ReaderEvent::CardInserted { reader });
    }

    pub fn pull(&self) {
        self.pull_from(READER);
    }

    pub fn pull_from(&self, reader: &str) {
        let reader = reader.to_owned();
        self.cards.lock().unwrap().remove(&reader);
        *self.verified.lock().unwrap() = false;
        self.event(ReaderEvent::CardRemoved { reader });
    }

    /// The card service ends, as the monitor reports it: first the cards and readers, then the service.
    pub fn service_down(&self) {
        self.pull();
        self.event(ReaderEvent::ReaderRemoved {
            reader: READER.to_owned(),
        });
        self.event(ReaderEvent::ServiceDown);
    }

    pub fn service_up(&self) {
        self.event(ReaderEvent::ServiceUp);
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

    fn card(&self, reader: &str) -> Result<Arc<Mutex<SoftCard>>, CardError> {
        self.cards.lock().unwrap().get(reader).cloned().ok_or(CardError::NoCard)
    }

    /// What the PIN window does for a key store that is no card: the real one, with [`STORE_PIN`] typed.
    async fn in_store(&self, job: PinJob) -> Result<Answers, Notice> {
        let answer = tokio::task::spawn_blocking(move || {
            let pin = Pin::new(STORE_PIN).unwrap();
            match job.kind {
                PinJobKind::Use => pinjob::run(&job, &pin),
                PinJobKind::Choose => pinjob::choose(&job, &pin),
            }
        });
        match answer.await.unwrap() {
            PinAnswer::Ok(outcomes) => Ok(Answers::new(outcomes)),
            PinAnswer::Error(fault) => Err(Notice {
                code: fault.code,
                message: fault.message,
                action: fault.action,
                tone: wardkey_desk::notice::Tone::Danger,
            }),
        }
    }

    fn operate(&self, job: &PinJob) -> Result<Vec<Outcome>, CardError> {
        let card = self.card(&job.reader)?;
        let mut card = card.lock().unwrap();
        assert_eq!(job.serial.as_deref(), Some(card.serial.as_str()));
        if let Some(puk) = &job.puk {
            if card.puk != puk.0 {
                return Err(CardError::WrongPuk { tries_left: 4 });
            }
            card.tries_left = 5;
        }
        if card.tries_left == 0 {
            return Err(CardError::PinBlocked);
        }
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
                Operation::Generate { slot } => Err(CardError::SlotFilled { slot: *slot }),
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
    fn evidence(&self, _: &str) -> Result<Evidence, CardError> {
        Ok(Evidence::default())
    }
    fn info(&self, reader: &str) -> Result<CardInfo, CardError> {
        Ok(self.card(reader)?.lock().unwrap().info(reader))
    }
    fn hold(&self, reader: &str) -> Result<(), CardError> {
        self.card(reader).map(|_| ())
    }
    fn release(&self) {
        *self.verified.lock().unwrap() = false;
    }
    fn sign_unlocked(&self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        if !*self.verified.lock().unwrap() {
            return Err(CardError::PinRequired);
        }
        Ok(self.card(READER)?.lock().unwrap().keys[&slot]
            .sign_digest(digest)
            .unwrap())
    }
    fn agree_unlocked(&self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        if !*self.verified.lock().unwrap() {
            return Err(CardError::PinRequired);
        }
        Ok(self.card(READER)?.lock().unwrap().keys[&slot].agree(peer).unwrap())
    }
    fn prepare(
        &self,
        reader: &str,
        settings: &PrepareSettings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Prepared, CardError> {
        assert_eq!((settings.puk.len(), settings.overwrite), (8, false));
        progress(Step::Checking);
        let card = self.card(reader)?;
        let mut card = card.lock().unwrap();
        if !card.factory_pin {
            return Err(CardError::PinNotFactory);
        }
        for slot in Slot::ALL {
            progress(Step::Generating { slot });
            card.keys.entry(slot).or_insert_with(|| SoftKey::generate().unwrap());
        }
        if std::mem::take(&mut *self.pull_in_preparation.lock().unwrap()) {
            drop(card);
            self.pull_from(reader);
            return Err(CardError::Pulled);
        }
        card.factory_secrets = false;
        card.puk = settings.puk.to_string();
        let key = |slot| card.keys[&slot].public();
        Ok(Prepared {
            authentication: key(Slot::Authentication),
            signature: key(Slot::Signature),
            key_management: key(Slot::KeyManagement),
            info: card.info(reader),
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
            if job.store.is_some() {
                return self.in_store(job).await;
            }
            let answers = self.operate(&job)?;
            if std::mem::take(&mut *self.pull_in_window.lock().unwrap()) {
                self.pull_from(&job.reader);
            }
            Ok(Answers::new(answers))
        })
    }
}

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

type Told = Arc<Mutex<Vec<(Instant, Vec<Topic>)>>>;

/// A workstation with its reader and what it said.
pub struct Desk {
    pub folder: TempDir,
    pub work: Arc<Workstation>,
    pub port: SoftPort,
    pub told: Told,
    its: Mutex<Option<Arc<Mutex<SoftCard>>>>,
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
            its: Mutex::default(),
        }
    }

    /// Puts a card into the reader in the place of the one there.
    pub async fn swap(&self, card: &Arc<Mutex<SoftCard>>) {
        self.port.pull();
        self.port.insert(card);
        until("the card is read", || async { self.snapshot().await.card.is_some() }).await;
    }

    /// Sets IT's card up; the reader is empty afterwards, and the secret open.
    pub async fn it(&self) -> Arc<Mutex<SoftCard>> {
        let card = SoftCard::blank("7001");
        self.swap(&card).await;
        self.work.found_it_card().await.unwrap();
        self.port.pull();
        *self.its.lock().unwrap() = Some(Arc::clone(&card));
        card
    }

    /// Opens IT's secret, which a sign-in has locked; sets IT's card up at the first time.
    pub async fn open_it(&self) {
        let known = self.its.lock().unwrap().clone();
        match known {
            Some(it) => self.unlock(&it).await,
            None => drop(self.it().await),
        }
    }

    /// Unlocks with IT's card, as before every task after a sign-in; the reader is empty afterwards.
    pub async fn unlock(&self, it: &Arc<Mutex<SoftCard>>) {
        self.swap(it).await;
        self.work.unlock_it_card().await.unwrap();
        self.port.pull();
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
