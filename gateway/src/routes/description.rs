//! The API's own description.

use crate::description::document;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use std::sync::LazyLock;

static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /v1/openapi.json`.
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}
