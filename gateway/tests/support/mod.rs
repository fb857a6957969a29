//! What the gateway's tests share: a scene with two hospitals, a doctor, a patient, a grant, and a clock to turn.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "tests; each uses a part"
)]

pub mod described;
pub mod postgres;
pub mod process;
pub mod s3;

use axum::middleware;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use wardkey_chain::{
    Block, Bytes, Chain, ChainError, CheckpointState, Embedded, Genesis, Head, Network, Receipt, When,
};
use wardkey_core::action::SignedAction;
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::problem::{PROBLEM_JSON, PROBLEM_TYPE, ProblemDetails};
use wardkey_core::record::Record;
use wardkey_gateway::bench::actors::{ALL_SECTIONS, Card, Given, Hospital, Patient, Session, Terms, unsigned};
use wardkey_gateway::bench::stage::{Ask, Reply, Stage};
use wardkey_gateway::keys::Keys;
use wardkey_gateway::{Clock, Gateway, Settings};

/// Allergies: granted for reading and writing in every scene.
pub const ALLERGIES: u8 = 2;
/// Medications: granted for reading and writing in every scene.
pub const MEDICATIONS: u8 = 3;
/// Procedures: never granted.
pub const PROCEDURES: u8 = 6;
/// Results: granted for reading only.
pub const RESULTS: u8 = 5;

/// Whether the tests of this program use PostgreSQL: those of `tests/on_postgres.rs`, which takes in the others.
pub fn on_postgres() -> bool {
    env!("CARGO_CRATE_NAME") == "on_postgres"
}

/// Settings of a store in this database.
pub fn store_at(url: &str) -> String {
    format!("[store]\nbackend = \"postgres\"\nurl = \"{url}\"\n")
}

/// The embedded ledger behind a wire that can be cut.
pub struct Wire {
    chain: Embedded,
    pub cut: AtomicBool,
}

impl Wire {
    fn up(&self) -> Result<&Embedded, ChainError> {
        if self.cut.load(Ordering::Relaxed) {
            Err(ChainError::Machine("the wire is cut".into()))
        } else {
            Ok(&self.chain)
        }
    }

    /// The newest checkpoint on the chain.
    pub fn checkpoint(&self) -> CheckpointState {
        self.chain.checkpoint().unwrap().unwrap()
    }

    /// Replays the whole ledger; gives the newest block.
    pub fn verify(&self) -> u64 {
        self.chain.verify().unwrap()
    }
}

impl Chain for Wire {
    fn network(&self) -> Network {
        self.chain.network()
    }
    fn submit(&self, action: &SignedAction) -> Result<Receipt, ChainError> {
        self.up()?.submit(action)
    }
    fn head(&self) -> Result<Head, ChainError> {
        self.up()?.head()
    }
    fn finalized(&self, head: &Head) -> Result<u64, ChainError> {
        self.up()?.finalized(head)
    }
    fn first(&self) -> u64 {
        self.chain.first()
    }
    fn own(&self) -> bool {
        self.chain.own()
    }
    fn blocks(&self, first: u64, last: u64) -> Result<Vec<Block>, ChainError> {
        self.up()?.blocks(first, last)
    }
    fn call(&self, data: Vec<u8>, when: When) -> Result<Bytes, ChainError> {
        self.up()?.call(data, when)
    }
    fn device_key(&self, id: &DeviceId) -> Result<Option<PublicKey>, ChainError> {
        self.up()?.device_key(id)
    }
    fn institution_actions(&self, id: &InstitutionId) -> Result<Vec<SignedAction>, ChainError> {
        self.up()?.institution_actions(id)
    }
    fn device_approval(&self, id: &DeviceId) -> Result<Option<SignedAction>, ChainError> {
        self.up()?.device_approval(id)
    }
}

/// A gateway with a clock and a wire of its own.
pub struct Place {
    pub folder: TempDir,
    pub stage: Stage,
    pub wire: Arc<Wire>,
    ahead: Arc<AtomicU64>,
}

pub fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn open(folder: &Path, settings: &str, ahead: Arc<AtomicU64>) -> (Stage, Arc<Wire>) {
    let clock = Clock::new(move || system_now() + ahead.load(Ordering::Relaxed));
    let settings = Settings {
        data: folder.to_owned(),
        ..Settings::parse(settings).unwrap()
    };
    let keys = Keys::open(folder).unwrap();
    let genesis = Genesis {
        operator: keys.operator.public(),
        gateway: keys.gateway.public(),
        chain_id: settings.chain.id,
        salt: keys.salt,
    };
    let chain = Embedded::open(&folder.join("ledger.sqlite"), genesis, clock.shared()).unwrap();
    let wire = Arc::new(Wire {
        chain,
        cut: AtomicBool::new(false),
    });
    let gateway = Gateway::with_chain(settings, clock, keys, wire.clone()).unwrap();
    let Stage { gateway, app } = Stage::new(gateway);
    let app = app.layer(middleware::from_fn(described::held));
    (Stage { gateway, app }, wire)
}

/// A second gateway with the keys, the chain and the settings of a place, its clock this many seconds ahead.
pub fn open_beside(place: &Place, settings: &str, ahead: u64) -> Stage {
    let base = place.ahead.clone();
    let clock = Clock::new(move || system_now() + base.load(Ordering::Relaxed) + ahead);
    let settings = Settings {
        data: place.folder.path().to_owned(),
        ..Settings::parse(settings).unwrap()
    };
    let keys = Keys::open(place.folder.path()).unwrap();
    Stage::new(Gateway::with_chain(settings, clock, keys, place.wire.clone()).unwrap())
}

impl Place {
    pub fn new() -> Self {
        Self::with("")
    }

    pub fn with(settings: &str) -> Self {
        Self::at(tempfile::tempdir().unwrap(), settings)
    }

    /// With its data in this folder.
    pub fn at(folder: TempDir, settings: &str) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let store = on_postgres().then(|| store_at(&postgres::common_url(&database_of(folder.path()))));
        if let Some(store) = &store {
            std::fs::write(folder.path().join("gateway.toml"), store).unwrap();
        }
        let settings = format!("{settings}\n{}", store.unwrap_or_default());
        let (stage, wire) = open(folder.path(), &settings, ahead.clone());
        Self {
            folder,
            stage,
            wire,
            ahead,
        }
    }

    /// Turns the clock, and lets the gateway hear the chain.
    pub fn later(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
        self.stage.gateway.look().unwrap();
    }

    /// Turns the clock while nothing is heard.
    pub fn later_unheard(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn now(&self) -> u64 {
        self.stage.gateway.clock.now()
    }

    /// Stops the gateway; its folder stays.
    pub fn stop(self) -> TempDir {
        self.folder
    }

    /// Changes the data store behind the gateway's back; gives how many rows it changed.
    pub fn alter(&self, sql: &str) -> usize {
        if on_postgres() {
            let counted = format!("WITH changed AS ({sql} RETURNING 1) SELECT count(*) FROM changed");
            let database = database_of(self.folder.path());
            return postgres::sql_at(&postgres::common(), &database, &counted)
                .parse()
                .unwrap();
        }
        self.store().execute(sql, []).unwrap()
    }

    /// One text from the data store, read behind the gateway's back.
    pub fn text(&self, sql: &str) -> String {
        if on_postgres() {
            return postgres::sql_at(&postgres::common(), &database_of(self.folder.path()), sql);
        }
        self.store().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The data store's file, opened behind the gateway's back.
    pub fn store(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store.sqlite")).unwrap()
    }
}

/// The name of a data folder's database; made at the first use.
pub fn database_of(folder: &Path) -> String {
    let file = folder.join("database");
    std::fs::read_to_string(&file).unwrap_or_else(|_| {
        let name = postgres::database();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&file, &name).unwrap();
        name
    })
}

/// Two hospitals, a doctor of the first with a session, a patient who granted it.
pub struct Scene {
    pub place: Place,
    pub stage: Stage,
    pub harbour: Hospital,
    pub summit: Hospital,
    pub doctor: Card,
    pub session: Session,
    pub patient: Patient,
    pub given: Given,
}

impl Scene {
    pub async fn set() -> Self {
        Self::in_place(Place::new()).await
    }

    pub async fn in_place(place: Place) -> Self {
        let stage = place.stage.clone();
        let harbour = Hospital::open(&stage, "Harbour Hospital").await.unwrap();
        let summit = Hospital::open(&stage, "Summit Clinic").await.unwrap();
        let doctor = harbour.card(&stage, "Dr. Ada Harbour", 3).await.unwrap();
        let session = doctor.sign_in(&stage).await.unwrap();
        let patient = Patient::begin(&stage).await.unwrap();
        let given = patient.grant(&stage, &harbour, terms(place.now())).await.unwrap();
        Self {
            place,
            stage,
            harbour,
            summit,
            doctor,
            session,
            patient,
            given,
        }
    }

    /// The gateway stopped and started again on its folder; `between` runs while it is stopped.
    pub fn restarted(self, between: impl FnOnce(&Path)) -> Self {
        let Self { place, stage, .. } = self;
        drop(stage);
        let folder = place.stop();
        between(folder.path());
        let place = Place::at(folder, "");
        // As `serve` does: what was signed in the second of the run before's last request would be refused.
        while place.stage.gateway.replay.must_wait(place.now()) {
            place.later_unheard(1);
        }
        Self {
            stage: place.stage.clone(),
            place,
            ..self
        }
    }

    pub fn records(&self) -> String {
        format!("/v1/patients/{}/records", self.patient.id)
    }

    pub fn ask_read(&self, sections: &str) -> Ask<'static> {
        Ask::get(format!("{}?sections={sections}", self.records()))
            .under(self.given.commitment, "Emergency, patient unconscious")
    }

    pub async fn read(&self, sections: &str) -> Reply {
        self.stage
            .signed(self.session.signer(), self.ask_read(sections))
            .await
            .unwrap()
    }

    /// A record of the doctor's, signed in the session.
    pub fn record(&self, section: u8, text: &str) -> Record {
        let unsigned = unsigned(&self.stage, &self.patient, &self.doctor, section, text.as_bytes()).unwrap();
        unsigned
            .sign_in_session(self.stage.gateway.domain(), &self.session.key, &self.session.delegation)
            .unwrap()
    }

    pub fn ask_write(&self, records: &[Record]) -> Ask<'static> {
        Ask::post(self.records(), &json!({ "records": records })).under(self.given.commitment, "Treatment")
    }

    pub async fn write(&self, records: &[Record]) -> Reply {
        self.stage
            .signed(self.session.signer(), self.ask_write(records))
            .await
            .unwrap()
    }

    pub async fn log(&self) -> Value {
        let ask = Ask::get(format!("/v1/patients/{}/log?from=0", self.patient.id));
        let reply = self.stage.signed(self.patient.signer(), ask).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.code());
        reply.json().unwrap()
    }
}

/// A day: everything but procedures to read; everything but procedures and results to write.
pub fn terms(now: u64) -> Terms {
    let read = ALL_SECTIONS & !(1 << PROCEDURES);
    Terms {
        read,
        write: read & !(1 << RESULTS),
        not_before: now,
        expiry: now + 86_400,
    }
}

#[track_caller]
pub fn refused(reply: &Reply, status: u16, code: &str) {
    let text = String::from_utf8_lossy(&reply.body);
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{text}");
    assert_eq!(reply.headers["content-type"], PROBLEM_JSON);
    let problem: ProblemDetails = reply.json().unwrap();
    assert_eq!(
        (problem.status, problem.kind),
        (status, format!("{PROBLEM_TYPE}{code}"))
    );
    assert!(!problem.title.is_empty() && !problem.action.is_empty(), "{text}");
}

#[track_caller]
pub fn done(reply: &Reply) -> Value {
    assert!(
        reply.status.is_success(),
        "{} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    if reply.body.is_empty() {
        Value::Null
    } else {
        reply.json().unwrap()
    }
}
