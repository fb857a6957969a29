//! Who signed a request: evidence that only the signature check makes, and that handlers demand.

use crate::error::{Problem, Refusal};
use crate::state::Gateway;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::sync::Arc;
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::id::{Commitment, DeviceId, InstitutionId, PatientId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::Denial;

/// The signer of a verified request. Only [`super::signed`] makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) signer: Signer,
}

/// Kinds of signers.
#[derive(Clone, Debug)]
pub(super) enum Signer {
    /// A card's session.
    Device {
        device: DeviceId,
        session: Arc<SignedDelegation>,
    },
    /// A master key's session.
    Master {
        institution: InstitutionId,
        session: Arc<SignedDelegation>,
    },
    /// A patient's root key.
    Patient { patient: PatientId, key: PublicKey },
}

/// The holder of one of an institution's master keys.
#[derive(Clone, Copy, Debug)]
pub struct MasterCaller {
    /// The institution.
    pub institution: InstitutionId,
    /// The master key that opened the session.
    pub key: PublicKey,
}

/// A patient.
#[derive(Clone, Copy, Debug)]
pub struct PatientCaller {
    /// The patient.
    pub patient: PatientId,
    /// The root key.
    pub key: PublicKey,
}

impl Caller {
    /// The card that signed; its state on the chain is the permission rule's part.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        match &self.signer {
            Signer::Device { device, .. } => Some(*device),
            _ => None,
        }
    }

    /// The patient who signed.
    #[must_use]
    pub fn patient(&self) -> Option<PatientId> {
        match &self.signer {
            Signer::Patient { patient, .. } => Some(*patient),
            _ => None,
        }
    }

    /// The session, if it is one.
    #[must_use]
    pub fn session(&self) -> Option<&SignedDelegation> {
        match &self.signer {
            Signer::Device { session, .. } | Signer::Master { session, .. } => Some(session),
            Signer::Patient { .. } => None,
        }
    }

    /// What tells this signer from every other: the id of the session, or the patient's.
    #[must_use]
    pub fn name(&self) -> [u8; 32] {
        match &self.signer {
            Signer::Device { session, .. } | Signer::Master { session, .. } => session.delegation.session_id().0,
            Signer::Patient { patient, .. } => patient.0,
        }
    }

    /// The institution for which a session acts, now: its card is active, or its master key is still one of the chain's.
    ///
    /// # Errors
    /// [`Denial`] for a card, [`Refusal::MasterReplaced`], [`Refusal::WrongSigner`] for a patient.
    pub fn institution(&self, gateway: &Gateway) -> Result<InstitutionId, Problem> {
        let view = gateway.ledger.view();
        match &self.signer {
            Signer::Device { device, .. } => {
                let known = view.device_state(device).ok_or(Denial::DeviceUnknown)?;
                if known.revoked {
                    return Err(Denial::DeviceRevoked.into());
                }
                if known.suspended {
                    return Err(Denial::DeviceSuspended.into());
                }
                if gateway.clock.now() >= known.not_after {
                    return Err(Denial::DeviceExpired.into());
                }
                Ok(known.institution)
            }
            Signer::Master { institution, session } => {
                let known = view.institution_state(institution);
                if known.is_some_and(|i| i.masters.contains(&session.key)) {
                    Ok(*institution)
                } else {
                    Err(Refusal::MasterReplaced.into())
                }
            }
            Signer::Patient { .. } => Err(Refusal::WrongSigner.into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without the signature check before it, a route has no caller and serves nobody.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Refusal::Internal.into())
    }
}

impl FromRequestParts<Gateway> for MasterCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, gateway).await?;
        let institution = caller.institution(gateway);
        match &caller.signer {
            Signer::Master { session, .. } => Ok(Self {
                institution: institution?,
                key: session.key,
            }),
            _ => Err(Refusal::WrongSigner.into()),
        }
    }
}

impl MasterCaller {
    /// That the path's institution is the caller's.
    ///
    /// # Errors
    /// [`Refusal::WrongSigner`].
    pub fn must_be(&self, institution: InstitutionId) -> Result<(), Refusal> {
        if self.institution == institution {
            Ok(())
        } else {
            Err(Refusal::WrongSigner)
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PatientCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, state).await?.signer {
            Signer::Patient { patient, key } => Ok(Self { patient, key }),
            _ => Err(Refusal::WrongSigner.into()),
        }
    }
}

impl PatientCaller {
    /// That the path's patient is the caller.
    ///
    /// # Errors
    /// [`Refusal::WrongSigner`].
    pub fn must_be(&self, patient: PatientId) -> Result<(), Refusal> {
        if self.patient == patient {
            Ok(())
        } else {
            Err(Refusal::WrongSigner)
        }
    }
}

/// The two headers of ours that a signature covers.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// Under which grant.
    pub permission: Option<Commitment>,
    /// Why, decoded.
    pub reason: Option<String>,
}

/// Longest reason, bytes.
const REASON: usize = 500;

impl Headers {
    /// The grant under which is asked.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`].
    pub fn must_permission(&self) -> Result<Commitment, Refusal> {
        self.permission.ok_or(Refusal::PermissionMissing)
    }

    /// The reason, which must not be empty.
    ///
    /// # Errors
    /// [`Refusal::ReasonMissing`].
    pub fn must_reason(&self) -> Result<String, Refusal> {
        self.reason
            .clone()
            .filter(|reason| !reason.trim().is_empty())
            .ok_or(Refusal::ReasonMissing)
    }

    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let permission = match headers.get("wardkey-permission") {
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .and_then(|t| t.parse().ok())
                    .ok_or(Refusal::PermissionMissing)?,
            ),
            None => None,
        };
        let reason = headers
            .get("wardkey-reason")
            .map(|value| decode(value.as_bytes()))
            .transpose()?;
        if reason.as_ref().is_some_and(|reason| reason.len() > REASON) {
            return Err(Refusal::ReasonMissing);
        }
        Ok(Self { permission, reason })
    }
}

/// Percent-decoding (RFC 3986 §2.1) to UTF-8.
fn decode(text: &[u8]) -> Result<String, Refusal> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after
                .get(..2)
                .and_then(|d| std::str::from_utf8(d).ok())
                .ok_or(Refusal::ReasonMalformed)?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| Refusal::ReasonMalformed)?);
            rest = &after[2..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8(out).map_err(|_| Refusal::ReasonMalformed)
}

impl<S: Send + Sync> FromRequestParts<S> for Headers {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::read(&parts.headers)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_decoded_or_refused() {
        assert_eq!(decode(b"Notfall%20%C3%BC%2C%20ER").as_deref(), Ok("Notfall ü, ER"));
        for bad in [b"%".as_slice(), b"%2", b"%zz", b"%ff"] {
            assert_eq!(decode(bad), Err(Refusal::ReasonMalformed));
        }
    }
}
