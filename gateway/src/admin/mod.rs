//! For whoever runs the gateway: health, readiness, figures. On a listener of its own, on loopback only (decision 25).

mod health;
mod meters;

pub use meters::Meters;

use crate::state::Gateway;
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::net::TcpListener;

/// What the admin listener serves.
pub fn app(gateway: Gateway) -> Router {
    Router::new()
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics))
        .with_state(gateway)
}

/// `GET /metrics`: OpenMetrics text.
async fn metrics(
    axum::extract::State(gateway): axum::extract::State<Gateway>,
) -> Result<Response, crate::error::Problem> {
    let text = gateway.blocking(|g| Ok(g.meters.text(g))).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Serves until the process ends.
///
/// # Errors
/// The listener's.
pub async fn serve(gateway: Gateway, listener: TcpListener) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app(gateway)).await
}
