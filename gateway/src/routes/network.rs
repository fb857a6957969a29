//! The network itself.

use crate::error::{Problem, Refusal};
use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wardkey_chain::{CheckpointState, Head};
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;

/// `GET /v1/network`.
#[derive(Debug, Serialize)]
pub struct Network {
    name: String,
    #[serde(flatten)]
    domain: Domain,
    operator: PublicKey,
    gateway: PublicKey,
    head: Head,
    heard: u64,
}

/// Which deployment, whose keys, the newest block.
pub async fn network(State(gateway): State<Gateway>) -> Json<Network> {
    let heard = gateway.ledger.heard();
    Json(Network {
        name: gateway.settings.name.clone(),
        domain: *gateway.domain(),
        operator: gateway.ledger.network().operator,
        gateway: gateway.scribe.key().public(),
        head: heard.head,
        heard: heard.at,
    })
}

/// `GET /v1/checkpoints/latest`, from the contract.
pub async fn checkpoint(State(gateway): State<Gateway>) -> Result<Json<CheckpointState>, Problem> {
    let newest = gateway.blocking(|g| Ok(g.ledger.chain().checkpoint()?)).await?;
    Ok(Json(newest.ok_or(Refusal::CheckpointNone)?))
}
