//! What the master-key holders keep here: wraps, older agreement keys, proposals.

use super::documents::{execute, one, text, value};
use crate::store::{Proposal, ProposalEnd, ProposalSignature, StoreError, Wrap, WrapTo};
use rusqlite::{Connection, params};
use wardkey_core::epoch::OlderKey;
use wardkey_core::id::{Digest, InstitutionId, KeyId};
use wardkey_core::key::PublicKey;

/// Proposals of one institution that are kept: a bound against flooding.
const PROPOSALS: u32 = 500;

pub(super) fn put_wraps(c: &Connection, institution: &InstitutionId, wraps: &[WrapTo]) -> Result<(), StoreError> {
    for WrapTo { recipient, wrap } in wraps {
        let values = params![institution.0, wrap.key.bytes(), recipient.0, text(wrap)?];
        execute(c, "INSERT OR REPLACE INTO wraps VALUES (?1, ?2, ?3, ?4)", values)?;
    }
    Ok(())
}

pub(super) fn wrap(
    c: &Connection,
    institution: &InstitutionId,
    recipient: &KeyId,
    key: &PublicKey,
) -> Result<Option<Wrap>, StoreError> {
    let sql = "SELECT document FROM wraps WHERE institution = ?1 AND agreement = ?2 AND recipient = ?3";
    one(c, sql, params![institution.0, key.bytes(), recipient.0])
}

pub(super) fn wrapped(c: &Connection, institution: &InstitutionId, key: &PublicKey) -> Result<Vec<KeyId>, StoreError> {
    let mut find = c.prepare_cached("SELECT recipient FROM wraps WHERE institution = ?1 AND agreement = ?2")?;
    let rows = find.query_map(params![institution.0, key.bytes()], |row| row.get(0).map(KeyId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn put_older_key(c: &Connection, institution: &InstitutionId, older: &OlderKey) -> Result<(), StoreError> {
    let values = params![institution.0, older.epoch, older.next.bytes(), text(older)?];
    execute(c, "INSERT OR REPLACE INTO older_keys VALUES (?1, ?2, ?3, ?4)", values)
}

pub(super) fn older_keys(c: &Connection, institution: &InstitutionId) -> Result<Vec<OlderKey>, StoreError> {
    documents(
        c,
        "SELECT document FROM older_keys WHERE institution = ?1 ORDER BY epoch",
        institution,
    )
}

fn documents<T: serde::de::DeserializeOwned>(
    c: &Connection,
    sql: &str,
    institution: &InstitutionId,
) -> Result<Vec<T>, StoreError> {
    let mut find = c.prepare_cached(sql)?;
    let rows = find.query_map([institution.0], |row| row.get::<_, String>(0))?;
    rows.map(|row| value(&row?)).collect()
}

pub(super) fn put_proposal(c: &Connection, proposal: &Proposal) -> Result<(), StoreError> {
    if self::proposal(c, &proposal.digest)?.is_some() {
        return Ok(());
    }
    let kept: u32 = c
        .prepare_cached("SELECT count(*) FROM proposals WHERE institution = ?1")?
        .query_row([proposal.institution.0], |row| row.get(0))?;
    if kept >= PROPOSALS {
        return Err(StoreError::TooManyProposals);
    }
    let values = params![proposal.digest.0, proposal.institution.0, text(proposal)?];
    execute(
        c,
        "INSERT INTO proposals (digest, institution, document) VALUES (?1, ?2, ?3)",
        values,
    )
}

pub(super) fn proposal(c: &Connection, digest: &Digest) -> Result<Option<Proposal>, StoreError> {
    one(c, "SELECT document FROM proposals WHERE digest = ?1", [digest.0])
}

pub(super) fn proposals_of(c: &Connection, institution: &InstitutionId) -> Result<Vec<Proposal>, StoreError> {
    documents(
        c,
        "SELECT document FROM proposals WHERE institution = ?1 ORDER BY id",
        institution,
    )
}

pub(super) fn sign_proposal(
    c: &Connection,
    digest: &Digest,
    signature: &ProposalSignature,
) -> Result<Option<Proposal>, StoreError> {
    let Some(mut proposal) = self::proposal(c, digest)? else {
        return Ok(None);
    };
    if proposal.end.is_none() && proposal.by(&signature.key).is_none() {
        proposal.signatures.push(*signature);
        keep(c, &proposal)?;
    }
    Ok(Some(proposal))
}

pub(super) fn end_proposal(c: &Connection, digest: &Digest, end: &ProposalEnd) -> Result<(), StoreError> {
    if let Some(mut proposal) = self::proposal(c, digest)?.filter(|p| p.end.is_none()) {
        proposal.end = Some(end.clone());
        keep(c, &proposal)?;
    }
    Ok(())
}

fn keep(c: &Connection, proposal: &Proposal) -> Result<(), StoreError> {
    let values = params![proposal.digest.0, text(proposal)?];
    execute(c, "UPDATE proposals SET document = ?2 WHERE digest = ?1", values)
}

pub(super) fn drop_proposals(c: &Connection, digests: &[Digest]) -> Result<(), StoreError> {
    digests
        .iter()
        .try_for_each(|digest| execute(c, "DELETE FROM proposals WHERE digest = ?1", [digest.0]))
}
