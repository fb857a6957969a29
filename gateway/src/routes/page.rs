//! The patient's page: files built into the program, with strict headers.

use crate::error::{Problem, Refusal};
use crate::state::Gateway;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

/// What `npm run build` made of `ui/phone`.
#[derive(RustEmbed)]
#[folder = "../ui/dist/phone"]
struct Page;

const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// `/` and every file of the page.
pub fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", get(file))
        .route("/{*path}", get(file))
        .layer(CompressionLayer::new().br(true).gzip(true))
}

async fn file(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    match Page::get(path) {
        Some(found) => serve(path, &found, request.headers()),
        None if path == "index.html" => Problem::from(Refusal::PageMissing).into_response(),
        None => Problem::from(Refusal::NotFound).into_response(),
    }
}

fn serve(path: &str, found: &EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&found.metadata.sha256_hash()[..16]));
    let known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(found.data.clone().into_owned()))
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Vite puts a hash of the content into the names of assets.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    let kind = HeaderValue::from_str(found.metadata.mimetype());
    headers.insert(
        header::CONTENT_TYPE,
        kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
