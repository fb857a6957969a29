//! The log's tables: entries by patient, the tree's hashes.

use super::writer::Work;
use crate::log::{Draft, Hashes, Prepared, Scribe, ScribeError, prove, root};
use crate::store::{LogLine, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::cell::RefCell;
use std::collections::HashMap;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Digest, PatientId};
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::log::Receipt;

pub(super) const TREE: StoreError = StoreError::Damaged("the log's tree lacks hashes");

impl Hashes for &Connection {
    fn hash(&self, number: u64) -> Option<[u8; 32]> {
        let mut query = self.prepare_cached("SELECT hash FROM hashes WHERE number = ?1").ok()?;
        query.query_row([number], |row| row.get(0)).optional().ok()?
    }
}

/// Number of leaves in the log.
pub(super) fn size(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<u64> = connection.query_row("SELECT max(number) FROM hashes", [], |row| row.get(0))?;
    let Some(last) = last else { return Ok(0) };
    // Hashes are stored leaf by leaf with what each completes, so the last number tells the size.
    let (level, n) = tlog_tiles::tlog::split_stored_hash_index(last);
    Ok((n + 1) << level)
}

impl From<ScribeError> for StoreError {
    fn from(error: ScribeError) -> Self {
        Self::Failed(error.code().to_owned())
    }
}

/// Prepares entries with the patient's log key as it is now.
pub(super) fn prepare(
    connection: &Connection,
    scribe: &Scribe,
    drafts: impl IntoIterator<Item = Draft>,
) -> Result<Vec<Prepared>, StoreError> {
    let (mut out, mut known): (Vec<Prepared>, Option<(PatientId, PublicKey)>) = (Vec::new(), None);
    for draft in drafts {
        let key = match known {
            Some((patient, key)) if patient == draft.patient => key,
            _ => log_key(connection, &draft.patient)?.ok_or(StoreError::NoLogKey)?,
        };
        known = Some((draft.patient, key));
        out.push(scribe.prepare(draft, key)?);
    }
    Ok(out)
}

/// Appends an entry; its receipt holds once the transaction is durable.
pub(super) fn append(work: &mut Work<'_>, mut prepared: Prepared) -> Result<Receipt, StoreError> {
    let patient = prepared.draft.patient;
    let log_key = log_key(work.connection, &patient)?.ok_or(StoreError::NoLogKey)?;
    if prepared.log_key != log_key {
        prepared = work.scribe.prepare(prepared.draft, log_key)?;
    }
    let before = last(work.connection, &patient)?;
    let index = work.tree.size();
    if let Some(pen) = &prepared.draft.pen {
        super::uses::note_use(work.connection, pen, &prepared.draft.as_use(index))?;
    }
    let entry = work.scribe.entry(prepared, index, before)?;
    let new = work
        .tree
        .append(&work.connection, &entry.receipt.leaf)
        .map_err(|_| TREE)?;
    let mut insert = work.connection.prepare_cached("INSERT INTO hashes VALUES (?1, ?2)")?;
    for (number, hash) in new {
        insert.execute(params![number, hash])?;
    }
    let receipt = entry.receipt;
    work.connection
        .prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            receipt.index,
            receipt.leaf.0,
            patient.0,
            entry.sequence,
            receipt.time,
            entry.sealed.enc,
            entry.sealed.ct,
            receipt.signature.0,
        ])?;
    Ok(receipt)
}

fn log_key(connection: &Connection, patient: &PatientId) -> Result<Option<PublicKey>, StoreError> {
    let mut query = connection.prepare_cached("SELECT log_key FROM patient_keys WHERE patient = ?1")?;
    let bytes: Option<[u8; 65]> = query.query_row([patient.0], |row| row.get(0)).optional()?;
    let damaged = |_| StoreError::Damaged("a patient's log key");
    bytes
        .map(|bytes| PublicKey::from_sec1(&bytes).map_err(damaged))
        .transpose()
}

fn last(connection: &Connection, patient: &PatientId) -> Result<Option<(u64, Digest)>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT sequence, hash FROM log WHERE patient = ?1 ORDER BY sequence DESC LIMIT 1")?;
    Ok(query
        .query_row([patient.0], |row| Ok((row.get(0)?, Digest(row.get(1)?))))
        .optional()?)
}

/// The receipt of the entry at an index.
pub(super) fn receipt(connection: &Connection, index: u64) -> Result<Receipt, StoreError> {
    let mut query = connection.prepare_cached("SELECT leaf, hash, time, signature FROM log WHERE leaf = ?1")?;
    query
        .query_row([index], receipt_of)
        .optional()?
        .ok_or(StoreError::Damaged("a log entry is missing"))
}

fn receipt_of(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    Ok(Receipt {
        index: row.get("leaf")?,
        leaf: Digest(row.get("hash")?),
        time: row.get("time")?,
        signature: Signature(row.get("signature")?),
    })
}

/// Size and root of the whole log.
pub(super) fn head(work: &mut Work<'_>) -> Result<(u64, Digest), StoreError> {
    let size = work.tree.size();
    Ok((size, root(&work.connection, size).map_err(|_| TREE)?))
}

/// The root of the first `size` leaves.
pub(super) fn root_of(connection: &Connection, size: u64) -> Result<Digest, StoreError> {
    root(&connection, size).map_err(|_| TREE)
}

/// Hashes by their numbers.
pub(super) fn hashes(connection: &Connection, numbers: &[u64]) -> Result<Vec<Digest>, StoreError> {
    let hash = |number: &u64| connection.hash(*number).map(Digest).ok_or(TREE);
    numbers.iter().map(hash).collect()
}

/// Leaves' data, in their order.
pub(super) fn leaves(connection: &Connection, from: u64, count: u32) -> Result<Vec<Digest>, StoreError> {
    let mut query = connection.prepare_cached("SELECT hash FROM log WHERE leaf >= ?1 ORDER BY leaf LIMIT ?2")?;
    let rows = query.query_map(params![from, count], |row| Ok(Digest(row.get(0)?)))?;
    let found = rows.collect::<Result<Vec<_>, _>>()?;
    if found.len() == count as usize {
        Ok(found)
    } else {
        Err(StoreError::Damaged("a log entry is missing"))
    }
}

/// Remembers hashes over the proofs of one answer.
struct Remembering<'a> {
    connection: &'a Connection,
    seen: RefCell<HashMap<u64, [u8; 32]>>,
}

impl Hashes for Remembering<'_> {
    fn hash(&self, number: u64) -> Option<[u8; 32]> {
        if let Some(hash) = self.seen.borrow().get(&number) {
            return Some(*hash);
        }
        let hash = self.connection.hash(number)?;
        self.seen.borrow_mut().insert(number, hash);
        Some(hash)
    }
}

/// A patient's lines.
pub(super) fn lines(
    connection: &Connection,
    patient: &PatientId,
    from: u64,
    limit: u32,
    size: u64,
) -> Result<Vec<LogLine>, StoreError> {
    let hashes = Remembering {
        connection,
        seen: RefCell::default(),
    };
    let mut query = connection
        .prepare_cached("SELECT * FROM log WHERE patient = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3")?;
    let rows = query.query_map(params![patient.0, from, limit], |row| {
        let sealed = Sealed {
            enc: row.get("enc")?,
            ct: row.get("ct")?,
        };
        Ok(LogLine {
            sequence: row.get("sequence")?,
            sealed,
            receipt: receipt_of(row)?,
            path: None,
        })
    })?;
    let mut lines = rows.collect::<Result<Vec<_>, _>>()?;
    for line in lines.iter_mut().filter(|line| line.receipt.index < size) {
        line.path = Some(prove(&hashes, size, line.receipt.index).map_err(|_| TREE)?.path);
    }
    Ok(lines)
}
