//! Signed documents, each a JSON text found by its id: sessions, keys, grants, requests, outcomes.

use crate::store::{Outcome, PatientKeys, StoreError, StoredGrant, StoredRequest};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use wardkey_core::delegation::{PrincipalKind, SignedDelegation};
use wardkey_core::device::DeviceRequest;
use wardkey_core::id::{Commitment, Digest, InstitutionId, PatientId, SessionId};
use wardkey_core::section::LOG_SECTION;

/// Requests of one institution that are kept: a bound against flooding.
const WAITING: u32 = 20_000;

pub(super) fn text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}

pub(super) fn value<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged("a stored document cannot be read"))
}

pub(super) fn one<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    key: impl Params,
) -> Result<Option<T>, StoreError> {
    let found: Option<String> = connection
        .prepare_cached(sql)?
        .query_row(key, |row| row.get(0))
        .optional()?;
    found.as_deref().map(value).transpose()
}

pub(super) fn execute(connection: &Connection, sql: &str, values: impl Params) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(super) fn put_session(c: &Connection, session: &SignedDelegation, now: u64) -> Result<(), StoreError> {
    execute(c, "DELETE FROM sessions WHERE expiry <= ?1", [now])?;
    let d = &session.delegation;
    // A session's public key is in every record that it signed: whoever copies it must not take the name over.
    if self::session(c, &d.session_id())?
        .is_some_and(|known| (known.delegation.kind, known.delegation.principal) != (d.kind, d.principal))
    {
        return Err(StoreError::SessionTaken);
    }
    if d.kind == PrincipalKind::Device {
        super::uses::saw(c, &d.principal.into(), now)?;
    }
    let values = params![d.session_id().0, d.expiry, text(session)?];
    execute(c, "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3)", values)
}

pub(super) fn session(c: &Connection, id: &SessionId) -> Result<Option<SignedDelegation>, StoreError> {
    one(c, "SELECT document FROM sessions WHERE session = ?1", [id.0])
}

/// A higher version replaces; the same version is accepted again only with the same keys.
pub(super) fn put_patient_keys(c: &Connection, patient: &PatientId, keys: &PatientKeys) -> Result<(), StoreError> {
    let log_key = keys.list.newest(LOG_SECTION).ok_or(StoreError::NoLogKey)?;
    if let Some(known) = patient_keys(c, patient)? {
        let same = known.list.version == keys.list.version && known.list.keys == keys.list.keys;
        if known.list.version >= keys.list.version && !same {
            return Err(StoreError::KeysOld);
        }
    }
    let values = params![patient.0, keys.list.version, log_key.key.bytes(), text(keys)?];
    execute(c, "INSERT OR REPLACE INTO patient_keys VALUES (?1, ?2, ?3, ?4)", values)
}

pub(super) fn patient_keys(c: &Connection, patient: &PatientId) -> Result<Option<PatientKeys>, StoreError> {
    one(c, "SELECT document FROM patient_keys WHERE patient = ?1", [patient.0])
}

pub(super) fn put_grant(c: &Connection, grant: &StoredGrant) -> Result<(), StoreError> {
    let document = &grant.grant.document;
    let values = params![
        document.commitment().0,
        document.patient.0,
        document.institution.0,
        text(grant)?
    ];
    execute(
        c,
        "INSERT OR IGNORE INTO grants (commitment, patient, institution, document) VALUES (?1, ?2, ?3, ?4)",
        values,
    )
}

pub(super) fn grant(c: &Connection, commitment: &Commitment) -> Result<Option<StoredGrant>, StoreError> {
    one(c, "SELECT document FROM grants WHERE commitment = ?1", [commitment.0])
}

/// `column` is `patient` or `institution`; only grants that are `known` are loaded.
pub(super) fn grants(
    c: &Connection,
    column: &'static str,
    id: &[u8; 32],
    known: &dyn Fn(&Commitment) -> bool,
) -> Result<Vec<StoredGrant>, StoreError> {
    let mut query = c.prepare_cached(&format!(
        "SELECT commitment, document FROM grants WHERE {column} = ?1 ORDER BY id DESC"
    ))?;
    let (mut rows, mut found) = (query.query([id])?, Vec::new());
    while let Some(row) = rows.next()? {
        if known(&Commitment(row.get(0)?)) {
            found.push(value(&row.get::<_, String>(1)?)?);
        }
    }
    Ok(found)
}

pub(super) fn put_challenge(c: &Connection, challenge: &Digest, expires: u64, now: u64) -> Result<(), StoreError> {
    execute(c, "DELETE FROM challenges WHERE expires <= ?1", [now])?;
    execute(
        c,
        "INSERT INTO challenges VALUES (?1, ?2)",
        params![challenge.0, expires],
    )
}

pub(super) fn put_request(c: &Connection, request: &DeviceRequest, now: u64) -> Result<(), StoreError> {
    let digest = request.certificate.digest();
    if self::request(c, &digest)?.is_some_and(|known| known.request == *request) {
        return Ok(());
    }
    let used = c
        .prepare_cached("DELETE FROM challenges WHERE challenge = ?1 AND expires > ?2")?
        .execute(params![request.challenge.0, now])?;
    if used != 1 {
        return Err(StoreError::ChallengeUnknown);
    }
    let institution = request.certificate.institution.0;
    let waiting: u32 = c
        .prepare_cached("SELECT count(*) FROM requests WHERE institution = ?1 AND refusal IS NULL")?
        .query_row([institution], |row| row.get(0))?;
    if waiting >= WAITING {
        return Err(StoreError::TooManyRequests);
    }
    let values = params![digest.0, institution, now, text(request)?];
    execute(
        c,
        "INSERT OR REPLACE INTO requests (digest, institution, submitted, document) VALUES (?1, ?2, ?3, ?4)",
        values,
    )
}

fn stored_request(row: &Row<'_>) -> rusqlite::Result<(String, u64, Option<String>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read_request((document, submitted, refusal): (String, u64, Option<String>)) -> Result<StoredRequest, StoreError> {
    Ok(StoredRequest {
        request: value(&document)?,
        submitted,
        refusal,
    })
}

pub(super) fn request(c: &Connection, id: &Digest) -> Result<Option<StoredRequest>, StoreError> {
    let mut query = c.prepare_cached("SELECT document, submitted, refusal FROM requests WHERE digest = ?1")?;
    query
        .query_row([id.0], stored_request)
        .optional()?
        .map(read_request)
        .transpose()
}

pub(super) fn requests_of(c: &Connection, institution: &InstitutionId) -> Result<Vec<StoredRequest>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT document, submitted, refusal FROM requests WHERE institution = ?1 AND refusal IS NULL ORDER BY id",
    )?;
    let rows = query.query_map([institution.0], stored_request)?;
    rows.map(|row| read_request(row?)).collect()
}

pub(super) fn refuse(c: &Connection, id: &Digest, reason: &str) -> Result<(), StoreError> {
    execute(
        c,
        "UPDATE requests SET refusal = ?2 WHERE digest = ?1",
        params![id.0, reason],
    )
}

pub(super) fn put_outcome(c: &Connection, name: &Digest, outcome: &Outcome) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT OR REPLACE INTO outcomes VALUES (?1, ?2)",
        params![name.0, text(outcome)?],
    )
}

pub(super) fn outcome(c: &Connection, name: &Digest) -> Result<Option<Outcome>, StoreError> {
    one(c, "SELECT document FROM outcomes WHERE name = ?1", [name.0])
}
