//! Makes a log entry of what is to be done: event, leaf, sealed event, receipt.

use super::ink::Pen;
use super::seal::{Envelope, Purpose};
use super::signer::Signer;
use crate::random;
use wardkey_core::fault::Coded;
use wardkey_core::hpke::{SealError, Sealed};
use wardkey_core::id::{DeviceId, Digest, GatewayId, InstitutionId, PatientId};
use wardkey_core::key::{KeyError, PublicKey, SoftKey};
use wardkey_core::log::{Deed, LogEvent, Receipt};
use wardkey_core::typed::{Domain, hash_struct};
use wardkey_core::uses::Use;

/// What is to be logged, before its place in the log is known.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Read or write.
    pub action: Deed,
    /// Whose records.
    pub patient: PatientId,
    /// By which institution; zero for the patient.
    pub institution: InstitutionId,
    /// By which device; zero for the patient.
    pub device: DeviceId,
    /// Section number.
    pub section: u8,
    /// Why.
    pub reason: String,
    /// Record id or commitment.
    pub subject: Digest,
    /// Seconds since 1970.
    pub time: u64,
    /// Notes it for the card's institution; `None` for the patient.
    pub pen: Option<Pen>,
}

impl Draft {
    /// The line for the institution, once its place in the log is known.
    #[must_use]
    pub fn as_use(&self, index: u64) -> Use {
        Use {
            action: self.action,
            patient: self.patient,
            section: self.section,
            reason: self.reason.clone(),
            subject: self.subject,
            time: self.time,
            index,
        }
    }
}

/// An entry as the store keeps it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Place among the patient's events.
    pub sequence: u64,
    /// The event, sealed to the patient.
    pub sealed: Sealed,
    /// Place in the log, leaf, time, and the gateway's signature over them.
    pub receipt: Receipt,
}

/// A draft with what can be made before its place in the log is known.
pub struct Prepared {
    /// What is to be logged.
    pub draft: Draft,
    /// The patient's log key for which it was prepared.
    pub log_key: PublicKey,
    envelope: Envelope,
}

/// Why an entry could not be made.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum ScribeError {
    /// No randomness, or signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The event could not be sealed to the patient.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl ScribeError {
    /// Stable code of the cause.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            Self::Seal(error) => error.code(),
        }
    }
}

/// Holds the gateway's key for receipts.
#[derive(Debug)]
pub struct Scribe {
    domain: Domain,
    key: Signer,
    separator: [u8; 32],
    purpose: Purpose,
}

impl Scribe {
    /// A scribe for one deployment, signing with the gateway's key.
    ///
    /// # Errors
    /// [`KeyError::BadPrivateKey`].
    pub fn new(domain: Domain, key: &SoftKey) -> Result<Self, KeyError> {
        Ok(Self {
            separator: domain.separator(),
            purpose: Purpose::new(LogEvent::context(&domain, &[]).label, &domain),
            domain,
            key: Signer::new(key)?,
        })
    }

    /// The deployment.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The key, for signing answers as well.
    #[must_use]
    pub const fn key(&self) -> &Signer {
        &self.key
    }

    /// Id of the key.
    #[must_use]
    pub fn gateway(&self) -> GatewayId {
        self.key.public().id().into()
    }

    /// Does the costly half of an entry, which needs no place in the log.
    ///
    /// # Errors
    /// [`ScribeError`].
    pub fn prepare(&self, draft: Draft, log_key: PublicKey) -> Result<Prepared, ScribeError> {
        Ok(Prepared {
            envelope: Envelope::to(&log_key, &self.purpose)?,
            draft,
            log_key,
        })
    }

    /// Makes the entry at `index` of the log, after the patient's entry `(sequence, leaf)`.
    ///
    /// # Errors
    /// [`ScribeError`].
    pub fn entry(&self, prepared: Prepared, index: u64, before: Option<(u64, Digest)>) -> Result<Entry, ScribeError> {
        let (sequence, previous) = before.map_or((0, Digest::default()), |(sequence, leaf)| (sequence + 1, leaf));
        let Prepared { draft, envelope, .. } = prepared;
        let Draft {
            action,
            patient,
            institution,
            device,
            section,
            reason,
            subject,
            time,
            ..
        } = draft;
        let salt = Digest(random::bytes()?);
        let event = LogEvent {
            sequence,
            previous,
            action,
            patient,
            institution,
            device,
            section,
            reason,
            subject,
            time,
            salt,
        };
        let leaf = event.leaf();
        let json = serde_json::to_vec(&event).map_err(|_| SealError::CannotSeal)?;
        let sealed = envelope.seal(&LogEvent::aad(&patient, &leaf), &json)?;
        // `Domain::preimage`, with the separator made once.
        let typed = hash_struct(&Receipt::typed(index, &leaf, time));
        let signature = self
            .key
            .sign(&[&[0x19, 0x01], self.separator.as_slice(), &typed].concat())?;
        Ok(Entry {
            sequence,
            sealed,
            receipt: Receipt {
                index,
                leaf,
                time,
                signature,
            },
        })
    }
}
