//! Whether the process lives, and whether it can serve.

use crate::error::Problem;
use crate::random;
use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use wardkey_core::id::Digest;

/// `GET /healthz`: the process answers.
pub(super) async fn lives() -> &'static str {
    "ok\n"
}

/// The answer of `GET /readyz`.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    /// Codes of `docs/errors.md`, and `stopping`.
    reasons: Vec<String>,
}

/// `GET /readyz`: 200 if requests can be served, else 503 with the reasons.
pub(super) async fn ready(State(gateway): State<Gateway>) -> (StatusCode, Json<Readiness>) {
    let stopping = *gateway.closing.borrow() || *gateway.draining.borrow();
    let mut reasons: Vec<String> = stopping.then(|| "stopping".to_owned()).into_iter().collect();
    let heard = gateway.ledger.must_be_heard().map_err(Problem::from);
    let kept = gateway.blocking(can_write).await;
    reasons.extend(
        [heard, kept]
            .into_iter()
            .filter_map(Result::err)
            .map(|problem| problem.fault.code),
    );
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, reasons }))
}

/// Writes a challenge that has ended already: durable like every other write, and of no use to anybody.
fn can_write(gateway: &Gateway) -> Result<(), Problem> {
    let now = gateway.clock.now();
    Ok(gateway
        .store
        .put_challenge(&Digest(random::bytes()?), now.saturating_sub(1), now)?)
}
