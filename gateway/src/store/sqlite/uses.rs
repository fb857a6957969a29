//! What cards did, for their institutions; when a card was last seen; notes on cards.

use crate::log::Pen;
use crate::store::{Note, SealedInk, SealedUse, StoreError, UsesAsked};
use rusqlite::{Connection, OptionalExtension as _, params};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_core::uses::Use;

pub(super) fn put_ink(c: &Connection, institution: &InstitutionId, ink: &SealedInk) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO inks VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            ink.id,
            institution.0,
            ink.epoch,
            ink.made,
            ink.sealed.enc,
            ink.sealed.ct
        ])?;
    Ok(())
}

pub(super) fn inks(c: &Connection, institution: &InstitutionId, since: u64) -> Result<Vec<SealedInk>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT id, epoch, made, enc, ct FROM inks WHERE institution = ?1 AND made >= ?2 ORDER BY made, id",
    )?;
    let rows = query.query_map(params![institution.0, since], |row| {
        Ok(SealedInk {
            id: row.get(0)?,
            epoch: row.get(1)?,
            made: row.get(2)?,
            sealed: Sealed {
                enc: row.get(3)?,
                ct: row.get(4)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes what a card did, in the transaction that logs it.
pub(super) fn note_use(c: &Connection, pen: &Pen, line: &Use) -> Result<(), StoreError> {
    let (number, ct) = pen
        .write(line)
        .map_err(|_| StoreError::Failed("a use could not be sealed".to_owned()))?;
    c.prepare_cached("INSERT INTO uses VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![pen.ink(), pen.tag, number, ct])?;
    Ok(())
}

pub(super) fn lines(c: &Connection, asked: &UsesAsked) -> Result<Vec<SealedUse>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT number, uses.ct FROM uses JOIN inks ON id = ink
         WHERE ink = ?1 AND institution = ?2 AND tag = ?3 AND number >= ?4 ORDER BY number LIMIT ?5",
    )?;
    let rows = query.query_map(
        params![asked.ink, asked.institution.0, asked.tag, asked.from, asked.limit],
        |row| {
            Ok(SealedUse {
                number: row.get(0)?,
                ct: row.get(1)?,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn saw(c: &Connection, device: &DeviceId, now: u64) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR REPLACE INTO seen VALUES (?1, ?2)")?
        .execute(params![device.0, now])?;
    Ok(())
}

pub(super) fn seen(c: &Connection, device: &DeviceId) -> Result<Option<u64>, StoreError> {
    let mut query = c.prepare_cached("SELECT time FROM seen WHERE device = ?1")?;
    Ok(query.query_row([device.0], |row| row.get(0)).optional()?)
}

pub(super) fn put_note(c: &Connection, device: &DeviceId, note: &Note) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR REPLACE INTO notes VALUES (?1, ?2, ?3)")?
        .execute(params![device.0, note.time, note.text])?;
    Ok(())
}

pub(super) fn note(c: &Connection, device: &DeviceId) -> Result<Option<Note>, StoreError> {
    let mut query = c.prepare_cached("SELECT time, note FROM notes WHERE device = ?1")?;
    let found = query.query_row([device.0], |row| {
        Ok(Note {
            time: row.get(0)?,
            text: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}
