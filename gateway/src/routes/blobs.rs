//! Large documents and pictures: received and sent as they come, never held in memory. Written and read under a grant, and logged, as
//! records are; a reading is logged first and then fetched with a ticket.

use super::log::ReadLine;
use super::records::draft_of_patient;
use crate::blobs::{Blob, TICKET_LASTS, Writing, place};
use crate::error::{Problem, Refusal};
use crate::http::{Caller, Headers, PathIds, QueryOf, Streamed};
use crate::log::Draft;
use crate::objects::ObjectsError;
use crate::state::Gateway;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use object_store::ObjectStoreExt as _;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::timeout;
use wardkey_core::id::{BlobId, DeviceId, Digest, PatientId};
use wardkey_core::key::Signature;
use wardkey_core::log::{Deed, Receipt};
use wardkey_core::permission::{GrantChecked, Right};

/// How long a sender may pause.
const PATIENCE: Duration = Duration::from_secs(20);

/// The answer to `PUT …/blobs/{blob}`.
#[derive(Debug, Serialize)]
pub struct Kept {
    blob: BlobId,
    index: u64,
    leaf: Digest,
    time: u64,
    signature: Signature,
}

/// The answer to `POST …/blobs/{blob}/readings`.
#[derive(Debug, Serialize)]
pub struct Reading {
    section: u8,
    size: u64,
    ticket: String,
    expires: u64,
    log: Vec<ReadLine>,
}

/// The query of `GET …/blobs/{blob}`.
#[derive(Debug, Deserialize)]
pub struct With {
    ticket: String,
}

/// `PUT /v1/patients/{id}/sections/{section}/blobs/{blob}`: the same blob again answers the receipt of the first time.
pub async fn put(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds((patient, section, blob)): PathIds<(PatientId, u8, BlobId)>,
    body: Body,
) -> Result<Json<Kept>, Problem> {
    let device = caller.device().ok_or(Refusal::WrongSigner)?;
    let ask = {
        let headers = headers.clone();
        move |g: &Gateway| permitted(g, &headers, patient, device, section, Right::Write)
    };
    gateway.blocking(ask.clone()).await?;
    let size = receive(&gateway, &blob, body).await?;
    let keep = move |g: &Gateway| {
        // The grant may have ended while the bytes came.
        let checked = ask(g)?;
        let draft = draft(
            g,
            &checked,
            Deed::Write,
            headers.reason.unwrap_or_default(),
            Digest(blob.0),
        )?;
        let kept = Blob {
            id: blob,
            patient,
            section,
            institution: checked.institution(),
            device,
            size,
            time: draft.time,
        };
        let Receipt {
            index,
            leaf,
            time,
            signature,
        } = g.store.put_blob(&kept, draft)?;
        Ok(Json(Kept {
            blob,
            index,
            leaf,
            time,
            signature,
        }))
    };
    gateway.blocking(keep).await
}

/// Takes the bytes into the object store; what is not what its name says is not kept.
async fn receive(gateway: &Gateway, blob: &BlobId, body: Body) -> Result<u64, Problem> {
    let mut writing = Writing::begin(gateway.objects.as_ref(), blob).await?;
    match take(gateway, &mut writing, blob, body).await {
        Ok(size) => {
            writing.done().await?;
            Ok(size)
        }
        Err(problem) => {
            writing.give_up().await;
            Err(problem)
        }
    }
}

async fn take(gateway: &Gateway, writing: &mut Writing, blob: &BlobId, body: Body) -> Result<u64, Problem> {
    let most = gateway.settings.limits.blob_megabytes as u64 * 1024 * 1024;
    let (mut digest, mut size, mut parts) = (Context::new(&SHA256), 0, body.into_data_stream());
    while let Some(part) = timeout(PATIENCE, parts.next()).await.map_err(|_| Refusal::BodySlow)? {
        let part = part.map_err(|_| Refusal::BodyMalformed)?;
        size += part.len() as u64;
        if size > most {
            return Err(Refusal::BodyTooLarge.into());
        }
        digest.update(&part);
        writing.put(part).await?;
    }
    if digest.finish().as_ref() == blob.bytes() {
        Ok(size)
    } else {
        Err(Refusal::BlobDigest.into())
    }
}

/// `POST /v1/patients/{id}/blobs/{blob}/readings`.
pub async fn log(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds((patient, blob)): PathIds<(PatientId, BlobId)>,
) -> Result<Json<Reading>, Problem> {
    let act = move |g: &Gateway| {
        let kept = kept(g, patient, &blob)?;
        let draft = match caller.device() {
            Some(device) => {
                let checked = permitted(g, &headers, patient, device, kept.section, Right::Read)?;
                let subject = Digest(checked.commitment().0);
                draft(g, &checked, Deed::Read, headers.must_reason()?, subject)?
            }
            None if caller.patient() == Some(patient) => draft_of_patient(g, &headers, patient, kept.section),
            None => return Err(Refusal::WrongSigner.into()),
        };
        let log = g
            .store
            .log_reads(vec![draft])?
            .into_iter()
            .map(ReadLine::from)
            .collect();
        let expires = g.clock.now() + TICKET_LASTS;
        Ok(Json(Reading {
            section: kept.section,
            size: kept.size,
            ticket: g.tickets.issue(&blob, &caller.name(), expires),
            expires,
            log,
        }))
    };
    gateway.blocking(act).await
}

/// `GET /v1/patients/{id}/blobs/{blob}?ticket=…`: the ciphertext.
pub async fn fetch(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds((patient, blob)): PathIds<(PatientId, BlobId)>,
    QueryOf(With { ticket }): QueryOf<With>,
) -> Result<Response, Problem> {
    let now = gateway.clock.now();
    if !gateway.tickets.holds(&ticket, &blob, &caller.name(), now) {
        return Err(Refusal::TicketUnknown.into());
    }
    let may = move |g: &Gateway| {
        let kept = kept(g, patient, &blob)?;
        match caller.device() {
            // What was permitted a moment ago may have been revoked since.
            Some(device) => permitted(g, &headers, patient, device, kept.section, Right::Read).map(drop),
            None if caller.patient() == Some(patient) => Ok(()),
            None => Err(Refusal::WrongSigner.into()),
        }
    };
    gateway.blocking(may).await?;
    let found = gateway.objects.get(&place(&blob)).await.map_err(ObjectsError::from)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_LENGTH, found.meta.size.to_string()),
    ];
    let mut answer = (headers, Body::from_stream(found.into_stream())).into_response();
    answer.extensions_mut().insert(Streamed(blob.0));
    Ok(answer)
}

fn kept(gateway: &Gateway, patient: PatientId, blob: &BlobId) -> Result<Blob, Problem> {
    let kept = gateway.store.blob(blob)?.filter(|kept| kept.patient == patient);
    Ok(kept.ok_or(Refusal::BlobUnknown)?)
}

fn permitted(
    gateway: &Gateway,
    headers: &Headers,
    patient: PatientId,
    device: DeviceId,
    section: u8,
    right: Right,
) -> Result<GrantChecked, Problem> {
    let grant = gateway.presented(headers.must_permission()?)?;
    let mut permitted = gateway.permit(&grant, patient, device, &[section], right)?;
    Ok(permitted.pop().ok_or(Refusal::Internal)?)
}

fn draft(
    gateway: &Gateway,
    checked: &GrantChecked,
    action: Deed,
    reason: String,
    subject: Digest,
) -> Result<Draft, Problem> {
    Ok(Draft {
        action,
        patient: checked.patient(),
        institution: checked.institution(),
        device: checked.device(),
        section: checked.section(),
        reason,
        subject,
        time: gateway.clock.now(),
        pen: Some(gateway.pen(&checked.institution(), &checked.device())?),
    })
}
