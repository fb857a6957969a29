//! A small world on an embedded ledger: fixed keys, a clock that the test sets.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::large_enum_variant,
    reason = "test support; no test uses all of it"
)]

pub mod anvil;
pub mod proxy;

use anvil::Anvil;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use wardkey_chain::{Chain, ChainError, Embedded, Genesis, Receipt, Refusal, Rpc};
use wardkey_core::action::{Proof, SignedAction};
use wardkey_core::grant::GrantDocument;
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_core::key::{PublicKey, Signature, SoftKey, sha256};
use wardkey_core::typed::{Domain, structs};

/// First second of the world.
pub const START: u64 = 1_800_000_000;
/// A deadline that no test reaches unless it means to.
pub const LATER: u64 = START + 1_000_000;

/// The same key for the same name, in every run.
pub fn key(name: &str) -> SoftKey {
    SoftKey::from_bytes(&sha256(&[b"test key ", name.as_bytes()])).unwrap()
}

pub fn xy(key: &PublicKey) -> (alloy_primitives::B256, alloy_primitives::B256) {
    (key.x().into(), key.y().into())
}

/// The agreement key of the card that holds a master key.
pub fn wrap(master: &SoftKey) -> SoftKey {
    SoftKey::from_bytes(&sha256(&[b"wrap of ", master.public().bytes()])).unwrap()
}

/// Whether this test runs over a chain of its own.
pub const OVER_RPC: bool = matches!(module_path!().as_bytes(), [b'r', b'p', b'c', b':', ..]);

/// Either ledger.
pub enum Ledger {
    Embedded(Box<Embedded>),
    Rpc(Box<Rpc>, Anvil),
}

impl Deref for Ledger {
    type Target = dyn Chain;
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Embedded(ledger) => ledger.as_ref(),
            Self::Rpc(ledger, _) => ledger.as_ref(),
        }
    }
}

impl Ledger {
    fn new(dir: &Path, time: &Arc<AtomicU64>) -> Self {
        if OVER_RPC {
            let anvil = Anvil::start(genesis().chain_id, START - 100, &[]);
            let rpc = anvil.ledger(dir, genesis());
            anvil.stay_at(START);
            Self::Rpc(Box::new(rpc), anvil)
        } else {
            Self::Embedded(Box::new(open(dir, time)))
        }
    }

    pub fn embedded(&self) -> &Embedded {
        match self {
            Self::Embedded(ledger) => ledger,
            Self::Rpc(..) => panic!("this test is about the embedded ledger"),
        }
    }

    /// Replays an embedded ledger; a chain has nothing of its own to replay.
    pub fn verify(&self) -> Result<u64, ChainError> {
        match self {
            Self::Embedded(ledger) => ledger.verify(),
            Self::Rpc(ledger, _) => ledger.verify().and_then(|()| Ok(ledger.head()?.number)),
        }
    }
}

pub struct World {
    pub dir: TempDir,
    pub time: Arc<AtomicU64>,
    pub ledger: Ledger,
    pub operator: SoftKey,
    pub gateway: SoftKey,
}

pub struct Hospital {
    pub master: SoftKey,
    pub id: InstitutionId,
}

pub fn genesis() -> Genesis {
    Genesis {
        chain_id: 7001,
        salt: [7; 32],
        operator: key("operator").public(),
        gateway: key("gateway").public(),
    }
}

pub fn file(dir: &Path) -> PathBuf {
    dir.join("ledger.sqlite")
}

pub fn open(dir: &Path, time: &Arc<AtomicU64>) -> Embedded {
    let time = Arc::clone(time);
    Embedded::open(&file(dir), genesis(), Arc::new(move || time.load(Ordering::Relaxed))).unwrap()
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicU64::new(START));
        let ledger = Ledger::new(dir.path(), &time);
        Self {
            dir,
            time,
            ledger,
            operator: key("operator"),
            gateway: key("gateway"),
        }
    }

    pub fn reopened(self) -> Self {
        let Self {
            dir,
            time,
            ledger,
            operator,
            gateway,
        } = self;
        drop(ledger);
        let ledger = Ledger::Embedded(Box::new(open(dir.path(), &time)));
        Self {
            dir,
            time,
            ledger,
            operator,
            gateway,
        }
    }

    pub fn set_time(&self, time: u64) {
        self.time.store(time, Ordering::Relaxed);
        if let Ledger::Rpc(_, anvil) = &self.ledger {
            anvil.stay_at(time);
        }
    }

    pub fn now(&self) -> u64 {
        self.time.load(Ordering::Relaxed)
    }

    pub fn domain(&self) -> Domain {
        self.ledger.network().domain
    }

    /// Deterministic, as a card signs.
    pub fn sign(&self, key: &SoftKey, message: &impl alloy_sol_types::SolStruct) -> Signature {
        key.sign_digest(&self.domain().digest(message)).unwrap()
    }

    pub fn submit(&self, action: &SignedAction) -> Result<Receipt, ChainError> {
        if let Ledger::Rpc(_, anvil) = &self.ledger {
            anvil.next_at(self.now());
        }
        self.ledger.submit(action)
    }

    /// Submits an action signed by `key`.
    pub fn act<M>(&self, key: &SoftKey, message: M) -> Result<Receipt, ChainError>
    where
        M: alloy_sol_types::SolStruct + Into<wardkey_core::action::Action>,
    {
        let signature = self.sign(key, &message);
        self.submit(&SignedAction::one(message, signature))
    }

    /// Submits Grant or Revoke signed by its one-time key.
    pub fn act_by_key<M>(&self, key: &SoftKey, message: M) -> Result<Receipt, ChainError>
    where
        M: alloy_sol_types::SolStruct + Into<wardkey_core::action::Action>,
    {
        let signature = self.sign(key, &message);
        self.submit(&SignedAction::by_key(message, key.public(), signature))
    }

    pub fn registration(name: &str) -> (SoftKey, structs::RegisterInstitution) {
        let master = key(&format!("{name} master"));
        let ((mx, my), (ax, ay)) = (xy(&master.public()), xy(&key(&format!("{name} agreement 1")).public()));
        let (wx, wy) = xy(&wrap(&master).public());
        let message = structs::RegisterInstitution {
            institution: master.public().id().0.into(),
            name: name.to_owned(),
            country: "CH".to_owned(),
            masterX: mx,
            masterY: my,
            wrapX: wx,
            wrapY: wy,
            agreementX: ax,
            agreementY: ay,
            deadline: LATER,
        };
        (master, message)
    }

    pub fn registered(&self, name: &str) -> Hospital {
        let (master, message) = Self::registration(name);
        let id = InstitutionId(message.institution.0);
        self.act(&master, message).unwrap();
        Hospital { master, id }
    }

    pub fn set_accredited(&self, id: InstitutionId, accredited: bool) -> Receipt {
        let nonce = self.ledger.operator_nonce().unwrap();
        let message = structs::SetAccreditation {
            institution: id.0.into(),
            accredited,
            nonce,
            deadline: LATER,
        };
        self.act(&self.operator, message).unwrap()
    }

    pub fn accredited(&self, name: &str) -> Hospital {
        let hospital = self.registered(name);
        self.set_accredited(hospital.id, true);
        hospital
    }

    pub fn nonce(&self, hospital: &Hospital) -> u64 {
        self.ledger.institution(&hospital.id).unwrap().unwrap().nonce
    }

    pub fn device_nonce(&self, device: &PublicKey) -> u32 {
        self.ledger.device(&device_id(device)).unwrap().map_or(0, |d| d.nonce)
    }

    /// The change to these master keys, in this order, signed by these keys, in this order.
    pub fn set_masters(
        &self,
        hospital: &Hospital,
        keys: &[&SoftKey],
        threshold: u8,
        by: &[&SoftKey],
    ) -> Result<Receipt, ChainError> {
        let message = self.masters_change(hospital, keys, threshold);
        self.submit(&self.signed_by(by, message))
    }

    pub fn masters_change(&self, hospital: &Hospital, keys: &[&SoftKey], threshold: u8) -> structs::SetMasters {
        let entry = |k: &&SoftKey| [&k.public().bytes()[1..], &wrap(k).public().bytes()[1..]].concat();
        structs::SetMasters {
            institution: hospital.id.0.into(),
            keys: keys.iter().flat_map(entry).collect::<Vec<u8>>().into(),
            threshold,
            nonce: self.nonce(hospital),
            deadline: LATER,
        }
    }

    /// An action with the signatures of these keys, in this order.
    pub fn signed_by<M>(&self, by: &[&SoftKey], message: M) -> SignedAction
    where
        M: alloy_sol_types::SolStruct + Into<wardkey_core::action::Action>,
    {
        SignedAction {
            signatures: by.iter().map(|key| self.sign(key, &message)).collect(),
            action: message.into(),
            keys: vec![],
            proof: None,
        }
    }

    pub fn suspension(&self, hospital: &Hospital, device: &PublicKey, suspended: bool) -> structs::SetSuspension {
        structs::SetSuspension {
            institution: hospital.id.0.into(),
            device: device.id().0.into(),
            suspended,
            masters: self
                .ledger
                .institution(&hospital.id)
                .unwrap()
                .map_or(0, |i| i.masters_version),
            nonce: self.device_nonce(device),
            deadline: LATER,
        }
    }

    pub fn approval(
        &self,
        hospital: &Hospital,
        device: &PublicKey,
        rights: u8,
        not_after: u64,
    ) -> structs::ApproveDevice {
        let (x, y) = xy(device);
        structs::ApproveDevice {
            institution: hospital.id.0.into(),
            deviceX: x,
            deviceY: y,
            rights,
            notAfter: not_after,
            certificate: sha256(&[b"certificate of ", device.bytes()]).into(),
            masters: self
                .ledger
                .institution(&hospital.id)
                .unwrap()
                .map_or(0, |i| i.masters_version),
            nonce: self.device_nonce(device),
            deadline: LATER,
        }
    }

    /// The approval by the first master key with the device's own proof of possession.
    pub fn proved(&self, hospital: &Hospital, device: &SoftKey, approval: structs::ApproveDevice) -> SignedAction {
        self.proved_by(&[&hospital.master], device, approval)
    }

    pub fn proved_by(&self, by: &[&SoftKey], device: &SoftKey, approval: structs::ApproveDevice) -> SignedAction {
        let request = structs::RequestDevice {
            institution: approval.institution,
            certificate: approval.certificate,
            challenge: [9; 32].into(),
            deadline: LATER,
        };
        let proof = Proof {
            signature: self.sign(device, &request),
            message: request,
        };
        SignedAction {
            proof: Some(proof),
            ..self.signed_by(by, approval)
        }
    }

    pub fn approve(
        &self,
        hospital: &Hospital,
        device: &SoftKey,
        rights: u8,
        not_after: u64,
    ) -> Result<Receipt, ChainError> {
        let approval = self.approval(hospital, &device.public(), rights, not_after);
        self.submit(&self.proved(hospital, device, approval))
    }

    pub fn revoke_device(&self, hospital: &Hospital, device: &PublicKey) -> Result<Receipt, ChainError> {
        let message = structs::RevokeDevice {
            institution: hospital.id.0.into(),
            device: device.id().0.into(),
            deadline: LATER,
        };
        self.act(&hospital.master, message)
    }

    pub fn document(&self, patient: &SoftKey, hospital: InstitutionId, one_time: &SoftKey) -> GrantDocument {
        let domain = self.domain();
        GrantDocument {
            patient: patient.public().id().into(),
            institution: hospital,
            read: 0b1111,
            write: 0b0010,
            purpose: 1,
            not_before: START,
            expiry: START + 100_000,
            salt: [5; 32],
            key: one_time.public(),
            chain_id: domain.chain_id,
            wardkey: domain.contract,
        }
    }
}

pub fn device_id(key: &PublicKey) -> DeviceId {
    key.id().into()
}

/// The contract's reason for refusing.
pub fn refusal(result: Result<Receipt, ChainError>) -> Refusal {
    match result {
        Err(ChainError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}
