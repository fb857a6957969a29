//! What is known of large documents; their bytes are in the object store.

use super::documents::execute;
use super::writer::Work;
use super::{Connection, log, values};
use crate::blobs::Blob;
use crate::log::Prepared;
use crate::store::StoreError;
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
    execute(
        work.connection,
        "INSERT INTO blobs (blob, patient, section, institution, device, size, time, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            &blob.id.0,
            &blob.patient.0,
            blob.section,
            &blob.institution.0,
            &blob.device.0,
            blob.size,
            blob.time,
            receipt.index
        ],
    )?;
    Ok(receipt)
}

/// What is known of it.
pub(super) fn get(c: &dyn Connection, id: &BlobId) -> Result<Option<Blob>, StoreError> {
    Ok(row(c, id)?.map(|(blob, _)| blob))
}

fn row(c: &dyn Connection, id: &BlobId) -> Result<Option<(Blob, u64)>, StoreError> {
    c.one(
        "SELECT patient, section, institution, device, size, time, leaf FROM blobs WHERE blob = $1",
        values![&id.0],
        |row| {
            let blob = Blob {
                id: *id,
                patient: PatientId(row.array(0)?),
                section: row.int(1)?,
                institution: InstitutionId(row.array(2)?),
                device: DeviceId(row.array(3)?),
                size: row.int(4)?,
                time: row.int(5)?,
            };
            Ok((blob, row.int(6)?))
        },
    )
}
