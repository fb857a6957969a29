//! What cards did, for their institutions; when a card was last seen; notes on cards.

use super::documents::execute;
use super::{Connection, values};
use crate::log::Pen;
use crate::store::{Note, SealedInk, SealedUse, StoreError, UsesAsked};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_core::uses::Use;

pub(super) fn put_ink(c: &dyn Connection, institution: &InstitutionId, ink: &SealedInk) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT INTO inks (id, institution, epoch, made, enc, ct) VALUES ($1, $2, $3, $4, $5, $6)",
        values![
            &ink.id,
            &institution.0,
            ink.epoch,
            ink.made,
            &ink.sealed.enc,
            &ink.sealed.ct
        ],
    )
}

pub(super) fn inks(c: &dyn Connection, institution: &InstitutionId, since: u64) -> Result<Vec<SealedInk>, StoreError> {
    c.all(
        "SELECT id, epoch, made, enc, ct FROM inks WHERE institution = $1 AND made >= $2 ORDER BY made, id",
        values![&institution.0, since],
        |row| {
            Ok(SealedInk {
                id: row.array(0)?,
                epoch: row.int(1)?,
                made: row.int(2)?,
                sealed: Sealed {
                    enc: row.bytes(3)?,
                    ct: row.bytes(4)?,
                },
            })
        },
    )
}

/// Notes what a card did, in the transaction that logs it.
pub(super) fn note_use(c: &dyn Connection, pen: &Pen, line: &Use) -> Result<(), StoreError> {
    let (number, ct) = pen
        .write(line)
        .map_err(|_| StoreError::Failed("a use could not be sealed".to_owned()))?;
    execute(
        c,
        "INSERT INTO uses (ink, tag, number, ct) VALUES ($1, $2, $3, $4)",
        values![&pen.ink(), &pen.tag, number, &ct],
    )
}

pub(super) fn lines(c: &dyn Connection, asked: &UsesAsked) -> Result<Vec<SealedUse>, StoreError> {
    c.all(
        "SELECT number, uses.ct FROM uses JOIN inks ON id = ink
         WHERE ink = $1 AND institution = $2 AND tag = $3 AND number >= $4 ORDER BY number LIMIT $5",
        values![&asked.ink, &asked.institution.0, &asked.tag, asked.from, asked.limit],
        |row| {
            Ok(SealedUse {
                number: row.int(0)?,
                ct: row.bytes(1)?,
            })
        },
    )
}

pub(super) fn saw(c: &dyn Connection, device: &DeviceId, now: u64) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT INTO seen (device, time) VALUES ($1, $2) ON CONFLICT (device) DO UPDATE SET time = excluded.time",
        values![&device.0, now],
    )
}

pub(super) fn seen(c: &dyn Connection, device: &DeviceId) -> Result<Option<u64>, StoreError> {
    c.one("SELECT time FROM seen WHERE device = $1", values![&device.0], |row| {
        row.int(0)
    })
}

pub(super) fn put_note(c: &dyn Connection, device: &DeviceId, note: &Note) -> Result<(), StoreError> {
    execute(
        c,
        "INSERT INTO notes (device, time, note) VALUES ($1, $2, $3)
         ON CONFLICT (device) DO UPDATE SET time = excluded.time, note = excluded.note",
        values![&device.0, note.time, &note.text],
    )
}

pub(super) fn note(c: &dyn Connection, device: &DeviceId) -> Result<Option<Note>, StoreError> {
    c.one(
        "SELECT time, note FROM notes WHERE device = $1",
        values![&device.0],
        |row| {
            Ok(Note {
                time: row.int(0)?,
                text: row.text(1)?.to_owned(),
            })
        },
    )
}
