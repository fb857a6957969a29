//! A patient's section keys.

use crate::error::{Problem, Refusal};
use crate::http::{Caller, Headers, JsonBody, PathIds, PatientCaller, Remote};
use crate::state::Gateway;
use crate::store::PatientKeys;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::HashSet;
use wardkey_core::id::PatientId;
use wardkey_core::section::{LOG_SECTION, Section};
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
    must_be_sound(&list)?;
    gateway.charge_caller(from).await?;
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

/// Most keys in a list: every section's, renewed two dozen times.
const MOST: usize = 512;

/// Each key once, of sections that exist, and not without end: grants repeat them all.
fn must_be_sound(list: &SectionKeys) -> Result<(), Refusal> {
    let exists = |section: u8| section == LOG_SECTION || Section::from_number(section).is_some();
    let places: HashSet<_> = list.keys.iter().map(|k| (k.section, k.epoch)).collect();
    if list.keys.len() > MOST || places.len() != list.keys.len() || !list.keys.iter().all(|k| exists(k.section)) {
        return Err(Refusal::KeysOdd);
    }
    Ok(())
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
