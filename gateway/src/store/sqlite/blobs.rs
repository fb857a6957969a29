//! What is known of large documents; their bytes are in the object store.

use super::log;
use super::writer::Work;
use crate::blobs::Blob;
use crate::log::Prepared;
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};
use wardkey_core::id::{BlobId, DeviceId, InstitutionId, PatientId};
use wardkey_core::log::Receipt;

/// Keeps it with its log entry.
pub(super) fn put(work: &mut Work<'_>, blob: &Blob, entry: Prepared) -> Result<Receipt, StoreError> {
    if let Some((known, leaf)) = row(work.connection, &blob.id)? {
        let same = (known.patient, known.section) == (blob.patient, blob.section);
        return if same {
            log::receipt(work.connection, leaf)
        } else {
            Err(StoreError::RecordConflict)
        };
    }
    let receipt = log::append(work, entry)?;
    let mut insert = work
        .connection
        .prepare_cached("INSERT INTO blobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    insert.execute(params![
        blob.id.0,
        blob.patient.0,
        blob.section,
        blob.institution.0,
        blob.device.0,
        blob.size,
        blob.time,
        receipt.index
    ])?;
    Ok(receipt)
}

/// What is known of it.
pub(super) fn get(connection: &Connection, id: &BlobId) -> Result<Option<Blob>, StoreError> {
    Ok(row(connection, id)?.map(|(blob, _)| blob))
}

fn row(connection: &Connection, id: &BlobId) -> Result<Option<(Blob, u64)>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT patient, section, institution, device, size, time, leaf FROM blobs WHERE blob = ?1")?;
    let found = query.query_row([id.0], |row| {
        let blob = Blob {
            id: *id,
            patient: PatientId(row.get(0)?),
            section: row.get(1)?,
            institution: InstitutionId(row.get(2)?),
            device: DeviceId(row.get(3)?),
            size: row.get(4)?,
            time: row.get(5)?,
        };
        Ok((blob, row.get(6)?))
    });
    Ok(found.optional()?)
}
