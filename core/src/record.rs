//! Records: a clear header, the resource sealed to the section's key, the author's signature (protocol §5).

use crate::canonical::b;
use crate::delegation::SignedDelegation;
use crate::fault::Coded;
use crate::hpke::{Context, SealError, Sealed, open, seal};
use crate::id::{DeviceId, InstitutionId, PatientId, RecordId};
use crate::key::{KeyError, PublicKey, Signature, SoftKey, sha256};
use crate::typed::{Domain, hash_struct, structs};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Header of a record, in clear, authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHeader {
    /// Random name.
    pub record: RecordId,
    /// Whose.
    pub patient: PatientId,
    /// Section number.
    pub section: u8,
    /// Epoch of the section key it is sealed to.
    pub epoch: u32,
    /// From 1; an amendment is the next version.
    pub version: u32,
    /// Author's institution.
    pub institution: InstitutionId,
    /// Author's device.
    pub device: DeviceId,
    /// When it was signed, seconds since 1970.
    pub time: u64,
    /// FHIR resource type.
    pub kind: String,
}

impl RecordHeader {
    /// hashStruct, 32 bytes: the HPKE aad.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        hash_struct(&structs::RecordHeader {
            record: b(&self.record.0),
            patient: b(&self.patient.0),
            section: self.section,
            epoch: self.epoch,
            version: self.version,
            institution: b(&self.institution.0),
            device: b(&self.device.0),
            time: self.time,
            kind: self.kind.clone(),
        })
    }
}

/// Who signed a record, and how.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is of the large kind, so a box would only add work"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Author {
    /// A session key that the device key delegated to.
    #[serde(rename_all = "camelCase")]
    Session {
        /// The delegation.
        delegation: crate::delegation::Delegation,
        /// By the device key.
        delegation_signature: Signature,
        /// The device key (9A).
        device_key: PublicKey,
        /// By the session key, over the record.
        signature: Signature,
    },
    /// The card's signature key (9C), with the PIN.
    Signature {
        /// By the signature key, over the record.
        signature: Signature,
    },
}

/// A record as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Clear header.
    pub header: RecordHeader,
    /// The sealed resource.
    #[serde(flatten)]
    pub sealed: Sealed,
    /// The author's signature.
    pub author: Author,
}

/// A sealed record that still lacks its author's signature.
#[derive(Clone, Debug)]
pub struct Unsigned {
    header: RecordHeader,
    sealed: Sealed,
}

/// Why a record is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The author's signature does not hold.
    #[error("the record's signature does not hold: it was altered, or is another's")]
    BadSignature,
    /// The session was not delegated by the record's device at that time.
    #[error("the record was signed in a session that its device did not open")]
    BadDelegation,
    /// The record names another patient or section than was asked for.
    #[error("the record belongs to another patient or section")]
    Misplaced,
    /// The signature key of the device is not known.
    #[error("the device certificate that names the signature key is missing")]
    NoCertificate,
}

impl Coded for RecordError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadSignature => "record-bad-signature",
            Self::BadDelegation => "record-bad-delegation",
            Self::Misplaced => "record-misplaced",
            Self::NoCertificate => "record-no-certificate",
        }
    }
    fn action(&self) -> &'static str {
        "Do not rely on this entry; tell the network operator which record it is."
    }
}

/// Evidence that a record's signature holds; only [`Record::verify`] makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureHolds {
    by_signature_key: bool,
}

impl SignatureHolds {
    /// True if the card's signature key signed with the PIN.
    #[must_use]
    pub const fn by_signature_key(self) -> bool {
        self.by_signature_key
    }
}

fn context<'a>(domain: &'a Domain, aad: &'a [u8; 32]) -> Context<'a> {
    Context {
        label: "wardkey/record/1",
        domain,
        aad,
    }
}

impl Unsigned {
    /// Seals `resource` to the section's public key.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(
        domain: &Domain,
        header: RecordHeader,
        section_key: &PublicKey,
        resource: &[u8],
    ) -> Result<Self, SealError> {
        let aad = header.digest();
        let sealed = seal(section_key, &context(domain, &aad), resource)?;
        Ok(Self { header, sealed })
    }

    fn typed(&self) -> structs::Record {
        typed(&self.header, &self.sealed)
    }

    /// What the card's signature key is to sign.
    #[must_use]
    pub fn digest(&self, domain: &Domain) -> [u8; 32] {
        domain.digest(&self.typed())
    }

    /// Signs with the session key.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign_in_session(
        self,
        domain: &Domain,
        session: &SoftKey,
        delegation: &SignedDelegation,
    ) -> Result<Record, KeyError> {
        let author = Author::Session {
            delegation: delegation.delegation.clone(),
            delegation_signature: delegation.signature,
            device_key: delegation.key,
            signature: domain.sign(session, &self.typed())?,
        };
        Ok(Record {
            header: self.header,
            sealed: self.sealed,
            author,
        })
    }

    /// Takes the signature that the card's signature key made over [`Unsigned::digest`].
    #[must_use]
    pub fn signed_by_card(self, signature: Signature) -> Record {
        Record {
            header: self.header,
            sealed: self.sealed,
            author: Author::Signature { signature },
        }
    }
}

fn typed(header: &RecordHeader, sealed: &Sealed) -> structs::Record {
    structs::Record {
        header: b(&header.digest()),
        body: b(&sha256(&[&sealed.enc, &sealed.ct])),
    }
}

impl Record {
    /// Checks the author's signature and, for a session, its delegation at `header.time`.
    /// `signature_key` is the device's 9C key from its certificate, needed only for records signed with it.
    /// Whether the device was approved for the institution is the chain's part.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn verify(&self, domain: &Domain, signature_key: Option<&PublicKey>) -> Result<SignatureHolds, RecordError> {
        let typed = typed(&self.header, &self.sealed);
        match &self.author {
            Author::Session {
                delegation,
                delegation_signature,
                device_key,
                signature,
            } => {
                let signed = SignedDelegation {
                    delegation: delegation.clone(),
                    signature: *delegation_signature,
                    key: *device_key,
                };
                let time = self.header.time;
                if delegation.device() != Some(self.header.device)
                    || time < delegation.not_before
                    || time >= delegation.expiry
                {
                    return Err(RecordError::BadDelegation);
                }
                signed.verify(domain).map_err(|_| RecordError::BadDelegation)?;
                domain
                    .verify(&delegation.session, &typed, signature)
                    .map_err(|_| RecordError::BadSignature)?;
                Ok(SignatureHolds {
                    by_signature_key: false,
                })
            }
            Author::Signature { signature } => {
                let key = signature_key.ok_or(RecordError::NoCertificate)?;
                domain
                    .verify(key, &typed, signature)
                    .map_err(|_| RecordError::BadSignature)?;
                Ok(SignatureHolds { by_signature_key: true })
            }
        }
    }

    /// Opens the resource with the section's private key. Verify first.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, domain: &Domain, section_key: &SoftKey) -> Result<Zeroizing<Vec<u8>>, SealError> {
        open(section_key, &context(domain, &self.header.digest()), &self.sealed)
    }

    /// SHA-256 over everything, for idempotence: the same record id with another value is a conflict.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let signature = match &self.author {
            Author::Session { signature, .. } | Author::Signature { signature } => signature.0,
        };
        sha256(&[
            &self.header.digest(),
            &sha256(&[&self.sealed.enc, &self.sealed.ct]),
            &signature,
        ])
    }
}
