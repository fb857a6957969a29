//! The log of writes and reads (protocol §6): events, receipts, and RFC 6962 inclusion proofs.

use crate::canonical::b;
use crate::fault::Coded;
use crate::hpke::Context;
use crate::id::{DeviceId, Digest, InstitutionId, PatientId};
use crate::key::{KeyError, PublicKey, Signature};
use crate::typed::{Domain, hash_struct, structs};
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[repr(u8)]
pub enum Deed {
    /// A section was read.
    Read = 1,
    /// A record was written.
    Write = 2,
}

/// One event, sealed to the patient; the tree holds its salted hash only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// Counts from 0 for each patient.
    pub sequence: u64,
    /// hashStruct of the patient's event before, zero at first.
    pub previous: Digest,
    /// What was done.
    pub action: Deed,
    /// Whose records.
    pub patient: PatientId,
    /// By which institution; zero for the patient.
    pub institution: InstitutionId,
    /// By which device; zero for the patient.
    pub device: DeviceId,
    /// Section number.
    pub section: u8,
    /// Why, in the reader's words.
    pub reason: String,
    /// Record id of a write, commitment of a read.
    pub subject: Digest,
    /// Seconds since 1970.
    pub time: u64,
    /// 32 random bytes, so that the hash tells nothing.
    pub salt: Digest,
}

impl LogEvent {
    /// hashStruct: the leaf's data.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        Digest(hash_struct(&structs::LogEvent {
            sequence: self.sequence,
            previous: b(&self.previous.0),
            action: self.action as u8,
            patient: b(&self.patient.0),
            institution: b(&self.institution.0),
            device: b(&self.device.0),
            section: self.section,
            reason: self.reason.clone(),
            subject: b(&self.subject.0),
            time: self.time,
            salt: b(&self.salt.0),
        }))
    }

    /// aad of the event sealed to the patient: patient ‖ leaf.
    #[must_use]
    pub fn aad(patient: &PatientId, leaf: &Digest) -> Vec<u8> {
        [patient.bytes().as_slice(), leaf.bytes()].concat()
    }

    /// HPKE context of an event sealed to the patient.
    #[must_use]
    pub fn context<'a>(domain: &'a Domain, aad: &'a [u8]) -> Context<'a> {
        Context {
            label: "wardkey/event/1",
            domain,
            aad,
        }
    }
}

/// The gateway's promise that a leaf is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Place in the log, from 0.
    pub index: u64,
    /// The leaf's data.
    pub leaf: Digest,
    /// Seconds since 1970.
    pub time: u64,
    /// By the gateway key.
    pub signature: Signature,
}

impl Receipt {
    /// The typed struct that the gateway signs.
    #[must_use]
    pub fn typed(index: u64, leaf: &Digest, time: u64) -> structs::Receipt {
        structs::Receipt {
            index,
            leaf: b(&leaf.0),
            time,
        }
    }

    /// Checks the gateway's signature.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, domain: &Domain, gateway: &PublicKey) -> Result<(), KeyError> {
        domain.verify(
            gateway,
            &Self::typed(self.index, &self.leaf, self.time),
            &self.signature,
        )
    }
}

/// A leaf is not where the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log does not contain the entry it promised")]
pub struct NotIncluded;

impl Coded for NotIncluded {
    fn code(&self) -> &'static str {
        "log-not-included"
    }
    fn action(&self) -> &'static str {
        "Do not rely on this answer; tell the network operator."
    }
}

/// Merkle leaf hash (RFC 6962 §2.1): SHA-256(0x00 ‖ leaf data).
#[must_use]
pub fn leaf_hash(leaf: &Digest) -> Digest {
    Digest(tlog_tiles::tlog::record_hash(&leaf.0).0)
}

/// Verifies an inclusion proof (RFC 6962 §2.1.1): `path` from the leaf's sibling up to the root's child.
///
/// # Errors
/// [`NotIncluded`].
pub fn verify_inclusion(
    size: u64,
    root: &Digest,
    index: u64,
    leaf: &Digest,
    path: &[Digest],
) -> Result<(), NotIncluded> {
    use tlog_tiles::tlog::{Hash, check_record};
    let proof: Vec<Hash> = path.iter().map(|p| Hash(p.0)).collect();
    if index >= size {
        return Err(NotIncluded);
    }
    check_record(&proof, size, Hash(root.0), index, Hash(leaf_hash(leaf).0)).map_err(|_| NotIncluded)
}
