//! Server-sent events for workstations.

use crate::counts::Counted;
use crate::error::{Problem, Refusal};
use crate::http::Caller;
use crate::news::News;
use crate::state::Gateway;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, Stream};
use std::convert::Infallible;
use std::time::Duration;
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
pub async fn stream(State(gateway): State<Gateway>, caller: Caller) -> Result<Response, Problem> {
    let listener = Listener::new(gateway, caller)?;
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

/// One workstation that listens.
struct Listener {
    gateway: Gateway,
    caller: Caller,
    institution: InstitutionId,
    news: broadcast::Receiver<(InstitutionId, News)>,
    closing: watch::Receiver<bool>,
    next_check: Instant,
    done: bool,
    _open: Counted<SessionId>,
}

enum Next {
    Tell(News),
    End(String),
    Gone,
}

impl Listener {
    fn new(gateway: Gateway, caller: Caller) -> Result<Self, Problem> {
        let institution = caller.institution(&gateway)?;
        let session = caller.session().ok_or(Refusal::WrongSigner)?.delegation.session_id();
        let open = gateway.listening.open(session, STREAMS);
        let (news, closing) = (gateway.board.listen(), gateway.closing.subscribe());
        Ok(Self {
            gateway,
            caller,
            institution,
            news,
            closing,
            next_check: Instant::now() + CHECK,
            done: false,
            _open: open.ok_or(Refusal::StreamsTooMany)?,
        })
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            if listener.done {
                return None;
            }
            let event = match listener.next().await {
                Next::Tell(news) => Event::default().event(news.name()).json_data(news),
                Next::End(code) => {
                    listener.done = true;
                    Event::default().event("session-ended").json_data(Ended { code })
                }
                Next::Gone => return None,
            };
            event.ok().map(|event| (Ok(event), listener))
        })
    }

    async fn next(&mut self) -> Next {
        loop {
            let news = tokio::select! {
                _ = self.closing.wait_for(|closing| *closing) => return Next::Gone,
                news = self.news.recv() => Some(news),
                () = sleep_until(self.next_check) => None,
            };
            match news {
                Some(Ok((institution, news))) if institution == self.institution && self.concerns(&news) => {
                    return Next::Tell(news);
                }
                Some(Ok(_)) => {}
                // Too slow to hear everything: the client connects again and reads anew.
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
    fn concerns(&self, news: &News) -> bool {
        !matches!(news, News::Request { .. } | News::Proposal { .. }) || self.caller.device().is_none()
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
