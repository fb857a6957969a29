//! Signed documents, each a JSON text found by its id: sessions, keys, grants, requests, outcomes.

use super::{Connection, Row, Value, values};
use crate::store::{Outcome, PatientKeys, StoreError, StoredGrant, StoredRequest};
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

/// The document in the first column of the first row.
pub(super) fn one<T: DeserializeOwned>(
    c: &dyn Connection,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Option<T>, StoreError> {
    c.one(sql, values, |row| value(row.text(0)?))
}

pub(super) fn execute(c: &dyn Connection, sql: &'static str, values: &[Value<'_>]) -> Result<(), StoreError> {
    c.execute(sql, values).map(|_| ())
}

pub(super) fn put_session(c: &dyn Connection, session: &SignedDelegation, now: u64) -> Result<(), StoreError> {
    execute(c, "DELETE FROM sessions WHERE expiry <= $1", values![now])?;
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
    execute(
        c,
        "INSERT INTO sessions (session, expiry, document) VALUES ($1, $2, $3)
         ON CONFLICT (session) DO UPDATE SET expiry = excluded.expiry, document = excluded.document",
        values![&d.session_id().0, d.expiry, &text(session)?],
    )
}

pub(super) fn session(c: &dyn Connection, id: &SessionId) -> Result<Option<SignedDelegation>, StoreError> {
    one(c, "SELECT document FROM sessions WHERE session = $1", values![&id.0])
}

/// A higher version replaces; the same version is accepted again only with the same keys.
pub(super) fn put_patient_keys(c: &dyn Connection, patient: &PatientId, keys: &PatientKeys) -> Result<(), StoreError> {
    let log_key = keys.list.newest(LOG_SECTION).ok_or(StoreError::NoLogKey)?;
    if let Some(known) = patient_keys(c, patient)? {
        let same = known.list.version == keys.list.version && known.list.keys == keys.list.keys;
        if known.list.version >= keys.list.version && !same {
            return Err(StoreError::KeysOld);
        }
    }
    execute(
        c,
        "INSERT INTO patient_keys (patient, version, log_key, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT (patient) DO UPDATE SET
             version = excluded.version, log_key = excluded.log_key, document = excluded.document",
        values![&patient.0, keys.list.version, log_key.key.bytes(), &text(keys)?],
    )
}

pub(super) fn patient_keys(c: &dyn Connection, patient: &PatientId) -> Result<Option<PatientKeys>, StoreError> {
    one(
        c,
        "SELECT document FROM patient_keys WHERE patient = $1",
        values![&patient.0],
    )
}

pub(super) fn put_grant(c: &dyn Connection, grant: &StoredGrant) -> Result<(), StoreError> {
    let document = &grant.grant.document;
    execute(
        c,
        "INSERT INTO grants (commitment, patient, institution, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT (commitment) DO NOTHING",
        values![
            &document.commitment().0,
            &document.patient.0,
            &document.institution.0,
            &text(grant)?
        ],
    )
}

pub(super) fn grant(c: &dyn Connection, commitment: &Commitment) -> Result<Option<StoredGrant>, StoreError> {
    one(
        c,
        "SELECT document FROM grants WHERE commitment = $1",
        values![&commitment.0],
    )
}

pub(super) const OF_PATIENT: &str = "SELECT commitment, document FROM grants WHERE patient = $1 ORDER BY id DESC";
pub(super) const OF_INSTITUTION: &str =
    "SELECT commitment, document FROM grants WHERE institution = $1 ORDER BY id DESC";

/// `sql` is one of the two above; only grants that are `known` are read.
pub(super) fn grants(
    c: &dyn Connection,
    sql: &'static str,
    id: &[u8; 32],
    known: &dyn Fn(&Commitment) -> bool,
) -> Result<Vec<StoredGrant>, StoreError> {
    let mut found = Vec::new();
    c.each(sql, values![id], &mut |row| {
        if known(&Commitment(row.array(0)?)) {
            found.push(value(row.text(1)?)?);
        }
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn put_challenge(c: &dyn Connection, challenge: &Digest, expires: u64, now: u64) -> Result<(), StoreError> {
    execute(c, "DELETE FROM challenges WHERE expires <= $1", values![now])?;
    execute(
        c,
        "INSERT INTO challenges (challenge, expires) VALUES ($1, $2)",
        values![&challenge.0, expires],
    )
}

pub(super) fn put_request(c: &dyn Connection, request: &DeviceRequest, now: u64) -> Result<(), StoreError> {
    let digest = request.certificate.digest();
    if self::request(c, &digest)?.is_some_and(|known| known.request == *request) {
        return Ok(());
    }
    let used = c.execute(
        "DELETE FROM challenges WHERE challenge = $1 AND expires > $2",
        values![&request.challenge.0, now],
    )?;
    if used != 1 {
        return Err(StoreError::ChallengeUnknown);
    }
    let institution = request.certificate.institution.0;
    let waiting: Option<u32> = c.one(
        "SELECT count(*) FROM requests WHERE institution = $1 AND refusal IS NULL",
        values![&institution],
        |row| row.int(0),
    )?;
    if waiting.is_none_or(|waiting| waiting >= WAITING) {
        return Err(StoreError::TooManyRequests);
    }
    execute(c, "DELETE FROM requests WHERE digest = $1", values![&digest.0])?;
    execute(
        c,
        "INSERT INTO requests (digest, institution, submitted, document) VALUES ($1, $2, $3, $4)",
        values![&digest.0, &institution, now, &text(request)?],
    )
}

fn stored_request(row: &dyn Row) -> Result<StoredRequest, StoreError> {
    Ok(StoredRequest {
        request: value(row.text(0)?)?,
        submitted: row.int(1)?,
        refusal: row.text_if_any(2)?.map(str::to_owned),
    })
}

pub(super) fn request(c: &dyn Connection, id: &Digest) -> Result<Option<StoredRequest>, StoreError> {
    c.one(
        "SELECT document, submitted, refusal FROM requests WHERE digest = $1",
        values![&id.0],
        stored_request,
    )
}

pub(super) fn requests_of(c: &dyn Connection, institution: &InstitutionId) -> Result<Vec<StoredRequest>, StoreError> {
    c.all(
        "SELECT document, submitted, refusal FROM requests WHERE institution = $1 AND refusal IS NULL ORDER BY id",
        values![&institution.0],
        stored_request,
    )
}

pub(super) fn refuse(c: &dyn Connection, id: &Digest, reason: &str) -> Result<(), StoreError> {
    execute(
        c,
        "UPDATE requests SET refusal = $1 WHERE digest = $2",
        values![reason, &id.0],
    )
}

pub(super) fn put_outcome(c: &dyn Connection, name: &Digest, outcome: &Outcome) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT INTO outcomes (name, document) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET document = excluded.document",
        values![&name.0, &text(outcome)?],
    )
}

pub(super) fn outcome(c: &dyn Connection, name: &Digest) -> Result<Option<Outcome>, StoreError> {
    one(c, "SELECT document FROM outcomes WHERE name = $1", values![&name.0])
}
