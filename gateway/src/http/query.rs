//! Ids in paths and values in queries, with our own errors.

use crate::error::{Problem, Refusal};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The ids in the path.
#[derive(Debug)]
pub struct PathIds<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathIds<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(ids) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::QueryMalformed)?;
        Ok(Self(ids))
    }
}

/// The query's values.
#[derive(Debug)]
pub struct QueryOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(values) = Query::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::QueryMalformed)?;
        Ok(Self(values))
    }
}

/// A number that the data store, which counts with a sign, can take.
///
/// # Errors
/// [`Refusal::QueryMalformed`].
pub fn must_count(number: u64) -> Result<(), Refusal> {
    i64::try_from(number).map(drop).map_err(|_| Refusal::QueryMalformed)
}
