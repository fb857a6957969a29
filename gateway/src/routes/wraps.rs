//! The institution's agreement keys, sealed: each epoch's to the cards, and each older epoch's to the next one.

use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, MasterCaller, PathIds, QueryOf};
use crate::state::Gateway;
use crate::store::{Wrap, WrapTo};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use wardkey_core::epoch::OlderKey;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{InstitutionId, KeyId};
use wardkey_core::key::PublicKey;

/// Longest part of a sealed key, bytes; it has 65 and 48.
const SEALED: usize = 256;

/// That something sealed is small enough to be a sealed key.
pub(super) const fn must_be_small(sealed: &Sealed) -> Result<(), Refusal> {
    if sealed.enc.len() <= SEALED && sealed.ct.len() <= SEALED {
        Ok(())
    } else {
        Err(Refusal::BodyTooLarge)
    }
}

/// `PUT /v1/institutions/{id}/wraps/{recipient}`.
pub async fn put(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, recipient)): PathIds<(InstitutionId, KeyId)>,
    JsonBody(wrap): JsonBody<Wrap>,
) -> Result<StatusCode, Problem> {
    caller.must_be(id)?;
    must_be_small(&wrap.sealed)?;
    gateway
        .blocking(move |g| Ok(g.store.put_wraps(&id, &[WrapTo { recipient, wrap }])?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of a wrap.
#[derive(Debug, Deserialize)]
pub struct Epoch {
    epoch: Option<u32>,
}

/// The chain's agreement key of an epoch; of the newest if none is named.
fn agreement(gateway: &Gateway, id: InstitutionId, epoch: Option<u32>) -> Option<PublicKey> {
    let view = gateway.ledger.view();
    let epoch = epoch.or_else(|| view.institution_state(&id).map(|i| i.agreement.epoch))?;
    view.agreement_at(&id, epoch)
}

/// `GET /v1/institutions/{id}/wraps/{recipient}`: for anyone, because it is read before the sign-in; only the card can open it.
pub async fn one(
    State(gateway): State<Gateway>,
    PathIds((id, recipient)): PathIds<(InstitutionId, KeyId)>,
    QueryOf(Epoch { epoch }): QueryOf<Epoch>,
) -> Result<Json<Wrap>, Problem> {
    let find = move |g: &Gateway| {
        let key = agreement(g, id, epoch).ok_or(Refusal::WrapNotFound)?;
        Ok(g.store.wrap(&id, &recipient, &key)?.ok_or(Refusal::WrapNotFound)?)
    };
    gateway.blocking(find).await.map(Json)
}

/// `GET /v1/institutions/{id}/wraps`: the 9D keys that have the current agreement key.
pub async fn all(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Vec<KeyId>>, Problem> {
    caller.must_be(id)?;
    let find = move |g: &Gateway| {
        let key = agreement(g, id, None).ok_or(Refusal::InstitutionNotFound)?;
        Ok(g.store.wrapped(&id, &key)?)
    };
    gateway.blocking(find).await.map(Json)
}

/// `PUT /v1/institutions/{id}/epochs/{epoch}`.
pub async fn put_older(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, epoch)): PathIds<(InstitutionId, u32)>,
    JsonBody(older): JsonBody<OlderKey>,
) -> Result<StatusCode, Problem> {
    caller.must_be(id)?;
    must_be_small(&older.sealed)?;
    // An epoch that is not on the chain yet has nothing that could be sealed to the next one.
    if older.epoch != epoch || agreement(&gateway, id, Some(epoch)).is_none() {
        return Err(Refusal::BodyMalformed.into());
    }
    gateway
        .blocking(move |g| Ok(g.store.put_older_key(&id, &older)?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/institutions/{id}/epochs`: for anyone; only the next epoch's key opens one.
pub async fn older(
    State(gateway): State<Gateway>,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Vec<OlderKey>>, Problem> {
    gateway.blocking(move |g| Ok(g.store.older_keys(&id)?)).await.map(Json)
}
