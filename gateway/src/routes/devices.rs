//! Cards, as the contract has them, and their certificates.

use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, MasterCaller, PathIds};
use crate::routes::enrolment::TEXT;
use crate::state::Gateway;
use crate::store::Note;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use wardkey_chain::{Device, DeviceStatus};
use wardkey_core::action::SignedAction;
use wardkey_core::device::{Attestation, DeviceCertificate};
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::key::PublicKey;

/// A card as in protocol §7.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    id: DeviceId,
    key: PublicKey,
    institution: InstitutionId,
    status: DeviceStatus,
    rights: u8,
    not_after: u64,
    nonce: u32,
    certificate: Digest,
}

impl Shown {
    fn at(device: &Device, now: u64) -> Self {
        let Device {
            id,
            key,
            institution,
            rights,
            not_after,
            nonce,
            certificate,
            ..
        } = *device;
        Self {
            id,
            key,
            institution,
            status: device.status(now),
            rights,
            not_after,
            nonce,
            certificate,
        }
    }
}

/// A card with the institution's signed approval.
#[derive(Debug, Serialize)]
pub struct Proved {
    #[serde(flatten)]
    shown: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<SignedAction>,
}

/// A card with its certificate in place of the digest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Whole {
    id: DeviceId,
    key: PublicKey,
    institution: InstitutionId,
    status: DeviceStatus,
    rights: u8,
    not_after: u64,
    nonce: u32,
    certificate: DeviceCertificate,
    /// When it last opened a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_use: Option<u64>,
    /// Why it was revoked, in the institution's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// `GET /v1/devices/{id}`.
pub async fn one(State(gateway): State<Gateway>, PathIds(id): PathIds<DeviceId>) -> Result<Json<Proved>, Problem> {
    let find = move |g: &Gateway| {
        let device = g.ledger.chain().device(&id)?.ok_or(Refusal::DeviceNotFound)?;
        Ok(Json(Proved {
            shown: Shown::at(&device, g.clock.now()),
            approval: g.ledger.chain().device_approval(&id)?,
        }))
    };
    gateway.blocking(find).await
}

/// `GET /v1/devices/{id}/certificate`.
pub async fn certificate(
    State(gateway): State<Gateway>,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<DeviceCertificate>, Problem> {
    let find = move |g: &Gateway| {
        let device = g
            .ledger
            .view()
            .device_state(&id)
            .copied()
            .ok_or(Refusal::DeviceNotFound)?;
        Ok(g.store
            .certificate(&device.certificate)?
            .ok_or(Refusal::CertificateNotFound)?)
    };
    gateway.blocking(find).await.map(Json)
}

/// `GET /v1/devices/{id}/evidence`: the attestation that its certificate names the digest of; needed to request a renewal.
pub async fn evidence(
    State(gateway): State<Gateway>,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<Attestation>, Problem> {
    let find = move |g: &Gateway| {
        let certificate = g.ledger.view().device_state(&id).map(|device| device.certificate);
        let stored = g.store.request(&certificate.ok_or(Refusal::DeviceNotFound)?)?;
        Ok(Json(stored.ok_or(Refusal::CertificateNotFound)?.request.attestation))
    };
    gateway.blocking(find).await
}

/// The body of a note.
#[derive(Debug, Deserialize)]
pub struct Words {
    note: String,
}

/// `PUT /v1/institutions/{id}/devices/{device}/note`: why a card was revoked; the newest replaces.
pub async fn note(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, device)): PathIds<(InstitutionId, DeviceId)>,
    JsonBody(Words { note }): JsonBody<Words>,
) -> Result<StatusCode, Problem> {
    caller.must_be(id)?;
    if note.len() > TEXT {
        return Err(Refusal::BodyTooLarge.into());
    }
    let act = move |g: &Gateway| {
        let owner = g.ledger.view().device_state(&device).map(|known| known.institution);
        if owner != Some(id) {
            return Err(Refusal::DeviceNotFound.into());
        }
        let time = g.clock.now();
        Ok(g.store.put_note(&device, &Note { time, text: note })?)
    };
    gateway.blocking(act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/institutions/{id}/devices`; cards whose certificate is not held here are left out.
pub async fn of_institution(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Vec<Whole>>, Problem> {
    caller.must_be(id)?;
    let list = move |g: &Gateway| {
        let devices: Vec<Device> = g.ledger.view().devices_of(id).copied().collect();
        let mut out = Vec::with_capacity(devices.len());
        for device in devices {
            if let Some(certificate) = g.store.certificate(&device.certificate)? {
                let Shown {
                    id,
                    key,
                    institution,
                    status,
                    rights,
                    not_after,
                    nonce,
                    ..
                } = Shown::at(&device, g.clock.now());
                out.push(Whole {
                    id,
                    key,
                    institution,
                    status,
                    rights,
                    not_after,
                    nonce,
                    certificate,
                    last_use: g.store.seen(&id)?,
                    note: g.store.note(&id)?.map(|note| note.text),
                });
            }
        }
        out.sort_by(|a, b| (&a.certificate.holder, a.id).cmp(&(&b.certificate.holder, b.id)));
        Ok(Json(out))
    };
    gateway.blocking(list).await
}
