//! Devices: certificate, request, and the institution's agreement key sealed to a card (protocol §2 and §4).

use crate::canonical::b;
use crate::hexbytes;
use crate::hpke::Context;
use crate::id::{DeviceId, Digest, InstitutionId, KeyId};
use crate::key::{KeyError, PublicKey, Signature};
use crate::typed::{Domain, hash_struct, structs};
use serde::{Deserialize, Serialize};

/// Right to read, a bit of a device's rights.
pub const RIGHT_READ: u8 = 1;
/// Right to write, a bit of a device's rights.
pub const RIGHT_WRITE: u8 = 2;

/// Who holds which card with which keys. Off chain; the chain holds its hashStruct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCertificate {
    /// The institution.
    pub institution: InstitutionId,
    /// The one named person.
    pub holder: String,
    /// Role in plain words, e.g. "Doctor".
    pub role: String,
    /// The card's serial number.
    pub card: String,
    /// The card's firmware.
    pub firmware: String,
    /// Device key (9A).
    pub device: PublicKey,
    /// Signature key (9C).
    pub signature: PublicKey,
    /// Agreement key (9D).
    pub agreement: PublicKey,
    /// Digest of the attestation evidence.
    pub evidence: Digest,
}

impl DeviceCertificate {
    /// The typed struct.
    #[must_use]
    pub fn typed(&self) -> structs::DeviceCertificate {
        structs::DeviceCertificate {
            institution: b(&self.institution.0),
            holder: self.holder.clone(),
            role: self.role.clone(),
            card: self.card.clone(),
            firmware: self.firmware.clone(),
            deviceX: b(&self.device.x()),
            deviceY: b(&self.device.y()),
            signatureX: b(&self.signature.x()),
            signatureY: b(&self.signature.y()),
            agreementX: b(&self.agreement.x()),
            agreementY: b(&self.agreement.y()),
            evidence: b(&self.evidence.0),
        }
    }

    /// hashStruct: what ApproveDevice commits to, and the id of the request.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(hash_struct(&self.typed()))
    }

    /// Id of the device.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        self.device.id().into()
    }
}

/// The attestation certificates of a card, DER; empty where the card has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Attestation of 9A.
    #[serde(with = "hexbytes::base64url")]
    pub leaf9a: Vec<u8>,
    /// Attestation of 9C.
    #[serde(with = "hexbytes::base64url")]
    pub leaf9c: Vec<u8>,
    /// Attestation of 9D.
    #[serde(with = "hexbytes::base64url")]
    pub leaf9d: Vec<u8>,
    /// The card's attestation issuer (slot F9).
    #[serde(with = "hexbytes::base64url")]
    pub issuer: Vec<u8>,
}

impl Attestation {
    /// SHA-256 over each certificate preceded by its length as u32 big-endian.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut all = Vec::new();
        for der in [&self.leaf9a, &self.leaf9c, &self.leaf9d, &self.issuer] {
            all.extend_from_slice(&u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
            all.extend_from_slice(der);
        }
        Digest(crate::key::sha256(&[&all]))
    }
}

/// A card's request to be approved, signed by its new 9A key over a fresh challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Who, which card, which keys.
    pub certificate: DeviceCertificate,
    /// The gateway's challenge.
    pub challenge: Digest,
    /// Until when the request may be approved.
    pub deadline: u64,
    /// By the 9A key over `RequestDevice`.
    pub signature: Signature,
    /// Evidence, to be compared with `certificate.evidence`.
    pub attestation: Attestation,
}

impl DeviceRequest {
    /// The typed struct that the device signs.
    #[must_use]
    pub fn typed(certificate: &DeviceCertificate, challenge: &Digest, deadline: u64) -> structs::RequestDevice {
        structs::RequestDevice {
            institution: b(&certificate.institution.0),
            certificate: b(&certificate.digest().0),
            challenge: b(&challenge.0),
            deadline,
        }
    }

    /// Checks proof of possession and that the evidence is the one the certificate names.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, domain: &Domain) -> Result<(), KeyError> {
        if self.attestation.digest() != self.certificate.evidence {
            return Err(KeyError::Unverified);
        }
        let typed = Self::typed(&self.certificate, &self.challenge, self.deadline);
        domain.verify(&self.certificate.device, &typed, &self.signature)
    }
}

/// aad of an agreement key sealed to a card's 9D key.
#[must_use]
pub fn agreement_aad(institution: &InstitutionId, epoch: u32, recipient: &KeyId) -> Vec<u8> {
    [institution.bytes().as_slice(), &epoch.to_be_bytes(), recipient.bytes()].concat()
}

/// HPKE context of an agreement key sealed to a card's 9D key.
#[must_use]
pub fn agreement_context<'a>(domain: &'a Domain, aad: &'a [u8]) -> Context<'a> {
    Context {
        label: "wardkey/agreement/1",
        domain,
        aad,
    }
}
