//! A patient's section keys.

use crate::error::{Problem, Refusal};
use crate::http::{Caller, Headers, JsonBody, PathIds, PatientCaller, Remote};
use crate::state::Gateway;
use crate::store::PatientKeys;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wardkey_core::id::PatientId;
use wardkey_core::section::LOG_SECTION;
use wardkey_core::section_keys::SectionKeys;

/// The answer to a publication.
#[derive(Debug, Serialize)]
pub struct Published {
    version: u32,
}

/// `PUT /v1/patients/{id}/section-keys`.
pub async fn publish(
    State(gateway): State<Gateway>,
    caller: PatientCaller,
    PathIds(patient): PathIds<PatientId>,
    Remote(from): Remote,
    JsonBody(list): JsonBody<SectionKeys>,
) -> Result<Json<Published>, Problem> {
    caller.must_be(patient)?;
    gateway.charge_address(from)?;
    list.verify(gateway.domain(), &patient, &caller.key)?;
    if list.newest(LOG_SECTION).is_none() {
        return Err(Refusal::KeysNotFound.into());
    }
    let version = list.version;
    let keys = PatientKeys {
        list,
        patient_key: caller.key,
    };
    gateway
        .blocking(move |g| Ok(g.store.put_patient_keys(&patient, &keys)?))
        .await?;
    Ok(Json(Published { version }))
}

/// `GET /v1/patients/{id}/section-keys`, for the patient, and for a card that may do anything under a grant.
pub async fn show(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds(patient): PathIds<PatientId>,
) -> Result<Json<PatientKeys>, Problem> {
    let find = move |g: &Gateway| {
        if caller.patient() != Some(patient) {
            let device = caller.device().ok_or(Refusal::WrongSigner)?;
            let grant = g.presented(headers.must_permission()?)?;
            g.permit_any(&grant, patient, device)?;
        }
        Ok(g.store.patient_keys(&patient)?.ok_or(Refusal::KeysNotFound)?)
    };
    gateway.blocking(find).await.map(Json)
}
