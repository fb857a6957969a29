//! The patient's list of section public keys (protocol §2, "SectionKeys").

use crate::canonical::b;
use crate::hpke::Context;
use crate::id::{Commitment, PatientId};
use crate::key::{KeyError, PublicKey, Signature};
use crate::typed::{Domain, structs};
use serde::{Deserialize, Serialize};

/// One section's public key of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionKey {
    /// Section number; 31 is the patient's log key.
    pub section: u8,
    /// Epoch, from 0.
    pub epoch: u32,
    /// HPKE public key.
    pub key: PublicKey,
}

/// The signed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectionKeys {
    /// Grows with every list the patient signs.
    pub version: u32,
    /// The keys.
    pub keys: Vec<SectionKey>,
    /// The patient's signature.
    pub signature: Signature,
}

impl SectionKeys {
    /// The typed struct that the patient signs.
    #[must_use]
    pub fn typed(patient: &PatientId, version: u32, keys: &[SectionKey]) -> structs::SectionKeys {
        let mut packed = Vec::with_capacity(keys.len() * 69);
        for key in keys {
            packed.push(key.section);
            packed.extend_from_slice(&key.epoch.to_be_bytes());
            packed.extend_from_slice(&key.key.bytes()[1..]);
        }
        structs::SectionKeys {
            patient: b(&patient.0),
            version,
            keys: packed.into(),
        }
    }

    /// Checks that `key` is the patient's and signed this list.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, domain: &Domain, patient: &PatientId, key: &PublicKey) -> Result<(), KeyError> {
        if PatientId::from(key.id()) != *patient {
            return Err(KeyError::Unverified);
        }
        domain.verify(key, &Self::typed(patient, self.version, &self.keys), &self.signature)
    }

    /// The key of the newest epoch of a section.
    #[must_use]
    pub fn newest(&self, section: u8) -> Option<&SectionKey> {
        self.keys
            .iter()
            .filter(|k| k.section == section)
            .max_by_key(|k| k.epoch)
    }
}

/// HPKE context for a section's private key sealed to an institution: bind it with the returned aad.
#[must_use]
pub fn wrap_aad(patient: &PatientId, commitment: &Commitment, section: u8, epoch: u32) -> Vec<u8> {
    [
        patient.bytes().as_slice(),
        commitment.bytes(),
        &[section],
        &epoch.to_be_bytes(),
    ]
    .concat()
}

/// HPKE context for a section key sealed to an institution.
#[must_use]
pub fn wrap_context<'a>(domain: &'a Domain, aad: &'a [u8]) -> Context<'a> {
    Context {
        label: "wardkey/section/1",
        domain,
        aad,
    }
}
