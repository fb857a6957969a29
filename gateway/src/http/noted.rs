//! What is said of every request: method, route and outcome; no id, no address, nothing of any patient. And that there are not too many.

use crate::error::{AnsweredCode, Problem};
use crate::state::Gateway;
use crate::traces::TARGET;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::SocketAddr;
use std::time::Instant;
use tracing::Instrument as _;

/// Counts, times and traces a request.
pub async fn noted(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let shown = route.as_deref().unwrap_or("none");
    let span = tracing::info_span!(target: TARGET, "request", route = shown, status = tracing::field::Empty, code = tracing::field::Empty);
    let answer = next.run(request).instrument(span.clone()).await;
    let (status, took) = (answer.status(), start.elapsed());
    let code = answer.extensions().get::<AnsweredCode>().map(|code| code.0.as_str());
    span.record("status", status.as_u16());
    span.record("code", code.unwrap_or_default());
    gateway.meters.answered(route.as_deref(), &method, status, code, took);
    tracing::debug!(
        route = shown,
        status = status.as_u16(),
        ms = took.as_millis(),
        "answered"
    );
    answer
}

/// Refuses who asks too often, before anything else is looked at. Where there is no socket, as in tests, nobody is counted.
pub async fn limited(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let from = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    match from.map_or(Ok(()), |address| gateway.rates.address(address)) {
        Ok(()) => next.run(request).await,
        Err(problem) => Problem::into_response(problem),
    }
}
