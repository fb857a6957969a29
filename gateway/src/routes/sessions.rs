//! Sessions: a card or a master key delegates to a short-lived key.

use crate::error::{Problem, Refusal};
use crate::http::JsonBody;
use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wardkey_core::delegation::{DelegationError, PrincipalKind, SignedDelegation};
use wardkey_core::id::SessionId;
use wardkey_core::permission::Denial;

/// The answer to `POST /v1/sessions`.
#[derive(Debug, Serialize)]
pub struct Opened {
    session: SessionId,
    expires: u64,
}

/// `POST /v1/sessions`.
pub async fn open(
    State(gateway): State<Gateway>,
    JsonBody(session): JsonBody<SignedDelegation>,
) -> Result<Json<Opened>, Problem> {
    let now = gateway.clock.now();
    session.verify_for(gateway.domain(), gateway.scribe.gateway(), now)?;
    must_be_known(&gateway, &session, now)?;
    let opened = Opened {
        session: session.delegation.session_id(),
        expires: session.delegation.expiry,
    };
    gateway
        .blocking(move |g| Ok(g.store.put_session(&session, now)?))
        .await?;
    Ok(Json(opened))
}

/// The card is approved and active, or the key is one of the institution's master keys now.
fn must_be_known(gateway: &Gateway, session: &SignedDelegation, now: u64) -> Result<(), Problem> {
    let (view, d) = (gateway.ledger.view(), &session.delegation);
    match d.kind {
        PrincipalKind::Device => {
            let device = view.device_state(&d.principal.into()).ok_or(Denial::DeviceUnknown)?;
            if device.revoked {
                return Err(Denial::DeviceRevoked.into());
            }
            if device.suspended {
                return Err(Denial::DeviceSuspended.into());
            }
            if now >= device.not_after {
                return Err(Denial::DeviceExpired.into());
            }
        }
        PrincipalKind::Master => {
            let institution = view
                .institution_state(&d.principal.into())
                .ok_or(Refusal::InstitutionNotFound)?;
            if !institution.masters.contains(&session.key) {
                return Err(DelegationError::BadSignature.into());
            }
        }
    }
    Ok(())
}
