//! Figures for Prometheus. Labels are routes, methods, statuses and codes of this program: no id, no name, no address, and few.

use crate::state::Gateway;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// Upper ends of the times, seconds.
const TIMES: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

type Times = Family<Route, Histogram, fn() -> Histogram>;

fn times() -> Histogram {
    Histogram::new(TIMES)
}

/// What is counted as it happens, and what is looked up when somebody asks.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    answered: Family<Answered, Counter>,
    times: Times,
    refused: Family<Code, Counter>,
    gas: Counter,
    log_lines: Gauge,
    checkpoint_age: Gauge,
    head: Gauge,
    heard_age: Gauge,
    sessions: Gauge,
    streams: Gauge,
}

impl Default for Meters {
    fn default() -> Self {
        let mut meters = Self {
            registry: Registry::with_prefix("wardkey"),
            answered: Family::default(),
            times: Family::new_with_constructor(times),
            refused: Family::default(),
            gas: Counter::default(),
            log_lines: Gauge::default(),
            checkpoint_age: Gauge::default(),
            head: Gauge::default(),
            heard_age: Gauge::default(),
            sessions: Gauge::default(),
            streams: Gauge::default(),
        };
        meters.register();
        meters
    }
}

impl Meters {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Answers by route, method and status",
            self.answered.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time from a request's head to its answer's",
            self.times.clone(),
        );
        registry.register(
            "refused",
            "Refusals and failures by code; quota-used and rate-limited among them",
            self.refused.clone(),
        );
        registry.register(
            "sponsored_gas",
            "Gas of sponsored actions since the start",
            self.gas.clone(),
        );
        let gauges = [
            ("log_lines", "Lines of the log", &self.log_lines),
            (
                "checkpoint_age_seconds",
                "Since the block of the newest checkpoint; -1 before the first",
                &self.checkpoint_age,
            ),
            ("chain_head", "Number of the newest block", &self.head),
            (
                "chain_heard_age_seconds",
                "Since the chain was last heard",
                &self.heard_age,
            ),
            ("sessions_known", "Sessions in memory", &self.sessions),
            ("event_streams", "Event streams open", &self.streams),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
    }

    /// Counts an answer. `route` is the router's template; anything else is counted as none.
    pub fn answered(
        &self,
        route: Option<&str>,
        method: &Method,
        status: StatusCode,
        code: Option<&str>,
        took: Duration,
    ) {
        let route = route.unwrap_or("none").to_owned();
        self.times
            .get_or_create(&Route { route: route.clone() })
            .observe(took.as_secs_f64());
        let (method, status) = (word(method), u32::from(status.as_u16()));
        self.answered.get_or_create(&Answered { route, method, status }).inc();
        if let Some(code) = code {
            self.refused.get_or_create(&Code { code: code.to_owned() }).inc();
        }
    }

    /// Counts what an action cost.
    pub fn paid(&self, gas: u64) {
        self.gas.inc_by(gas);
    }

    /// All figures, after a look at the gateway. Blocks.
    #[must_use]
    pub fn text(&self, gateway: &Gateway) -> String {
        let (now, heard) = (gateway.clock.now(), gateway.ledger.heard());
        let since = |time: u64| number(now.saturating_sub(time));
        self.head.set(number(heard.head.number));
        self.heard_age.set(since(heard.at));
        self.sessions.set(number(gateway.sessions.len() as u64));
        self.streams.set(number(gateway.listening.all()));
        if let Ok((lines, _)) = gateway.store.log_head() {
            self.log_lines.set(number(lines));
        }
        if let Ok(newest) = gateway.ledger.chain().checkpoint() {
            self.checkpoint_age
                .set(newest.map_or(-1, |checkpoint| since(checkpoint.time)));
        }
        let mut text = String::new();
        // Writing into a string fails only where there is no memory.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The method, if it is one that routes have: a client may invent others.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
