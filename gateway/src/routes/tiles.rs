//! The log's files, for anyone.

use crate::error::{Problem, Refusal};
use crate::log::tiles::file;
use crate::state::Gateway;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use wardkey_core::audit::{Bundle, TileName};

/// `GET /log/checkpoint`.
pub async fn checkpoint(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    served(&gateway, "checkpoint", "text/plain; charset=utf-8", "no-cache").await
}

/// `GET /log/tile/…`: hashes, or with `entries` the leaves. A name's content never changes.
pub async fn tile(State(gateway): State<Gateway>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path = format!("tile/{path}");
    if TileName::from_path(&path).is_err() && Bundle::from_path(&path).is_err() {
        return Err(Refusal::NotFound.into());
    }
    let forever = "public, max-age=31536000, immutable";
    served(&gateway, &path, "application/octet-stream", forever).await
}

async fn served(gateway: &Gateway, name: &str, kind: &'static str, cache: &'static str) -> Result<Response, Problem> {
    let found = file(gateway.objects.as_ref(), name).await?.ok_or(Refusal::NotFound)?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    Ok((headers, found).into_response())
}
