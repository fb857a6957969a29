//! Institutions, as the contract has them.

use crate::error::{Problem, Refusal};
use crate::http::PathIds;
use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use wardkey_chain::Institution;
use wardkey_core::id::InstitutionId;

/// `GET /v1/institutions`.
pub async fn all(State(gateway): State<Gateway>) -> Result<Json<Vec<Institution>>, Problem> {
    gateway.blocking(|g| Ok(Json(g.ledger.chain().institutions()?))).await
}

/// `GET /v1/institutions/{id}`.
pub async fn one(
    State(gateway): State<Gateway>,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Institution>, Problem> {
    let found = gateway
        .blocking(move |g| Ok(g.ledger.chain().institution(&id)?))
        .await?;
    Ok(Json(found.ok_or(Refusal::InstitutionNotFound)?))
}
