//! Enrolment: a card asks, the master-key holder decides.

use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, MasterCaller, PathIds, Remote};
use crate::news::News;
use crate::random;
use crate::state::Gateway;
use crate::store::StoredRequest;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use wardkey_core::device::DeviceRequest;
use wardkey_core::id::{Digest, InstitutionId};

/// How long a challenge may be answered, seconds.
const CHALLENGE: u64 = 900;
/// Largest attestation certificate, bytes.
const CERTIFICATE: usize = 8 * 1024;
/// Longest text in a certificate and longest reason, bytes.
pub(super) const TEXT: usize = 200;

/// The answer to `POST /v1/challenges`.
#[derive(Debug, Serialize)]
pub struct Challenge {
    challenge: Digest,
    expires: u64,
}

/// `POST /v1/challenges`.
pub async fn challenge(State(gateway): State<Gateway>, Remote(from): Remote) -> Result<Json<Challenge>, Problem> {
    gateway.charge_caller(from).await?;
    let act = |g: &Gateway| {
        let (challenge, now) = (Digest(random::bytes()?), g.clock.now());
        g.store.put_challenge(&challenge, now + CHALLENGE, now)?;
        Ok(Json(Challenge {
            challenge,
            expires: now + CHALLENGE,
        }))
    };
    gateway.blocking(act).await
}

/// The answer to `POST /v1/device-requests`.
#[derive(Debug, Serialize)]
pub struct Requested {
    request: Digest,
}

/// `POST /v1/device-requests`.
pub async fn request(
    State(gateway): State<Gateway>,
    Remote(from): Remote,
    JsonBody(request): JsonBody<DeviceRequest>,
) -> Result<Json<Requested>, Problem> {
    gateway.charge_caller(from).await?;
    let act = move |g: &Gateway| {
        let (certificate, now) = (&request.certificate, g.clock.now());
        let institution = certificate.institution;
        g.ledger
            .view()
            .institution_state(&institution)
            .ok_or(Refusal::InstitutionNotFound)?;
        must_be_small(&request)?;
        request.verify(g.domain())?;
        let digest = certificate.digest();
        g.store.put_request(&request, now)?;
        g.tell(institution, News::Request { request: digest });
        Ok(Json(Requested { request: digest }))
    };
    gateway.blocking(act).await
}

fn must_be_small(request: &DeviceRequest) -> Result<(), Refusal> {
    let (c, a) = (&request.certificate, &request.attestation);
    let ders = [&a.leaf9a, &a.leaf9c, &a.leaf9d, &a.issuer];
    let texts = [&c.holder, &c.role, &c.card, &c.firmware];
    let small = ders.iter().all(|der| der.len() <= CERTIFICATE) && texts.iter().all(|text| text.len() <= TEXT);
    if small { Ok(()) } else { Err(Refusal::BodyTooLarge) }
}

/// What became of a request.
#[derive(Debug, Serialize)]
pub struct Progress {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Whether the card's newest approval answers this very request; a later request for the same card asks for its renewal.
fn approved(gateway: &Gateway, stored: &StoredRequest) -> Result<bool, Problem> {
    let device = stored.request.certificate.device_id();
    if gateway.ledger.view().device_state(&device).is_none() {
        return Ok(false);
    }
    let approval = gateway.ledger.chain().device_approval(&device)?;
    let answered = approval.and_then(|signed| signed.proof).map(|proof| proof.message);
    let request = &stored.request;
    Ok(answered
        == Some(DeviceRequest::typed(
            &request.certificate,
            &request.challenge,
            request.deadline,
        )))
}

/// `GET /v1/device-requests/{id}`.
pub async fn state(State(gateway): State<Gateway>, PathIds(id): PathIds<Digest>) -> Result<Json<Progress>, Problem> {
    let find = move |g: &Gateway| {
        let stored = g.store.request(&id)?.ok_or(Refusal::RequestNotFound)?;
        let state = if approved(g, &stored)? {
            "approved"
        } else if stored.refusal.is_some() {
            "refused"
        } else {
            "waiting"
        };
        Ok(Json(Progress {
            state,
            reason: stored.refusal.filter(|_| state == "refused"),
        }))
    };
    gateway.blocking(find).await
}

/// A line of `GET /v1/institutions/{id}/requests`.
#[derive(Debug, Serialize)]
pub struct Waiting {
    request: Digest,
    submitted: u64,
    #[serde(flatten)]
    whole: DeviceRequest,
}

/// `GET /v1/institutions/{id}/requests`, oldest first.
pub async fn requests(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Vec<Waiting>>, Problem> {
    caller.must_be(id)?;
    let list = move |g: &Gateway| {
        let mut waiting = Vec::new();
        for stored in g.store.requests_of(&id)? {
            if !approved(g, &stored)? {
                waiting.push(stored);
            }
        }
        let line = |stored: StoredRequest| Waiting {
            request: stored.request.certificate.digest(),
            submitted: stored.submitted,
            whole: stored.request,
        };
        Ok(Json(waiting.into_iter().map(line).collect()))
    };
    gateway.blocking(list).await
}

/// The body of a refusal or a withdrawal.
#[derive(Debug, Deserialize)]
pub struct Reason {
    reason: String,
}

impl Reason {
    /// The words, if they are short enough.
    pub(super) fn short(self) -> Result<String, Refusal> {
        if self.reason.len() > TEXT {
            Err(Refusal::BodyTooLarge)
        } else {
            Ok(self.reason)
        }
    }
}

/// `POST /v1/institutions/{id}/requests/{digest}/refusal`.
pub async fn refuse(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, digest)): PathIds<(InstitutionId, Digest)>,
    JsonBody(reason): JsonBody<Reason>,
) -> Result<StatusCode, Problem> {
    caller.must_be(id)?;
    let reason = reason.short()?;
    let act = move |g: &Gateway| {
        let stored = g
            .store
            .request(&digest)?
            .filter(|stored| stored.request.certificate.institution == id);
        stored.ok_or(Refusal::RequestNotFound)?;
        Ok(g.store.refuse(&digest, &reason)?)
    };
    gateway.blocking(act).await?;
    Ok(StatusCode::NO_CONTENT)
}
