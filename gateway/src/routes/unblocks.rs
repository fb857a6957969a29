//! Unblocking a PIN from afar. Nobody signs here: whoever knows a request's six words was told them over the phone.

use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, PathIds, QueryOf, Remote};
use crate::state::Gateway;
use crate::unblocks;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use wardkey_core::hexbytes;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::Digest;
use wardkey_core::unblock::{UNBLOCK_LIFE, UnblockRequest};

/// Largest sealed answer, bytes; a PUK has 8.
const ANSWER: usize = 128;

/// The answer to `POST /v1/unblocks`.
#[derive(Debug, Serialize)]
pub struct Waiting {
    request: Digest,
    expires: u64,
}

/// `POST /v1/unblocks`.
pub async fn ask(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    JsonBody(asked): JsonBody<UnblockRequest>,
) -> Result<Json<Waiting>, Problem> {
    gateway.charge_address(from)?;
    let now = gateway.clock.now();
    if !asked.is_sound() {
        return Err(Refusal::BodyMalformed.into());
    }
    if asked.time.abs_diff(now) > UNBLOCK_LIFE {
        return Err(Refusal::ClockOff.into());
    }
    let known = gateway.ledger.view().institution_state(&asked.institution).is_some();
    if !known {
        return Err(Refusal::InstitutionNotFound.into());
    }
    let request = gateway.unblocks.ask(asked, now).ok_or(Refusal::Busy)?;
    Ok(Json(Waiting {
        request,
        expires: now + UNBLOCK_LIFE,
    }))
}

/// A request with its answer.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    request: UnblockRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Sealed>,
}

fn shown(asked: Option<unblocks::Asked>) -> Result<Json<Shown>, Problem> {
    let unblocks::Asked { request, answer, .. } = asked.ok_or(Refusal::UnblockNotFound)?;
    Ok(Json(Shown { request, answer }))
}

/// `GET /v1/unblocks/{id}`.
pub async fn one(State(gateway): State<Gateway>, PathIds(id): PathIds<Digest>) -> Result<Json<Shown>, Problem> {
    shown(gateway.unblocks.get(&id, gateway.clock.now()))
}

/// The query of `GET /v1/unblocks`.
#[derive(Debug, Deserialize)]
pub struct Named {
    #[serde(with = "hexbytes::array")]
    start: [u8; 8],
}

/// `GET /v1/unblocks?start=…`: by the first 64 bits of its id.
pub async fn named(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    QueryOf(Named { start }): QueryOf<Named>,
) -> Result<Json<Shown>, Problem> {
    gateway.charge_address(from)?;
    shown(gateway.unblocks.named(&start, gateway.clock.now()))
}

/// `PUT /v1/unblocks/{id}/answer`: the first answer stays.
pub async fn answer(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    PathIds(id): PathIds<Digest>,
    JsonBody(sealed): JsonBody<Sealed>,
) -> Result<StatusCode, Problem> {
    gateway.charge_address(from)?;
    if sealed.enc.len() + sealed.ct.len() > ANSWER {
        return Err(Refusal::BodyTooLarge.into());
    }
    if gateway.unblocks.answer(&id, sealed, gateway.clock.now()) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::UnblockNotFound.into())
    }
}
