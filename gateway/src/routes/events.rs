//! Server-sent events for workstations.

use crate::counts::Counted;
use crate::error::{Problem, Refusal};
use crate::http::Caller;
use crate::news::MOST;
use crate::state::Gateway;
use crate::store::shared::Told;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, Stream};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};
use wardkey_core::id::{InstitutionId, SessionId};

/// A comment line this often, so that a dead connection is noticed.
const BREATH: Duration = Duration::from_secs(10);
/// How often a listening session is held against the chain again.
const CHECK: Duration = Duration::from_secs(2);

/// Streams of one session at once: a lost connection is not noticed at once, and the workstation connects again.
const STREAMS: u32 = 8;

/// `GET /v1/events`.
pub async fn stream(State(gateway): State<Gateway>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let listener = Listener::new(gateway, caller, last_id(&headers)).await?;
    let events = Sse::new(listener.events()).keep_alive(KeepAlive::new().interval(BREATH));
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, events).into_response())
}

/// What the client has heard last. One that is none of ours is as good as too old.
fn last_id(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get("last-event-id")?;
    Some(
        value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u64::MAX),
    )
}

/// One workstation that listens.
struct Listener {
    gateway: Gateway,
    caller: Caller,
    institution: InstitutionId,
    news: broadcast::Receiver<Told>,
    /// What waits to be sent.
    missed: VecDeque<Next>,
    /// Everything up to this id was sent, or did not concern this listener.
    heard: u64,
    closing: watch::Receiver<bool>,
    next_check: Instant,
    done: bool,
    _open: Counted<SessionId>,
}

enum Next {
    /// Where the stream is, for a client that hears nothing before it must connect again.
    Place,
    Tell(Told),
    /// More was missed than is kept.
    Resync,
    End(String),
    Gone,
}

impl Listener {
    async fn new(gateway: Gateway, caller: Caller, last: Option<u64>) -> Result<Self, Problem> {
        let institution = caller.institution(&gateway)?;
        let session = caller.session().ok_or(Refusal::WrongSigner)?.delegation.session_id();
        let open = gateway.listening.open(session, STREAMS);
        // Listens first: what is told meanwhile is heard twice rather than never, and sent once.
        let (news, closing) = (gateway.board.listen(), gateway.closing.subscribe());
        let (oldest, newest) = gateway.blocking(|g| Ok(g.store.news_span()?)).await?;
        let kept = last.filter(|last| (oldest.saturating_sub(1)..=newest).contains(last));
        let first = if last.is_some() && kept.is_none() {
            Next::Resync
        } else {
            Next::Place
        };
        let heard = kept.unwrap_or(newest);
        let mut listener = Self {
            gateway,
            caller,
            institution,
            news,
            closing,
            missed: VecDeque::from([first]),
            heard,
            next_check: Instant::now() + CHECK,
            done: false,
            _open: open.ok_or(Refusal::StreamsTooMany)?,
        };
        listener.catch_up().await?;
        Ok(listener)
    }

    /// Fetches what was told since the last id.
    async fn catch_up(&mut self) -> Result<(), Problem> {
        loop {
            let (institution, after) = (self.institution, self.heard);
            let find = move |g: &Gateway| Ok(g.store.news(Some(&institution), after, MOST)?);
            let news = self.gateway.blocking(find).await?;
            let whole = news.len() == MOST as usize;
            for told in news {
                self.heard = told.id;
                if self.concerns(&told) {
                    self.missed.push_back(Next::Tell(told));
                }
            }
            if !whole {
                return Ok(());
            }
        }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            if listener.done {
                return None;
            }
            let event = match listener.next().await {
                Next::Place => Event::default().id(listener.heard.to_string()),
                Next::Tell(Told { id, kind, data, .. }) => Event::default().id(id.to_string()).event(kind).data(data),
                Next::Resync => Event::default()
                    .id(listener.heard.to_string())
                    .event("resync")
                    .data("{}"),
                Next::End(code) => {
                    listener.done = true;
                    let data = serde_json::to_string(&Ended { code }).ok()?;
                    Event::default().event("session-ended").data(data)
                }
                Next::Gone => return None,
            };
            Some((Ok(event), listener))
        })
    }

    async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.missed.pop_front() {
                return next;
            }
            let news = tokio::select! {
                _ = self.closing.wait_for(|closing| *closing) => return Next::Gone,
                news = self.news.recv() => Some(news),
                () = sleep_until(self.next_check) => None,
            };
            match news {
                Some(Ok(told)) => {
                    let new = told.id > self.heard && told.institution == self.institution;
                    self.heard = self.heard.max(told.id);
                    if new && self.concerns(&told) {
                        return Next::Tell(told);
                    }
                }
                // Too slow to hear everything from the board: the store has it.
                Some(Err(RecvError::Lagged(_))) if self.catch_up().await.is_ok() => {}
                Some(Err(_)) => return Next::Gone,
                None => {
                    self.next_check = Instant::now() + CHECK;
                    if let Some(code) = self.ended() {
                        return Next::End(code);
                    }
                }
            }
        }
    }

    /// Requests and proposals are for the master-key holders.
    fn concerns(&self, told: &Told) -> bool {
        !matches!(told.kind.as_str(), "request" | "proposal") || self.caller.device().is_none()
    }

    /// Why the session no longer holds, if it does not.
    fn ended(&self) -> Option<String> {
        let now = self.gateway.clock.now();
        if self
            .caller
            .session()
            .is_none_or(|session| now >= session.delegation.expiry)
        {
            return Some("session-expired".to_owned());
        }
        self.caller
            .institution(&self.gateway)
            .err()
            .map(|problem| problem.fault.code)
    }
}

#[derive(serde::Serialize)]
struct Ended {
    code: String,
}
