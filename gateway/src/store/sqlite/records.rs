//! Records: written with their log entry in one transaction, read after their log entry is durable.

use super::log;
use super::writer::Work;
use crate::log::Prepared;
use crate::store::{LoggedRead, StoreError, WriteReceipt};
use rusqlite::{Connection, OptionalExtension as _, params};
use wardkey_core::id::PatientId;
use wardkey_core::record::{Record, RecordHeader};

/// Logs the reading of sections; proofs are in the tree that holds all of them.
pub(super) fn log_reads(work: &mut Work<'_>, entries: Vec<Prepared>) -> Result<Vec<LoggedRead>, StoreError> {
    let mut receipts = Vec::with_capacity(entries.len());
    for entry in entries {
        receipts.push((entry.draft.section, log::append(work, entry)?));
    }
    let indexes = receipts.iter().map(|(_, receipt)| receipt.index);
    let proofs = work.tree.prove(&work.connection, indexes).map_err(|_| log::TREE)?;
    let read = |((section, receipt), proof)| LoggedRead {
        section,
        receipt,
        proof,
    };
    Ok(receipts.into_iter().zip(proofs).map(read).collect())
}

/// Records of sections, each as JSON, in the order of arrival.
pub(super) fn documents(
    connection: &Connection,
    patient: &PatientId,
    sections: &[u8],
) -> Result<Vec<String>, StoreError> {
    let mut query =
        connection.prepare_cached("SELECT document FROM records WHERE patient = ?1 AND section = ?2 ORDER BY id")?;
    let mut out = Vec::new();
    for section in sections {
        for document in query.query_map(params![patient.0, section], |row| row.get(0))? {
            out.push(document?);
        }
    }
    Ok(out)
}

/// Which of the sections hold records.
pub(super) fn filled(connection: &Connection, patient: &PatientId, sections: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut query =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE patient = ?1 AND section = ?2)")?;
    let mut out = Vec::new();
    for section in sections {
        if query.query_row(params![patient.0, section], |row| row.get(0))? {
            out.push(*section);
        }
    }
    Ok(out)
}

/// Writes one record. The same record again answers the receipt of the first time.
pub(super) fn write(work: &mut Work<'_>, record: &Record, entry: Prepared) -> Result<WriteReceipt, StoreError> {
    let (header, fingerprint) = (&record.header, record.fingerprint());
    if let Some((known, index)) = known(work.connection, header)? {
        if known != fingerprint {
            return Err(StoreError::RecordConflict);
        }
        return Ok(WriteReceipt {
            record: header.record,
            receipt: log::receipt(work.connection, index)?,
        });
    }
    check_version(work.connection, header)?;
    let receipt = log::append(work, entry)?;
    insert(work.connection, record, &fingerprint, receipt.index)?;
    Ok(WriteReceipt {
        record: header.record,
        receipt,
    })
}

fn known(connection: &Connection, header: &RecordHeader) -> Result<Option<([u8; 32], u64)>, StoreError> {
    let mut query =
        connection.prepare_cached("SELECT fingerprint, leaf FROM records WHERE record = ?1 AND version = ?2")?;
    let row = query.query_row(params![header.record.0, header.version], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(row.optional()?)
}

/// Version 1 is free; version n + 1 follows version n, same patient, section and institution as version 1.
fn check_version(connection: &Connection, header: &RecordHeader) -> Result<(), StoreError> {
    if header.version == 1 {
        return Ok(());
    }
    let mut query = connection.prepare_cached(
        "SELECT patient, section, institution, (SELECT max(version) FROM records WHERE record = ?1) FROM records WHERE record = ?1 AND version = 1",
    )?;
    let first: Option<([u8; 32], u8, [u8; 32], u32)> = query
        .query_row([header.record.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let expected = (
        header.patient.0,
        header.section,
        header.institution.0,
        header.version.wrapping_sub(1),
    );
    if first == Some(expected) {
        Ok(())
    } else {
        Err(StoreError::RecordVersion)
    }
}

fn insert(connection: &Connection, record: &Record, fingerprint: &[u8; 32], leaf: u64) -> Result<(), StoreError> {
    let document = serde_json::to_string(record).map_err(|error| StoreError::Failed(error.to_string()))?;
    let header = &record.header;
    let mut statement = connection.prepare_cached(
        "INSERT INTO records (record, version, patient, section, institution, fingerprint, leaf, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute(params![
        header.record.0,
        header.version,
        header.patient.0,
        header.section,
        header.institution.0,
        fingerprint,
        leaf,
        document
    ])?;
    Ok(())
}
