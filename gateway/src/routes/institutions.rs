//! Institutions, as the contract has them.

use crate::error::{Problem, Refusal};
use crate::http::PathIds;
use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wardkey_chain::Institution;
use wardkey_core::action::SignedAction;
use wardkey_core::id::InstitutionId;

/// An institution with the signed actions that prove its name and its keys.
#[derive(Debug, Serialize)]
pub struct Proved {
    #[serde(flatten)]
    institution: Institution,
    actions: Vec<SignedAction>,
}

/// `GET /v1/institutions`; without proofs.
pub async fn all(State(gateway): State<Gateway>) -> Result<Json<Vec<Institution>>, Problem> {
    gateway.blocking(|g| Ok(Json(g.ledger.chain().institutions()?))).await
}

/// `GET /v1/institutions/{id}`.
pub async fn one(State(gateway): State<Gateway>, PathIds(id): PathIds<InstitutionId>) -> Result<Json<Proved>, Problem> {
    let find = move |g: &Gateway| {
        let institution = g.ledger.chain().institution(&id)?.ok_or(Refusal::InstitutionNotFound)?;
        let actions = g.ledger.chain().institution_actions(&id)?;
        Ok(Json(Proved { institution, actions }))
    };
    gateway.blocking(find).await
}
