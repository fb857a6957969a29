//! A session: a card (or a master key) delegates to a short-lived key once (protocol §2, "Delegation").

use crate::canonical::b;
use crate::fault::Coded;
use crate::id::{DeviceId, GatewayId, InstitutionId, KeyId, SessionId};
use crate::key::{PublicKey, Signature};
use crate::typed::{Domain, structs};
use serde::{Deserialize, Serialize};

/// The longest a delegation may hold, in seconds.
pub const LONGEST: u64 = 900;

/// Who delegates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[repr(u8)]
pub enum PrincipalKind {
    /// A clinician's card (slot 9A).
    Device = 1,
    /// An institution's master key.
    Master = 2,
}

/// The delegation itself, unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delegation {
    /// Device id or institution id.
    pub principal: KeyId,
    /// Which of the two.
    pub kind: PrincipalKind,
    /// The short-lived key.
    pub session: PublicKey,
    /// The gateway it is for.
    pub audience: GatewayId,
    /// First second.
    pub not_before: u64,
    /// First second at which it no longer holds.
    pub expiry: u64,
}

/// A delegation with its signature and the key that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedDelegation {
    /// What is delegated.
    pub delegation: Delegation,
    /// Signature by `key`.
    pub signature: Signature,
    /// The device key, or the institution's current master key.
    pub key: PublicKey,
}

/// Why a delegation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    /// Signature or key do not fit.
    #[error("the sign-in was not signed by this card")]
    BadSignature,
    /// It is for another gateway.
    #[error("the sign-in is meant for another gateway")]
    WrongAudience,
    /// Longer than 15 minutes, or ends before it begins.
    #[error("the sign-in asks for more time than 15 minutes")]
    TooLong,
    /// Not yet, or no longer.
    #[error("the sign-in does not hold at this time")]
    OutsideItsTime,
}

impl Coded for DelegationError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadSignature => "session-bad-signature",
            Self::WrongAudience => "session-wrong-audience",
            Self::TooLong => "session-too-long",
            Self::OutsideItsTime => "session-expired",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::OutsideItsTime => "Sign in again with the card; check the terminal's clock if this repeats.",
            _ => "Sign in again with the card.",
        }
    }
}

impl Delegation {
    /// The typed struct that the card signs.
    #[must_use]
    pub fn typed(&self) -> structs::Delegation {
        structs::Delegation {
            principal: b(&self.principal.0),
            kind: self.kind as u8,
            sessionX: b(&self.session.x()),
            sessionY: b(&self.session.y()),
            audience: b(&self.audience.0),
            notBefore: self.not_before,
            expiry: self.expiry,
        }
    }

    /// Id of the session: the key id of the short-lived key.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session.id().into()
    }

    /// The device, if a device delegates.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        (self.kind == PrincipalKind::Device).then(|| self.principal.into())
    }

    /// The institution, if a master key delegates.
    #[must_use]
    pub fn institution(&self) -> Option<InstitutionId> {
        (self.kind == PrincipalKind::Master).then(|| self.principal.into())
    }
}

impl SignedDelegation {
    /// Checks signature, length and, for a device, that the key is the principal's. A master's key must be compared with the chain's by the caller.
    ///
    /// # Errors
    /// [`DelegationError::BadSignature`], [`DelegationError::TooLong`].
    pub fn verify(&self, domain: &Domain) -> Result<(), DelegationError> {
        let d = &self.delegation;
        if d.kind == PrincipalKind::Device && self.key.id() != d.principal {
            return Err(DelegationError::BadSignature);
        }
        domain
            .verify(&self.key, &d.typed(), &self.signature)
            .map_err(|_| DelegationError::BadSignature)?;
        match d.expiry.checked_sub(d.not_before) {
            Some(1..=LONGEST) => Ok(()),
            _ => Err(DelegationError::TooLong),
        }
    }

    /// [`SignedDelegation::verify`], and that it is for this gateway and holds now.
    ///
    /// # Errors
    /// Any [`DelegationError`].
    pub fn verify_for(&self, domain: &Domain, gateway: GatewayId, now: u64) -> Result<(), DelegationError> {
        self.verify(domain)?;
        if self.delegation.audience != gateway {
            return Err(DelegationError::WrongAudience);
        }
        if now < self.delegation.not_before || now >= self.delegation.expiry {
            return Err(DelegationError::OutsideItsTime);
        }
        Ok(())
    }
}
