//! Cards and a PIN window in memory, behind the workstation's card port.

use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wardkey_core::key::{PublicKey, Signature, SoftKey};
use wardkey_desk::Notice;
use wardkey_desk::card::{Answers, CardPort, WatchGuard};
use wardkey_gateway::bench::actors::Card;
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
