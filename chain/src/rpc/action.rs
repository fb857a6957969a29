//! The signed action behind an event, found in the transaction that made it.

use super::nodes::{Nodes, unreadable};
use crate::call::read_call;
use crate::error::ChainError;
use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use serde_json::json;
use wardkey_core::action::SignedAction;
use wardkey_core::typed::Domain;

/// A transaction, as far as it matters.
#[derive(Deserialize)]
struct Transaction {
    to: Option<Address>,
    input: Bytes,
}

/// A call inside a transaction, as `callTracer` writes it.
#[derive(Deserialize)]
struct Traced {
    to: Option<Address>,
    input: Bytes,
    #[serde(default)]
    calls: Vec<Traced>,
}

/// The action with this digest in this transaction. The digest was in a proved event, and covers the action: no node can pass
/// another for it. Its signatures are judged by whoever uses it.
pub fn behind(nodes: &Nodes, domain: &Domain, tx: B256, digest: B256) -> Result<SignedAction, ChainError> {
    let contract = Address::from(domain.contract);
    let fits = |input: &Bytes| {
        read_call(input)
            .ok()
            .filter(|found| found.action.digest(domain).0 == digest.0)
    };
    let direct = nodes.any("eth_getTransactionByHash", &json!([tx]))?;
    let direct: Transaction = serde_json::from_value(direct).map_err(unreadable)?;
    if direct.to == Some(contract)
        && let Some(found) = fits(&direct.input)
    {
        return Ok(found);
    }
    let none = || {
        ChainError::Unproven(
            "the signed action of a change came through another contract, and no node traces it".into(),
        )
    };
    let traced = nodes
        .any("debug_traceTransaction", &json!([tx, { "tracer": "callTracer" }]))
        .map_err(|_| none())?;
    let mut left: Vec<Traced> = vec![serde_json::from_value(traced).map_err(unreadable)?];
    while let Some(call) = left.pop() {
        if call.to == Some(contract)
            && let Some(found) = fits(&call.input)
        {
            return Ok(found);
        }
        left.extend(call.calls);
    }
    Err(none())
}
