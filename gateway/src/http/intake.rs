//! Receiving bodies: each with a limit and in time, all together within the room that the gateway has for them.

use crate::error::{Problem, Refusal};
use crate::state::Gateway;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const MEGABYTE: usize = 1024 * 1024;
/// Largest body of a signed request that is no import, bytes.
pub(super) const SMALL: usize = MEGABYTE;
/// Largest body of an unsigned request, bytes.
const UNSIGNED: usize = 256 * 1024;
/// How long a body may take that is no import.
const SOON: Duration = Duration::from_secs(20);
/// How long an import may take.
const LATER: Duration = Duration::from_secs(180);

/// Bytes of bodies that may be held at once, imports apart, so that strangers cannot take an import's room.
#[derive(Debug)]
pub struct Rooms {
    small: Arc<Semaphore>,
    import: Arc<Semaphore>,
    largest: usize,
}

/// A body, and the room it takes until this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) bytes: Bytes,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

impl Rooms {
    /// Room for four of the largest imports, and for 64 MiB of everything else.
    #[must_use]
    pub fn new(import_megabytes: usize) -> Self {
        let largest = import_megabytes.saturating_mul(MEGABYTE);
        let import = largest.saturating_mul(4).min(Semaphore::MAX_PERMITS);
        Self {
            small: Arc::new(Semaphore::new(64 * MEGABYTE)),
            import: Arc::new(Semaphore::new(import)),
            largest,
        }
    }

    /// A body of at most [`SMALL`] bytes.
    pub(super) async fn small(&self, body: Body) -> Result<Taken, Refusal> {
        take(&self.small, body, SMALL, SOON).await
    }

    /// A body of at most the largest import, whose sender may write.
    pub(super) async fn import(&self, body: Body) -> Result<Taken, Refusal> {
        take(&self.import, body, self.largest, LATER).await
    }
}

async fn take(room: &Arc<Semaphore>, body: Body, limit: usize, patience: Duration) -> Result<Taken, Refusal> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    timeout(patience, collect(room, body, limit))
        .await
        .map_err(|_| Refusal::BodySlow)?
}

/// Room is taken as bytes arrive: what is only announced takes none.
async fn collect(room: &Arc<Semaphore>, body: Body, limit: usize) -> Result<Taken, Refusal> {
    let (mut bytes, mut held): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Refusal::BodyMalformed)?;
        if bytes.len() + part.len() > limit {
            return Err(Refusal::BodyTooLarge);
        }
        let size = u32::try_from(part.len()).map_err(|_| Refusal::BodyTooLarge)?;
        let more = Arc::clone(room)
            .try_acquire_many_owned(size)
            .map_err(|_| Refusal::Busy)?;
        match &mut held {
            Some(held) => held.merge(more),
            None => held = Some(more),
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Taken {
        bytes: bytes.into(),
        room: held,
    })
}

/// Receives the body of an unsigned request before its handler is asked.
pub async fn received(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match take(&gateway.rooms.small, body, UNSIGNED, SOON).await {
        Ok(Taken { bytes, room: _held }) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_stalls_is_given_up_and_room_comes_back() {
        let rooms = Rooms::new(1);
        let whole = rooms.small.available_permits();
        let stalling = futures::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"x")) })
            .chain(futures::stream::pending());
        let given_up = take(
            &rooms.small,
            Body::from_stream(stalling),
            SMALL,
            Duration::from_millis(50),
        );
        assert_eq!(given_up.await.unwrap_err(), Refusal::BodySlow);
        let taken = rooms.small(Body::from(vec![0; 1000])).await.unwrap();
        assert_eq!(rooms.small.available_permits(), whole - 1000);
        drop(taken);
        assert_eq!(rooms.small.available_permits(), whole);
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_bound() {
        let rooms = Rooms::new(1);
        let mut held = Vec::new();
        while let Ok(taken) = rooms.small(Body::from(vec![0; SMALL])).await {
            held.push(taken);
        }
        assert_eq!(held.len(), 64);
        assert_eq!(rooms.small(Body::from("x")).await.unwrap_err(), Refusal::Busy);
        rooms.small(Body::empty()).await.unwrap();
        rooms.import(Body::from("x")).await.unwrap();
        held.pop();
        rooms.small(Body::from("x")).await.unwrap();
    }
}
