//! Connections: how many at once, in all and from one network, and how long they may idle.

use crate::counts::{Counted, Counts};
use crate::quota::Payee;
use crate::settings::Limits;
use axum_server::accept::Accept;
use axum_server::{Address, Server};
use hyper_util::rt::TokioTimer;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

/// How long a request's headers may take, and how long a connection may be silent between requests.
const HEADERS: Duration = Duration::from_secs(10);
/// HTTP/2: how often a silent connection is asked whether it lives, and how long its answer may take.
const BREATH: Duration = Duration::from_secs(20);
/// HTTP/2: requests at once on one connection.
const STREAMS: u32 = 64;

/// Admits connections up to the limits.
#[derive(Clone, Debug)]
pub struct Door {
    all: Arc<Semaphore>,
    networks: Counts<Payee>,
    each: u32,
}

/// What a connection holds while it lasts.
#[derive(Debug)]
struct Place {
    _all: OwnedSemaphorePermit,
    _network: Counted<Payee>,
}

/// A connection's service with its place.
#[derive(Clone, Debug)]
pub struct Held<S> {
    service: S,
    _place: Arc<Place>,
}

impl Door {
    /// A door with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections as usize)),
            networks: Counts::default(),
            each: limits.connections_per_address,
        }
    }

    fn admit(&self, stream: &TcpStream) -> io::Result<Place> {
        let network = Payee::address(stream.peer_addr()?.ip());
        let full = || io::Error::other("too many connections");
        Ok(Place {
            _network: self.networks.open(network, self.each).ok_or_else(full)?,
            _all: Arc::clone(&self.all).try_acquire_owned().map_err(|_| full())?,
        })
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = TcpStream;
    type Service = Held<S>;
    type Future = Ready<io::Result<(TcpStream, Held<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(self.admit(&stream).map(|place| {
            let _place = Arc::new(place);
            (stream, Held { service, _place })
        }))
    }
}

impl<S: Service<R>, R> Service<R> for Held<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}

/// Gives a server its time limits. Without a timer hyper keeps none.
#[must_use]
pub fn timed<A: Address, D>(mut server: Server<A, D>) -> Server<A, D> {
    let http = server.http_builder();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(BREATH)
        .keep_alive_timeout(HEADERS)
        .max_concurrent_streams(STREAMS);
    server.first_request_timeout(HEADERS)
}
