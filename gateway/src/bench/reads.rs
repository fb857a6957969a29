//! Permission-verified reads per second, against unverified reads of the same server in the same run: over real sockets on
//! loopback, connections kept open, several clients.

use super::actors::{ALL_SECTIONS, Card, Hospital, Patient, Session, Terms, unsigned};
use super::load::load;
use super::program::UNLIMITED;
use super::stage::{Ask, Signer, Stage, sign};
use crate::clock::Clock;
use crate::error::Problem;
use crate::http::{PathIds, QueryOf};
use crate::routes::Wanted;
use crate::settings::Settings;
use crate::state::Gateway;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wardkey_core::id::{Commitment, PatientId};

/// Clients at the same time.
const CLIENTS: usize = 32;

/// What one read asks for: so many resources, spread over so many sections.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// In words.
    pub name: &'static str,
    /// Sections, from number 0.
    pub sections: u8,
    /// Resources.
    pub resources: u16,
    /// Bytes of each resource.
    pub bytes: usize,
}

/// The dearest read, a usual one, and a whole chart.
pub const SHAPES: [Shape; 3] = [
    Shape {
        name: "one resource of 4 KiB",
        sections: 1,
        resources: 1,
        bytes: 4096,
    },
    Shape {
        name: "a section of 25 resources of 1 KiB",
        sections: 1,
        resources: 25,
        bytes: 1024,
    },
    Shape {
        name: "a chart of 500 resources of 1 KiB in 19 sections",
        sections: 19,
        resources: 500,
        bytes: 1024,
    },
];

impl Shape {
    fn list(&self) -> String {
        (0..self.sections).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Reads per second with signature, permission, log and signed answer.
    pub verified_per_s: f64,
    /// Reads per second of the same records without any of these.
    pub unverified_per_s: f64,
}

/// Measures both for one shape, `seconds` each, in a data folder that must be empty.
///
/// # Errors
/// Anything that fails on the way.
pub async fn reads(folder: &Path, shape: Shape, seconds: u64) -> anyhow::Result<Figures> {
    let mut settings = Settings {
        data: folder.to_owned(),
        ..Settings::parse(UNLIMITED)?
    };
    // What is measured is the gateway, not its patience.
    settings.limits.requests_per_session = NonZeroU32::MAX;
    let gateway = Gateway::open(settings, Clock::system())?;
    let watch = tokio::spawn(crate::serve::watch_chain(gateway.clone()));
    let stage = Stage::new(gateway.clone());
    let scene = Arc::new(Scene::set(&stage, shape).await?);
    let address = listen(stage.app.clone().merge(unverified(gateway.clone()))).await?;

    let time = Duration::from_secs(seconds);
    let (one, two) = (Arc::clone(&scene), Arc::clone(&scene));
    let unverified_per_s = load(address, CLIENTS, time, move || two.plain().map(Some))
        .await?
        .per_second();
    let verified_per_s = load(address, CLIENTS, time, move || one.signed(&gateway.clock).map(Some))
        .await?
        .per_second();
    watch.abort();
    Ok(Figures {
        verified_per_s,
        unverified_per_s,
    })
}

/// The same store and server without the door: in no program but this measurement.
fn unverified(gateway: Gateway) -> Router {
    Router::new()
        .route("/unverified/{id}", get(read_unverified))
        .with_state(gateway)
}

async fn read_unverified(
    State(gateway): State<Gateway>,
    PathIds(patient): PathIds<PatientId>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response, Problem> {
    let sections = wanted.numbers()?;
    let records = gateway
        .blocking(move |g| Ok(g.store.records(&patient, &sections)?))
        .await?;
    let mut response = format!("{{\"records\":[{}]}}", records.join(",")).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn listen(app: Router) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// A patient with records, and a doctor who may read and write them.
pub struct Scene {
    patient: Patient,
    card: Card,
    commitment: Commitment,
    session: Session,
    sections: String,
    count: AtomicU64,
}

impl Scene {
    /// Everything that a read of this shape needs.
    ///
    /// # Errors
    /// Anything that fails on the way.
    pub async fn set(stage: &Stage, shape: Shape) -> anyhow::Result<Self> {
        let hospital = Hospital::open(stage, "Bench Hospital").await?;
        let card = hospital.card(stage, "Bench Doctor", 3).await?;
        let session = card.sign_in(stage).await?;
        let patient = Patient::begin(stage).await?;
        let now = stage.gateway.clock.now();
        let terms = Terms {
            read: ALL_SECTIONS,
            write: ALL_SECTIONS,
            not_before: now,
            expiry: now + 3600,
        };
        let given = patient.grant(stage, &hospital, terms).await?;
        let records = (0..shape.resources).map(|n| {
            let section = u8::try_from(n % u16::from(shape.sections))?;
            let record = unsigned(stage, &patient, &card, section, &vec![b' '; shape.bytes])?;
            Ok(record.sign_in_session(stage.gateway.domain(), &session.key, &session.delegation)?)
        });
        let records = records.collect::<anyhow::Result<Vec<_>>>()?;
        let ask = Ask::post(
            format!("/v1/patients/{}/records", patient.id),
            &json!({ "records": records }),
        );
        let reply = stage
            .signed(session.signer(), ask.under(given.commitment, "bench"))
            .await?;
        anyhow::ensure!(reply.status.is_success(), "writing failed: {}", reply.code());
        Ok(Self {
            patient,
            card,
            commitment: given.commitment,
            session,
            sections: shape.list(),
            count: AtomicU64::new(0),
        })
    }

    fn plain(&self) -> anyhow::Result<Vec<u8>> {
        Ok(format!(
            "GET /unverified/{}?sections={} HTTP/1.1\r\nhost: bench\r\n\r\n",
            self.patient.id, self.sections
        )
        .into_bytes())
    }

    /// A signed reading as it goes over the wire; fresh each time.
    ///
    /// # Errors
    /// Signing failed.
    pub fn signed(&self, clock: &Clock) -> anyhow::Result<Vec<u8>> {
        let target = format!("/v1/patients/{}/records?sections={}", self.patient.id, self.sections);
        self.wire(&Ask::get(target), clock)
    }

    /// The writing of a new record of so many bytes in section 0, as it goes over the wire.
    ///
    /// # Errors
    /// Sealing or signing failed.
    pub fn writing(&self, stage: &Stage, bytes: usize) -> anyhow::Result<Vec<u8>> {
        let record = unsigned(stage, &self.patient, &self.card, 0, &vec![b' '; bytes])?;
        let session = &self.session;
        let record = record.sign_in_session(stage.gateway.domain(), &session.key, &session.delegation)?;
        let target = format!("/v1/patients/{}/records", self.patient.id);
        self.wire(
            &Ask::post(target, &json!({ "records": [record] })),
            &stage.gateway.clock,
        )
    }

    fn wire(&self, ask: &Ask<'_>, clock: &Clock) -> anyhow::Result<Vec<u8>> {
        let ask = ask.clone().under(self.commitment, "bench");
        let nonce = format!("bench{}", self.count.fetch_add(1, Ordering::Relaxed));
        let signer: Signer<'_> = self.session.signer();
        let signed = sign(&ask, signer, clock.now(), &nonce)?;
        let body = ask.body.as_deref().unwrap_or_default();
        let mut out = format!(
            "{} {} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n",
            ask.method,
            ask.target,
            body.len()
        )
        .into_bytes();
        for (name, value) in signed.request.headers() {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        Ok(out)
    }
}
