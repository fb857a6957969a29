//! What the workstation holds in memory. All secrets are in here, and go at once with [`State::take_secrets`].

use super::master_key::MasterKeys;
use crate::card::CardKeys;
use crate::grants::Granted;
use crate::import::Plan;
use crate::notice::Notice;
use crate::phase::Machine;
use crate::store::{ItSecret, Vault, VaultKey};
use crate::view::{Chart, MasterView, UserView};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use wardkey_client::{Credential, InstitutionFacts, Network};
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::DeviceCertificate;
use wardkey_core::epoch::EpochKeys;
use wardkey_core::id::{Commitment, InstitutionId};
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::section_keys::SectionKeys;
use wardkey_core::typed::structs::SetMasters;
use wardkey_hsm::CardInfo;
use wardkey_hsm::attestation::Evidence;

/// A clinician's session. Its keys go when the last user of it drops it, which a wipe makes happen.
#[derive(Clone)]
pub(super) struct Session {
    pub credential: Credential,
    pub delegation: SignedDelegation,
    /// False until the gateway has accepted this delegation.
    pub registered: bool,
    pub certificate: Arc<DeviceCertificate>,
    pub rights: u8,
    /// First second at which the card is no longer approved.
    pub not_after: u64,
    pub institution: InstitutionId,
    pub institution_name: String,
    pub agreements: Arc<Keyring>,
    pub vault: Arc<VaultKey>,
    pub network: Arc<Network>,
}

impl Session {
    /// What requests are made with.
    pub fn by(&self) -> (&Credential, &PublicKey) {
        (&self.credential, &self.network.gateway)
    }
}

/// The institution's agreement keys by epoch. Every copy of a session sees a new epoch as soon as it was taken up.
pub(super) struct Keyring(RwLock<Arc<EpochKeys>>);

impl Keyring {
    pub fn new(keys: EpochKeys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// The keys that it holds now.
    pub fn now(&self) -> Arc<EpochKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest epoch that it holds.
    pub fn epoch(&self) -> u32 {
        self.now().keys().next_back().copied().unwrap_or_default()
    }

    /// Takes newer keys in.
    pub fn take_up(&self, keys: EpochKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

/// A master key's session.
#[derive(Clone)]
pub(super) struct Master {
    pub credential: Credential,
    pub expiry: u64,
    /// The master key on the card.
    pub key: PublicKey,
    pub facts: InstitutionFacts,
    pub network: Arc<Network>,
}

impl Master {
    pub fn by(&self) -> (&Credential, &PublicKey) {
        (&self.credential, &self.network.gateway)
    }
}

/// The chart that is open.
pub(super) struct OpenChart {
    pub granted: Arc<Granted>,
    pub view: Chart,
    pub keys: Option<SectionKeys>,
}

/// A card prepared in this run.
#[derive(Clone)]
pub(super) struct PreparedCard {
    pub serial: String,
    pub holder: String,
    pub role: String,
    pub evidence: Evidence,
    pub keys: CardKeys,
}

/// A new master key, and what its card attests where it is on one.
#[derive(Clone)]
pub(super) struct OfferedKey {
    pub serial: String,
    pub keys: MasterKeys,
    pub card: Option<(CardKeys, Evidence)>,
}

/// A new card that is to become a master key: it signed the change already, the current masters did not yet.
#[derive(Clone)]
pub(super) struct Offered {
    pub prepared: OfferedKey,
    pub change: SetMasters,
    pub signature: Signature,
    /// Short name of the key whose place it takes; empty if it is a further one.
    pub replaces: String,
}

/// Everything that must go when the card goes.
#[derive(Default)]
pub(super) struct Secrets {
    pub session: Option<Arc<Session>>,
    pub master: Option<Arc<Master>>,
    pub chart: Option<OpenChart>,
    pub import: Option<(Commitment, Plan)>,
    pub unblock: Option<super::unblock::Asked>,
    pub grants: Option<HashMap<Commitment, Arc<Granted>>>,
    /// Grants known at sign-in or opened since: not fresh.
    pub seen: HashSet<Commitment>,
}

/// IT's secret while it is open.
pub(super) struct ItOpen {
    pub secret: ItSecret,
    /// Serial number of the IT card that opened it.
    pub card: String,
    /// When it is forgotten, seconds since 1970.
    pub until: u64,
}

/// Everything.
#[derive(Default)]
pub(super) struct State {
    pub machine: Machine,
    pub card: Option<CardInfo>,
    pub notice: Option<Notice>,
    pub secrets: Secrets,
    /// The master key as the window shows it.
    pub master_view: Option<MasterView>,
    /// Who is signed in, or whose work is covered.
    pub user: Option<UserView>,
    /// Seals late drafts after a wipe; holds no secret.
    pub draft_vault: Option<Vault>,
    /// The signed-in card has asked for its renewal.
    pub renewal_requested: bool,
    pub prepared: Option<PreparedCard>,
    /// Outside [`Secrets`]: it survives the pull of IT's card.
    pub it: Option<Arc<ItOpen>>,
    /// A secret whose first card is not finished; kept so that another try goes on with it.
    pub it_new: Option<ItSecret>,
    /// Stays when cards change: it holds no secret, and two cards take turns in one reader.
    pub offered: Option<Offered>,
    pub requested: Option<wardkey_core::id::Digest>,
    pub network: Option<Arc<Network>>,
    /// Newest block, and when the gateway heard of it.
    pub chain: Option<(u64, u64)>,
    pub home: Option<InstitutionId>,
    pub home_name: String,
    /// Readers that hold a card.
    pub readers: Vec<String>,
}

impl State {
    /// Takes every secret out, to be dropped outside the lock.
    pub fn take_secrets(&mut self) -> Secrets {
        self.master_view = None;
        std::mem::take(&mut self.secrets)
    }

    /// Takes the notice away, unless it is about the card service: that is told once, and holds until the service is back.
    pub fn keep_service_notice(&mut self) {
        self.notice = self.notice.take().filter(|n| n.code == "card-service-down");
    }
}
