//! JSON bodies, with our own errors.

use crate::error::{Problem, Refusal};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// A JSON body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// Reads JSON.
///
/// # Errors
/// [`Refusal::BodyMalformed`] with the place of the error.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let mut problem = Problem::from(Refusal::BodyMalformed);
        // serde's text names fields and types; the values it may quote are the caller's own.
        problem.detail = Some(error.to_string());
        problem
    })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(rejected)?;
        json(&bytes).map(Self)
    }
}

fn rejected(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Refusal::BodyTooLarge.into()
    } else {
        Refusal::BodyMalformed.into()
    }
}
