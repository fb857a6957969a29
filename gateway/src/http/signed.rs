//! Signed requests and answers (RFC 9421, protocol §7) as a middleware.

use super::caller::{Caller, Headers, Signer};
use super::intake::{SMALL, Taken};
use crate::error::{Problem, Refusal};
use crate::replay::Replay;
use crate::state::Gateway;
use crate::store::StoreError;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use wardkey_core::delegation::{PrincipalKind, SignedDelegation};
use wardkey_core::http_signature::{
    HttpSignatureError, KeyName, Parsed, RequestParts, ResponseParts, SignatureParams, check_content_digest,
    content_digest, content_digest_of, parse, sign_response,
};
use wardkey_core::id::{BlobId, Digest, PatientId, SessionId};
use wardkey_core::key::{PublicKey, Signature};

const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature-input";
const CONTENT_DIGEST: &str = "content-digest";
/// Longest nonce, bytes.
const NONCE: usize = 64;

/// In an answer's extensions: the body's SHA-256 is known already, so that the body is not held to sign it.
#[derive(Clone, Copy, Debug)]
pub struct Streamed(pub [u8; 32]);

/// Lets signed requests pass, with their [`Caller`], and signs every answer.
pub async fn signed(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let parsed = match read(request.headers()) {
        Ok(parsed) => parsed,
        Err(error) => return Problem::from(error).into_response(),
    };
    let target = Target::of(&request);
    let answer = match admit(&gateway, &parsed, request).await {
        Ok((request, _room)) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    sign(&gateway, &target, &parsed.signature, answer)
        .await
        .unwrap_or_else(|problem| problem.into_response())
}

/// What an answer's signature says of its request.
struct Target {
    method: Method,
    path: String,
    query: Option<String>,
}

impl Target {
    fn of(request: &Request) -> Self {
        let uri = request.uri();
        Self {
            method: request.method().clone(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
        }
    }

    fn parts(&self) -> RequestParts<'_> {
        let (path, query) = (self.path.as_str(), self.query.as_deref());
        RequestParts {
            method: self.method.as_str(),
            path,
            query,
            content_digest: None,
            permission: None,
            reason: None,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, HttpSignatureError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| HttpSignatureError::Malformed),
        // Which of two values was meant is not ours to guess.
        (Some(_), Some(_)) => Err(HttpSignatureError::Malformed),
    }
}

fn read(headers: &HeaderMap) -> Result<Parsed, HttpSignatureError> {
    let input = text(headers, SIGNATURE_INPUT)?.ok_or(HttpSignatureError::Malformed)?;
    let signature = text(headers, SIGNATURE)?.ok_or(HttpSignatureError::Malformed)?;
    parse(input, signature)
}

/// The request with its caller and its body, and the room that the body takes.
async fn admit(
    gateway: &Gateway,
    parsed: &Parsed,
    request: Request,
) -> Result<(Request, Option<OwnedSemaphorePermit>), Problem> {
    let now = gateway.clock.now();
    gateway.replay.check_time(parsed.params.created, now)?;
    let (mut parts, body) = request.into_parts();
    let (key, signer) = signer(gateway, parsed, &parts.headers, now).await?;
    parsed.verify_request(&covered(&parts)?, &key)?;
    gateway.rates.signer(parsed.params.key)?;
    let nonce = parsed
        .params
        .nonce
        .as_deref()
        .filter(|nonce| nonce.len() <= NONCE)
        .ok_or(HttpSignatureError::Malformed)?;
    let name = Replay::name(&parsed.params.key.to_string(), nonce);
    use_up(gateway, name, parsed.params.created, now).await?;
    if let Some(blob) = blob(&parts) {
        // The name is in the signed path, and the route's handler holds the bytes against it as they come.
        let covered =
            text(&parts.headers, CONTENT_DIGEST)?.is_some_and(|said| said.trim() == content_digest_of(&blob.0));
        if !covered {
            return Err(HttpSignatureError::Uncovered.into());
        }
        parts.extensions.insert(Caller { signer });
        return Ok((Request::from_parts(parts, body), None));
    }
    let Taken { bytes, room } = read_body(gateway, &parts, &signer, body).await?;
    parts.extensions.insert(Caller { signer });
    Ok((Request::from_parts(parts, Body::from(bytes)), room))
}

/// The blob that is being written, if one is: its body is not read here.
fn blob(parts: &Parts) -> Option<BlobId> {
    let (folder, name) = parts.uri.path().rsplit_once('/')?;
    let written = parts.method == Method::PUT && folder.ends_with("/blobs");
    written.then(|| name.parse().ok()).flatten()
}

/// Uses up the request's nonce: in the store where other gateways may see the request too. Alone, in memory, after writing down
/// how new the newest request is, so that a restart does not let it in again.
async fn use_up(gateway: &Gateway, name: Digest, created: u64, now: u64) -> Result<(), Problem> {
    if gateway.store.is_shared() {
        let new = gateway
            .blocking(move |g| Ok(g.store.take_nonce(&name, created)?))
            .await?;
        return if new { Ok(()) } else { Err(Refusal::Replayed.into()) };
    }
    if gateway.replay.is_newest(created) {
        let write = move |g: &Gateway| {
            Ok(g.replay
                .remember(created)
                .map_err(|e| StoreError::Failed(e.to_string()))?)
        };
        gateway.blocking(write).await?;
    }
    Ok(gateway.replay.take(name, now)?)
}

fn covered(parts: &Parts) -> Result<RequestParts<'_>, HttpSignatureError> {
    Ok(RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        content_digest: text(&parts.headers, CONTENT_DIGEST)?,
        permission: text(&parts.headers, "wardkey-permission")?,
        reason: text(&parts.headers, "wardkey-reason")?,
    })
}

async fn signer(
    gateway: &Gateway,
    parsed: &Parsed,
    headers: &HeaderMap,
    now: u64,
) -> Result<(PublicKey, Signer), Problem> {
    match parsed.params.key {
        KeyName::Session(id) => {
            let session = session(gateway, id).await?;
            let d = &session.delegation;
            if now < d.not_before || now >= d.expiry {
                return Err(Refusal::SessionExpired.into());
            }
            let key = d.session;
            let signer = match d.kind {
                PrincipalKind::Device => Signer::Device {
                    device: d.principal.into(),
                    session,
                },
                PrincipalKind::Master => Signer::Master {
                    institution: d.principal.into(),
                    session,
                },
            };
            Ok((key, signer))
        }
        KeyName::Patient(patient) => {
            let key = root_key(headers, patient)?;
            Ok((key, Signer::Patient { patient, key }))
        }
        KeyName::Gateway(_) => Err(HttpSignatureError::Malformed.into()),
    }
}

/// The patient's root key, which its id certifies.
fn root_key(headers: &HeaderMap, patient: PatientId) -> Result<PublicKey, HttpSignatureError> {
    let hex = text(headers, "wardkey-key")?.ok_or(HttpSignatureError::Malformed)?;
    let bytes = hex::decode(hex).map_err(|_| HttpSignatureError::Malformed)?;
    let key = PublicKey::from_sec1(&bytes).map_err(|_| HttpSignatureError::Malformed)?;
    if PatientId::from(key.id()) == patient {
        Ok(key)
    } else {
        Err(HttpSignatureError::Invalid)
    }
}

async fn session(gateway: &Gateway, id: SessionId) -> Result<Arc<SignedDelegation>, Problem> {
    if let Some(known) = gateway.sessions.get(&id) {
        return Ok(known);
    }
    let stored = gateway
        .blocking(move |g| Ok(g.store.session(&id)?))
        .await?
        .ok_or(Refusal::SessionUnknown)?;
    Ok(gateway.sessions.put(id, stored))
}

/// Reads the body only now that the signature over its digest holds; more than a little only from a card that may write.
async fn read_body(gateway: &Gateway, parts: &Parts, signer: &Signer, body: Body) -> Result<Taken, Problem> {
    let small = body.size_hint().upper().is_some_and(|size| size <= SMALL as u64);
    let import = parts.method == Method::POST && parts.uri.path().ends_with("/records") && !small;
    let taken = if import {
        may_import(gateway, parts, signer).await?;
        gateway.rooms.import(body).await?
    } else {
        gateway.rooms.small(body).await?
    };
    match text(&parts.headers, CONTENT_DIGEST)? {
        Some(digest) => check_content_digest(digest, &taken.bytes)?,
        None if taken.bytes.is_empty() => {}
        None => return Err(HttpSignatureError::Uncovered.into()),
    }
    Ok(taken)
}

/// That a card presents a grant of the path's patient under which it may write.
async fn may_import(gateway: &Gateway, parts: &Parts, signer: &Signer) -> Result<(), Problem> {
    let Signer::Device { device, .. } = *signer else {
        return Err(Refusal::WrongSigner.into());
    };
    let patient = parts.uri.path().split('/').nth(3).and_then(|id| id.parse().ok());
    let patient: PatientId = patient.ok_or(Refusal::QueryMalformed)?;
    let commitment = Headers::read(&parts.headers)?.must_permission()?;
    let ask = move |g: &Gateway| g.permit_writing(&*g.presented(commitment)?, patient, device);
    gateway.blocking(ask).await
}

/// Signs an answer. The event stream alone is not signed: its events only tell the client to ask again.
async fn sign(
    gateway: &Gateway,
    target: &Target,
    request_signature: &Signature,
    answer: Response,
) -> Result<Response, Problem> {
    let (mut parts, body) = answer.into_parts();
    if parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
    {
        return Ok(Response::from_parts(parts, body));
    }
    let (digest, body) = match parts.extensions.get::<Streamed>() {
        Some(Streamed(hash)) => (content_digest_of(hash), body),
        None => {
            let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Refusal::Internal)?;
            (content_digest(&bytes), Body::from(bytes))
        }
    };
    let covered = ResponseParts {
        status: parts.status.as_u16(),
        content_digest: &digest,
        request: target.parts(),
        request_signature,
    };
    let key = KeyName::Gateway(gateway.scribe.gateway());
    let params = SignatureParams {
        created: gateway.clock.now(),
        nonce: None,
        key,
    };
    let signature = sign_response(&covered, &params, |message| gateway.scribe.key().sign(message))
        .map_err(|_| Refusal::CannotSign)?;
    put(&mut parts.headers, CONTENT_DIGEST, &digest)?;
    put(&mut parts.headers, SIGNATURE_INPUT, &signature.input)?;
    put(&mut parts.headers, SIGNATURE, &signature.signature)?;
    Ok(Response::from_parts(parts, body))
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), Refusal> {
    let value = HeaderValue::from_str(value).map_err(|_| Refusal::CannotSign)?;
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}
