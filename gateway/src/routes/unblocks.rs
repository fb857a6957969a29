//! Unblocking a PIN from afar. Nobody signs here: whoever knows a request's six words was told them over the phone.

use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, PathIds, QueryOf, Remote};
use crate::state::Gateway;
use crate::store::shared::Unblock;
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
    gateway.charge_caller(from).await?;
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
    let (request, expires) = (asked.digest(), now + UNBLOCK_LIFE);
    let keep = move |g: &Gateway| Ok(g.store.put_unblock(&asked, expires, now)?);
    if gateway.blocking(keep).await? {
        Ok(Json(Waiting { request, expires }))
    } else {
        Err(Refusal::Busy.into())
    }
}

/// A request with its answer.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    request: UnblockRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Sealed>,
}

fn shown(asked: Option<Unblock>) -> Result<Json<Shown>, Problem> {
    let Unblock { request, answer } = asked.ok_or(Refusal::UnblockNotFound)?;
    Ok(Json(Shown { request, answer }))
}

/// `GET /v1/unblocks/{id}`.
pub async fn one(State(gateway): State<Gateway>, PathIds(id): PathIds<Digest>) -> Result<Json<Shown>, Problem> {
    let find = move |g: &Gateway| shown(g.store.unblock(&id, g.clock.now())?);
    gateway.blocking(find).await
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
    gateway.charge_caller(from).await?;
    let find = move |g: &Gateway| shown(g.store.unblock_named(&start, g.clock.now())?);
    gateway.blocking(find).await
}

/// `PUT /v1/unblocks/{id}/answer`: the first answer stays.
pub async fn answer(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    PathIds(id): PathIds<Digest>,
    JsonBody(sealed): JsonBody<Sealed>,
) -> Result<StatusCode, Problem> {
    gateway.charge_caller(from).await?;
    if sealed.enc.len() + sealed.ct.len() > ANSWER {
        return Err(Refusal::BodyTooLarge.into());
    }
    let keep = move |g: &Gateway| Ok(g.store.answer_unblock(&id, &sealed, g.clock.now())?);
    if gateway.blocking(keep).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::UnblockNotFound.into())
    }
}
