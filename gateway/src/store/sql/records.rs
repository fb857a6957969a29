//! Records: written with their log entry in one transaction, read after their log entry is durable.

use super::documents::{execute, text};
use super::writer::Work;
use super::{Connection, log, values};
use crate::log::Prepared;
use crate::store::{LoggedRead, StoreError, WriteReceipt};
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
pub(super) fn documents(c: &dyn Connection, patient: &PatientId, sections: &[u8]) -> Result<Vec<String>, StoreError> {
    let mut out = Vec::new();
    for section in sections {
        c.each(
            "SELECT document FROM records WHERE patient = $1 AND section = $2 ORDER BY id",
            values![&patient.0, *section],
            &mut |row| {
                out.push(row.text(0)?.to_owned());
                Ok(())
            },
        )?;
    }
    Ok(out)
}

/// Which of the sections hold records.
pub(super) fn filled(c: &dyn Connection, patient: &PatientId, sections: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    for section in sections {
        let sql = "SELECT leaf FROM records WHERE patient = $1 AND section = $2 LIMIT 1";
        if c.one(sql, values![&patient.0, *section], |_| Ok(()))?.is_some() {
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

fn known(c: &dyn Connection, header: &RecordHeader) -> Result<Option<([u8; 32], u64)>, StoreError> {
    c.one(
        "SELECT fingerprint, leaf FROM records WHERE record = $1 AND version = $2",
        values![&header.record.0, header.version],
        |row| Ok((row.array(0)?, row.int(1)?)),
    )
}

/// Version 1 is free; version n + 1 follows version n, same patient, section and institution as version 1.
fn check_version(c: &dyn Connection, header: &RecordHeader) -> Result<(), StoreError> {
    if header.version == 1 {
        return Ok(());
    }
    let first: Option<([u8; 32], u8, [u8; 32])> = c.one(
        "SELECT patient, section, institution FROM records WHERE record = $1 AND version = 1",
        values![&header.record.0],
        |row| Ok((row.array(0)?, row.int(1)?, row.array(2)?)),
    )?;
    let last: Option<u32> = c.one(
        "SELECT version FROM records WHERE record = $1 ORDER BY version DESC LIMIT 1",
        values![&header.record.0],
        |row| row.int(0),
    )?;
    let place = (header.patient.0, header.section, header.institution.0);
    if first == Some(place) && last == Some(header.version.wrapping_sub(1)) {
        Ok(())
    } else {
        Err(StoreError::RecordVersion)
    }
}

fn insert(c: &dyn Connection, record: &Record, fingerprint: &[u8; 32], leaf: u64) -> Result<(), StoreError> {
    let header = &record.header;
    execute(
        c,
        "INSERT INTO records (record, version, patient, section, institution, fingerprint, leaf, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            &header.record.0,
            header.version,
            &header.patient.0,
            header.section,
            &header.institution.0,
            fingerprint,
            leaf,
            &text(record)?
        ],
    )
}
