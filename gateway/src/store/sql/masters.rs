//! What the master-key holders keep here: wraps, older agreement keys, proposals.

use super::documents::{execute, one, text, value};
use super::{Connection, values};
use crate::store::{Proposal, ProposalEnd, ProposalSignature, StoreError, Wrap, WrapTo};
use wardkey_core::epoch::OlderKey;
use wardkey_core::id::{Digest, InstitutionId, KeyId};
use wardkey_core::key::PublicKey;

/// Proposals of one institution that are kept: a bound against flooding.
const PROPOSALS: u32 = 500;

pub(super) fn put_wraps(c: &dyn Connection, institution: &InstitutionId, wraps: &[WrapTo]) -> Result<(), StoreError> {
    for WrapTo { recipient, wrap } in wraps {
        execute(
            c,
            "INSERT INTO wraps (institution, agreement, recipient, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (institution, agreement, recipient) DO UPDATE SET document = excluded.document",
            values![&institution.0, wrap.key.bytes(), &recipient.0, &text(wrap)?],
        )?;
    }
    Ok(())
}

pub(super) fn wrap(
    c: &dyn Connection,
    institution: &InstitutionId,
    recipient: &KeyId,
    key: &PublicKey,
) -> Result<Option<Wrap>, StoreError> {
    let sql = "SELECT document FROM wraps WHERE institution = $1 AND agreement = $2 AND recipient = $3";
    one(c, sql, values![&institution.0, key.bytes(), &recipient.0])
}

pub(super) fn wrapped(
    c: &dyn Connection,
    institution: &InstitutionId,
    key: &PublicKey,
) -> Result<Vec<KeyId>, StoreError> {
    c.all(
        "SELECT recipient FROM wraps WHERE institution = $1 AND agreement = $2 ORDER BY recipient",
        values![&institution.0, key.bytes()],
        |row| row.array(0).map(KeyId),
    )
}

pub(super) fn put_older_key(
    c: &dyn Connection,
    institution: &InstitutionId,
    older: &OlderKey,
) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT INTO older_keys (institution, epoch, next, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT (institution, epoch, next) DO UPDATE SET document = excluded.document",
        values![&institution.0, older.epoch, older.next.bytes(), &text(older)?],
    )
}

pub(super) fn older_keys(c: &dyn Connection, institution: &InstitutionId) -> Result<Vec<OlderKey>, StoreError> {
    c.all(
        "SELECT document FROM older_keys WHERE institution = $1 ORDER BY epoch, next",
        values![&institution.0],
        |row| value(row.text(0)?),
    )
}

pub(super) fn put_proposal(c: &dyn Connection, proposal: &Proposal) -> Result<(), StoreError> {
    if self::proposal(c, &proposal.digest)?.is_some() {
        return Ok(());
    }
    let kept: Option<u32> = c.one(
        "SELECT count(*) FROM proposals WHERE institution = $1",
        values![&proposal.institution.0],
        |row| row.int(0),
    )?;
    if kept.is_none_or(|kept| kept >= PROPOSALS) {
        return Err(StoreError::TooManyProposals);
    }
    execute(
        c,
        "INSERT INTO proposals (digest, institution, document) VALUES ($1, $2, $3)",
        values![&proposal.digest.0, &proposal.institution.0, &text(proposal)?],
    )
}

pub(super) fn proposal(c: &dyn Connection, digest: &Digest) -> Result<Option<Proposal>, StoreError> {
    one(
        c,
        "SELECT document FROM proposals WHERE digest = $1",
        values![&digest.0],
    )
}

pub(super) fn proposals_of(c: &dyn Connection, institution: &InstitutionId) -> Result<Vec<Proposal>, StoreError> {
    c.all(
        "SELECT document FROM proposals WHERE institution = $1 ORDER BY id",
        values![&institution.0],
        |row| value(row.text(0)?),
    )
}

pub(super) fn sign_proposal(
    c: &dyn Connection,
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

pub(super) fn end_proposal(c: &dyn Connection, digest: &Digest, end: &ProposalEnd) -> Result<(), StoreError> {
    if let Some(mut proposal) = self::proposal(c, digest)?.filter(|p| p.end.is_none()) {
        proposal.end = Some(end.clone());
        keep(c, &proposal)?;
    }
    Ok(())
}

fn keep(c: &dyn Connection, proposal: &Proposal) -> Result<(), StoreError> {
    execute(
        c,
        "UPDATE proposals SET document = $1 WHERE digest = $2",
        values![&text(proposal)?, &proposal.digest.0],
    )
}

pub(super) fn drop_proposals(c: &dyn Connection, digests: &[Digest]) -> Result<(), StoreError> {
    digests
        .iter()
        .try_for_each(|digest| execute(c, "DELETE FROM proposals WHERE digest = $1", values![&digest.0]))
}
