//! Sponsored actions.

use crate::error::Problem;
use crate::http::{JsonBody, Remote};
use crate::state::Gateway;
use crate::store::Outcome;
use axum::Json;
use axum::extract::State;
use wardkey_core::action::SignedAction;

/// `POST /v1/actions`.
pub async fn submit(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    JsonBody(action): JsonBody<SignedAction>,
) -> Result<Json<Outcome>, Problem> {
    let _turn = gateway.begin_sponsoring(&action, from)?;
    gateway.blocking(move |g| g.sponsor(&action, from)).await.map(Json)
}
