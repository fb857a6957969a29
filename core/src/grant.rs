//! The grant document: the patient's signed permission (protocol §2, "GrantDocument").

use crate::canonical::b;
use crate::fault::Coded;
use crate::id::{Commitment, InstitutionId, PatientId};
use crate::key::{KeyError, PublicKey, Signature, sha256};
use crate::section::Section;
use crate::typed::{Domain, structs};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

/// What a patient allows one institution. Canonical bytes: `abi.encode` of its twelve static fields, 384 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantDocument {
    /// Whose records.
    pub patient: PatientId,
    /// Who may act.
    pub institution: InstitutionId,
    /// Sections that may be read, one bit each.
    pub read: u32,
    /// Sections that may be written, one bit each.
    pub write: u32,
    /// HL7 PurposeOfUse: 1 TREAT, 2 ETREAT.
    pub purpose: u8,
    /// First second at which it holds.
    pub not_before: u64,
    /// First second at which it no longer holds.
    pub expiry: u64,
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// The one-time key that grants and revokes on chain.
    pub key: PublicKey,
    /// Chain id of the deployment.
    pub chain_id: u64,
    /// Address of the contract.
    pub wardkey: [u8; 20],
}

/// The bytes are no grant document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no grant document")]
pub struct NotAGrant;

impl Coded for NotAGrant {
    fn code(&self) -> &'static str {
        "grant-malformed"
    }
    fn action(&self) -> &'static str {
        "Ask the patient to grant access again."
    }
}

impl GrantDocument {
    /// The typed struct that the patient signs.
    #[must_use]
    pub fn typed(&self) -> structs::GrantDocument {
        structs::GrantDocument {
            patient: b(&self.patient.0),
            institution: b(&self.institution.0),
            read: self.read,
            write: self.write,
            purpose: self.purpose,
            notBefore: self.not_before,
            expiry: self.expiry,
            salt: b(&self.salt),
            keyX: b(&self.key.x()),
            keyY: b(&self.key.y()),
            chainId: U256::from(self.chain_id),
            wardkey: Address::from(self.wardkey),
        }
    }

    /// Canonical bytes, 384.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        self.typed().abi_encode()
    }

    /// SHA-256 of the canonical bytes.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment(sha256(&[&self.canonical()]))
    }

    /// Reads canonical bytes; refuses any other encoding of the same values.
    ///
    /// # Errors
    /// [`NotAGrant`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, NotAGrant> {
        let t = structs::GrantDocument::abi_decode_validate(bytes).map_err(|_| NotAGrant)?;
        let document = Self {
            patient: PatientId(t.patient.0),
            institution: InstitutionId(t.institution.0),
            read: t.read,
            write: t.write,
            purpose: t.purpose,
            not_before: t.notBefore,
            expiry: t.expiry,
            salt: t.salt.0,
            key: PublicKey::from_xy(&t.keyX.0, &t.keyY.0).map_err(|_| NotAGrant)?,
            chain_id: t.chainId.try_into().map_err(|_| NotAGrant)?,
            wardkey: t.wardkey.into_array(),
        };
        if document.canonical() == bytes {
            Ok(document)
        } else {
            Err(NotAGrant)
        }
    }

    /// Sections that may be read.
    pub fn readable(&self) -> impl Iterator<Item = Section> {
        Section::in_mask(self.read)
    }

    /// Sections that may be written.
    pub fn writable(&self) -> impl Iterator<Item = Section> {
        Section::in_mask(self.write)
    }
}

/// A grant document with the patient's signature, as it is presented. The signature is not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedGrant {
    /// The document; canonical bytes as hex in JSON.
    #[serde(with = "canonical_hex")]
    pub document: GrantDocument,
    /// The patient's root key.
    pub patient_key: PublicKey,
    /// The patient's signature over the typed struct.
    pub signature: Signature,
}

impl SignedGrant {
    /// Checks that the key is the patient's and the signature holds. The chain's part is [`crate::permission::check`]'s.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, domain: &Domain) -> Result<(), KeyError> {
        if PatientId::from(self.patient_key.id()) != self.document.patient {
            return Err(KeyError::Unverified);
        }
        domain.verify(&self.patient_key, &self.document.typed(), &self.signature)
    }
}

/// serde `with` module: a grant document as the hex of its canonical bytes.
pub mod canonical_hex {
    use super::GrantDocument;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes hex.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(document: &GrantDocument, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(document.canonical()))
    }

    /// Reads hex of canonical bytes.
    ///
    /// # Errors
    /// No hex, or no grant document.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<GrantDocument, D::Error> {
        let bytes = hex::decode(String::deserialize(from)?).map_err(D::Error::custom)?;
        GrantDocument::from_canonical(&bytes).map_err(D::Error::custom)
    }
}
