//! The gateway's state, shared by all handlers.

use crate::admin::Meters;
use crate::blobs::Tickets;
use crate::chain;
use crate::clock::Clock;
use crate::counts::Counts;
use crate::error::{Problem, Refusal};
use crate::http::Rooms;
use crate::keys::{Keys, KeysError, private_file};
use crate::ledger::Ledger;
use crate::log::{Ink, Scribe};
use crate::news::{Board, News};
use crate::objects::{self, ObjectsError};
use crate::quota::Quota;
use crate::random;
use crate::rates::Rates;
use crate::replay::Replay;
use crate::settings::{Backend, Settings, SettingsError};
use crate::store::postgres::{self, Address};
use crate::store::shared::Item;
use crate::store::{Store, StoreError, sqlite};
use crate::traces::TARGET;
use object_store::ObjectStore;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use wardkey_chain::{Chain, ChainError, Event, Logged};
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::fault::Coded;
use wardkey_core::id::{Commitment, Digest, InstitutionId, SessionId};
use wardkey_core::key::{PublicKey, SoftKey, sha256};
use wardkey_core::permission::SignatureChecked;
use wardkey_core::typed::Domain;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Its chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Its data store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its object store.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// Its settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Coded for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Keys(e) => e.code(),
            Self::Chain(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Objects(e) => e.code(),
            Self::Settings(e) => e.code(),
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Keys(e) => e.action(),
            Self::Chain(e) => e.action(),
            Self::Store(e) => e.action(),
            Self::Objects(e) => e.action(),
            Self::Settings(e) => e.action(),
        }
    }
}

/// Everything a handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

/// The parts of a [`Gateway`].
pub struct Parts {
    /// Settings.
    pub settings: Settings,
    /// Time.
    pub clock: Clock,
    /// The chain.
    pub ledger: Ledger,
    /// The data store.
    pub store: Box<dyn Store>,
    /// Tiles of the log, and large documents.
    pub objects: Arc<dyn ObjectStore>,
    /// For fetching large documents.
    pub tickets: Tickets,
    /// Signs answers and receipts.
    pub scribe: Arc<Scribe>,
    /// Signs accreditations and checkpoints; the lock keeps its nonces in order.
    pub operator: Mutex<SoftKey>,
    /// News for workstations.
    pub board: Board,
    /// Nonces seen.
    pub replay: Replay,
    /// Event streams of each session.
    pub listening: Counts<SessionId>,
    /// Room for what is being received.
    pub rooms: Rooms,
    /// What this gateway is called where gateways share a database; random at every start.
    pub holder: Digest,
    /// Counts sponsored actions.
    pub quota: Quota,
    /// Counts requests.
    pub rates: Rates,
    /// Figures.
    pub meters: Meters,
    /// Sessions looked up before.
    pub sessions: Known<SessionId, SignedDelegation>,
    /// Grants whose signature was verified before.
    pub grants: Known<Commitment, SignatureChecked>,
    /// Keys of today's use lines.
    pub inks: Known<InstitutionId, Ink>,
    /// Becomes true when the gateway is asked to stop: it serves on for a while and says that it is not ready.
    pub draining: watch::Sender<bool>,
    /// Becomes true when the gateway stops, so that event streams end.
    pub closing: watch::Sender<bool>,
}

impl Deref for Gateway {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// A bounded memory of values that never change.
#[derive(Debug)]
pub struct Known<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Known<K, V> {
    const MOST: usize = 50_000;

    /// What was kept under `key`.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps a value.
    pub fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= Self::MOST {
            all.clear();
        }
        all.insert(key, Arc::clone(&value));
        value
    }
}

/// The data store that the settings name.
///
/// # Errors
/// [`OpenError`].
pub fn open_store(settings: &Settings, scribe: &Arc<Scribe>) -> Result<Box<dyn Store>, OpenError> {
    let wanted = &settings.store;
    if wanted.backend == Backend::Postgres {
        let address = Address::of(wanted, &settings.data).map_err(SettingsError::from)?;
        return Ok(postgres::open(address, wanted.accept_loss, Arc::clone(scribe))?);
    }
    let file = settings.data.join("store.sqlite");
    private_file(&file)?;
    Ok(sqlite::open(&file, wanted.max_megabytes, Arc::clone(scribe))?)
}

impl Gateway {
    /// Opens the data folder with the chain of the settings; makes everything at the first start.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: Settings, clock: Clock) -> Result<Self, OpenError> {
        let keys = Keys::open(&settings.data)?;
        let chain = chain::open(&settings, &clock, &keys)?;
        Self::with_chain(settings, clock, keys, chain)
    }

    /// Opens the data folder with any chain.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn with_chain(settings: Settings, clock: Clock, keys: Keys, chain: Arc<dyn Chain>) -> Result<Self, OpenError> {
        let scribe = Arc::new(Scribe::new(chain.network().domain, &keys.gateway).map_err(KeysError::from)?);
        let store = open_store(&settings, &scribe)?;
        let objects = objects::open(&settings.objects, &settings.data)?;
        let replay = if store.is_shared() {
            Replay::in_store()
        } else {
            let file = settings.data.join("newest-request");
            private_file(&file)?;
            Replay::open(&file, clock.now()).map_err(|e| StoreError::Failed(e.to_string()))?
        };
        let (_, newest) = store.news_span()?;
        let holder = Digest(random::bytes().map_err(KeysError::from)?);
        let file = settings.data.join("projection.sqlite");
        private_file(&file)?;
        let ledger = Ledger::open(chain, clock.clone(), settings.chain.patience(), &file)?;
        let gateway = Self(Arc::new(Parts {
            ledger,
            store,
            objects,
            tickets: Tickets::new(&keys.gateway),
            scribe,
            operator: Mutex::new(keys.operator),
            board: Board::after(newest),
            replay,
            listening: Counts::default(),
            rooms: Rooms::new(settings.limits.import_megabytes),
            holder,
            quota: Quota::default(),
            rates: Rates::new(&settings.limits),
            meters: Meters::default(),
            sessions: Known::default(),
            grants: Known::default(),
            inks: Known::default(),
            draining: watch::Sender::new(false),
            closing: watch::Sender::new(false),
            settings,
            clock,
        }));
        gateway.activate_key()?;
        Ok(gateway)
    }

    /// The deployment.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        self.scribe.domain()
    }

    /// Runs blocking work away from the asynchronous threads.
    ///
    /// # Errors
    /// What `work` gives; [`Refusal::Internal`] if it panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let gateway = self.clone();
        let span = tracing::info_span!(target: TARGET, "store and chain");
        tokio::task::spawn_blocking(move || span.in_scope(|| work(&gateway)))
            .await
            .map_err(|_| Refusal::Internal)?
    }

    /// Looks at the chain and tells the institutions what concerns them. Blocks.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn look(&self) -> Result<(), ChainError> {
        let seen = tracing::info_span!(target: TARGET, "chain look").in_scope(|| self.ledger.look())?;
        let news: Vec<Item> = seen.iter().filter_map(|logged| self.news_of(logged)).collect();
        // What could not be told is read from the gateway later.
        if let Err(problem) = self.tell_all(news) {
            tracing::warn!(%problem.fault, "institutions could not be told what the chain says");
        }
        Ok(())
    }

    fn news_of(&self, logged: &Logged) -> Option<Item> {
        let (institution, news) = match &logged.event {
            Event::Granted { commitment, key } => {
                let commitment = *commitment;
                (self.grantee(&commitment, key)?, News::Grant { commitment })
            }
            Event::Revoked { commitment, key } => {
                let commitment = *commitment;
                (self.grantee(&commitment, key)?, News::Revoke { commitment })
            }
            Event::DeviceApproved {
                institution, device, ..
            }
            | Event::SuspensionSet {
                institution, device, ..
            }
            | Event::DeviceRevoked { institution, device } => (*institution, News::Device { device: *device }),
            Event::AccreditationSet { institution, .. }
            | Event::AgreementRotated { institution, .. }
            | Event::MastersSet { institution, .. } => {
                let institution = *institution;
                (institution, News::Institution { institution })
            }
            _ => return None,
        };
        let place = [logged.block.to_be_bytes().as_slice(), &logged.index.to_be_bytes()].concat();
        let origin = Digest(sha256(&[&place, &logged.digest.0]));
        news.item(institution, Some(origin)).ok()
    }

    /// A stranger's key under the same commitment is another grant on the chain and concerns nobody here.
    fn grantee(&self, commitment: &Commitment, key: &PublicKey) -> Option<InstitutionId> {
        let stored = self.store.grant(commitment).unwrap_or_else(|error| {
            tracing::warn!(%error, "an institution could not be told of a grant");
            None
        })?;
        let document = &stored.grant.document;
        (document.key == *key).then_some(document.institution)
    }
}
