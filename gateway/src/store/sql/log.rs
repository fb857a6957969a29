//! The log's tables: entries by patient, the tree's hashes.

use super::documents::execute;
use super::writer::Work;
use super::{Connection, Row, values};
use crate::log::{Draft, Hashes, Prepared, Scribe, ScribeError, prove, root};
use crate::store::{LogLine, StoreError};
use std::cell::RefCell;
use std::collections::HashMap;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Digest, PatientId};
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::log::Receipt;

pub(super) const TREE: StoreError = StoreError::Damaged("the log's tree lacks hashes");

impl Hashes for &dyn Connection {
    fn hash(&self, number: u64) -> Option<[u8; 32]> {
        let sql = "SELECT hash FROM hashes WHERE number = $1";
        self.one(sql, values![number], |row| row.array(0)).ok()?
    }
}

/// Number of leaves in the log.
pub(super) fn size(c: &dyn Connection) -> Result<u64, StoreError> {
    let sql = "SELECT number FROM hashes ORDER BY number DESC LIMIT 1";
    let last: Option<u64> = c.one(sql, &[], |row| row.int(0))?;
    // Hashes are stored leaf by leaf with what each completes, so the last number tells the size.
    Ok(last.map_or(0, |last| {
        let (level, n) = tlog_tiles::tlog::split_stored_hash_index(last);
        (n + 1) << level
    }))
}

impl From<ScribeError> for StoreError {
    fn from(error: ScribeError) -> Self {
        Self::Failed(error.code().to_owned())
    }
}

/// The patients' log keys as they are now.
pub(super) fn keys(c: &dyn Connection, drafts: &[Draft]) -> Result<HashMap<PatientId, PublicKey>, StoreError> {
    let mut known = HashMap::new();
    for Draft { patient, .. } in drafts {
        if !known.contains_key(patient) {
            known.insert(*patient, log_key(c, patient)?.ok_or(StoreError::NoLogKey)?);
        }
    }
    Ok(known)
}

/// Prepares entries with these keys.
pub(super) fn prepare(
    scribe: &Scribe,
    keys: &HashMap<PatientId, PublicKey>,
    drafts: Vec<Draft>,
) -> Result<Vec<Prepared>, StoreError> {
    let prepare = |draft: Draft| {
        let key = keys.get(&draft.patient).ok_or(StoreError::NoLogKey)?;
        Ok(scribe.prepare(draft, *key)?)
    };
    drafts.into_iter().map(prepare).collect()
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
    for (number, hash) in new {
        let sql = "INSERT INTO hashes (number, hash) VALUES ($1, $2)";
        execute(work.connection, sql, values![number, &hash])?;
    }
    let receipt = entry.receipt;
    execute(
        work.connection,
        "INSERT INTO log (leaf, hash, patient, sequence, time, enc, ct, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            receipt.index,
            &receipt.leaf.0,
            &patient.0,
            entry.sequence,
            receipt.time,
            &entry.sealed.enc,
            &entry.sealed.ct,
            &receipt.signature.0,
        ],
    )?;
    Ok(receipt)
}

fn log_key(c: &dyn Connection, patient: &PatientId) -> Result<Option<PublicKey>, StoreError> {
    let damaged = |_| StoreError::Damaged("a patient's log key");
    c.one(
        "SELECT log_key FROM patient_keys WHERE patient = $1",
        values![&patient.0],
        |row| PublicKey::from_sec1(&row.array::<65>(0)?).map_err(damaged),
    )
}

fn last(c: &dyn Connection, patient: &PatientId) -> Result<Option<(u64, Digest)>, StoreError> {
    c.one(
        "SELECT sequence, hash FROM log WHERE patient = $1 ORDER BY sequence DESC LIMIT 1",
        values![&patient.0],
        |row| Ok((row.int(0)?, Digest(row.array(1)?))),
    )
}

/// The receipt of the entry at an index.
pub(super) fn receipt(c: &dyn Connection, index: u64) -> Result<Receipt, StoreError> {
    let sql = "SELECT leaf, hash, time, signature FROM log WHERE leaf = $1";
    c.one(sql, values![index], receipt_of)?
        .ok_or(StoreError::Damaged("a log entry is missing"))
}

/// From the first four columns.
fn receipt_of(row: &dyn Row) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        index: row.int(0)?,
        leaf: Digest(row.array(1)?),
        time: row.int(2)?,
        signature: Signature(row.array(3)?),
    })
}

/// Size and root of the whole log.
pub(super) fn head(work: &mut Work<'_>) -> Result<(u64, Digest), StoreError> {
    let size = work.tree.size();
    Ok((size, root(&work.connection, size).map_err(|_| TREE)?))
}

/// The root of the first `size` leaves.
pub(super) fn root_of(c: &dyn Connection, size: u64) -> Result<Digest, StoreError> {
    root(&c, size).map_err(|_| TREE)
}

/// Hashes by their numbers.
pub(super) fn hashes(c: &dyn Connection, numbers: &[u64]) -> Result<Vec<Digest>, StoreError> {
    let hash = |number: &u64| c.hash(*number).map(Digest).ok_or(TREE);
    numbers.iter().map(hash).collect()
}

/// Leaves' data, in their order.
pub(super) fn leaves(c: &dyn Connection, from: u64, count: u32) -> Result<Vec<Digest>, StoreError> {
    let found = c.all(
        "SELECT hash FROM log WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
        values![from, count],
        |row| row.array(0).map(Digest),
    )?;
    if found.len() == count as usize {
        Ok(found)
    } else {
        Err(StoreError::Damaged("a log entry is missing"))
    }
}

/// Remembers hashes over the proofs of one answer.
struct Remembering<'a> {
    connection: &'a dyn Connection,
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
    connection: &dyn Connection,
    patient: &PatientId,
    from: u64,
    limit: u32,
    size: u64,
) -> Result<Vec<LogLine>, StoreError> {
    let hashes = Remembering {
        connection,
        seen: RefCell::default(),
    };
    let mut lines = connection.all(
        "SELECT leaf, hash, time, signature, sequence, enc, ct FROM log
         WHERE patient = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3",
        values![&patient.0, from, limit],
        |row| {
            Ok(LogLine {
                sequence: row.int(4)?,
                sealed: Sealed {
                    enc: row.bytes(5)?,
                    ct: row.bytes(6)?,
                },
                receipt: receipt_of(row)?,
                path: None,
            })
        },
    )?;
    for line in lines.iter_mut().filter(|line| line.receipt.index < size) {
        line.path = Some(prove(&hashes, size, line.receipt.index).map_err(|_| TREE)?.path);
    }
    Ok(lines)
}
