//! The outbox: every write is durable here before it is sent, and is sent until the gateway's receipt is here.
//!
//! A record is ciphertext by construction, so it can be sent again without any key; the patient's name and what was typed lie beside
//! it, sealed to its author, so that a write that is refused in the end can still be read and written again.

use super::{InTransaction, Store, StoreError, Vault, VaultKey, drafts};
use crate::view::{Draft, OutboxCount, OutboxRow, OutboxState};
use serde::{Deserialize, Serialize};
use sled::transaction::{ConflictableTransactionError, Transactional as _};
use std::collections::HashSet;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Commitment, DeviceId, RecordId};
use wardkey_core::record::Record;
use wardkey_core::section::Section;
use zeroize::Zeroizing;

/// Acknowledged writes that stay in the list.
const REMEMBERED: usize = 200;

/// A record to be written.
#[derive(Clone, Debug)]
pub struct NewWrite {
    /// The grant that allows it.
    pub commitment: Commitment,
    /// The record, sealed and signed.
    pub record: Record,
    /// For the list.
    pub patient_name: String,
    /// What was typed, if it was: kept until the write is acknowledged. That draft is dropped in the same step.
    pub typed: Option<Draft>,
}

/// A queued write's place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queued(u64);

/// A write that is due.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its place.
    pub queued: Queued,
    /// The grant that allows it.
    pub commitment: Commitment,
    /// The record.
    pub record: Record,
}

#[derive(Serialize, Deserialize)]
struct Item {
    record: RecordId,
    device: DeviceId,
    commitment: Commitment,
    section: u8,
    kind: String,
    at: u64,
    state: OutboxState,
    detail: String,
    name: Sealed,
}

/// A write as it is stored.
struct Row {
    key: [u8; 8],
    item: Vec<u8>,
    body: Vec<u8>,
    /// The sealed copy of what was typed, and the slot of the draft that it was.
    typed: Option<(Vec<u8>, Vec<u8>)>,
}

impl Row {
    fn size(&self) -> usize {
        let typed = self.typed.as_ref().map_or(0, |(copy, _)| copy.len());
        self.item.len() + self.body.len() + typed
    }
}

fn place(record: &RecordId) -> Vec<u8> {
    [b"outbox".as_slice(), record.bytes()].concat()
}

fn typed_place(record: &RecordId) -> Vec<u8> {
    [b"outbox-typed".as_slice(), record.bytes()].concat()
}

fn sealed(vault: &Vault, place: &[u8], plain: &[u8]) -> Result<Sealed, StoreError> {
    vault
        .seal(place, plain)
        .map_err(|e| StoreError::Broken { detail: e.to_string() })
}

fn queued(key: &[u8]) -> Result<Queued, StoreError> {
    let key = key.try_into().map_err(|_| StoreError::Unreadable)?;
    Ok(Queued(u64::from_be_bytes(key)))
}

impl Store {
    /// After a start nothing is on its way any more; the list of what was acknowledged is kept short.
    pub(super) fn revive(&self) -> Result<(), StoreError> {
        let mut sent = Vec::new();
        for row in &self.items {
            let (key, value) = row?;
            let mut item: Item = serde_json::from_slice(&value)?;
            match item.state {
                OutboxState::Sending => {
                    item.state = OutboxState::Waiting;
                    self.items.insert(key, serde_json::to_vec(&item)?)?;
                }
                OutboxState::Sent => {
                    self.typed.remove(&key)?;
                    sent.push(key);
                }
                OutboxState::Waiting | OutboxState::Refused => {}
            }
        }
        for key in sent.iter().rev().skip(REMEMBERED) {
            self.items.remove(key)?;
        }
        Ok(())
    }

    /// Queues writes and drops the drafts that they were: all of that or none, durable before it returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is queued then.
    pub fn enqueue(&self, vault: &Vault, writes: Vec<NewWrite>) -> Result<Vec<Queued>, StoreError> {
        let rows = writes
            .into_iter()
            .map(|write| self.row(vault, write))
            .collect::<Result<Vec<_>, _>>()?;
        self.room(rows.iter().map(Row::size).sum())?;
        // The row last but its draft: without it, what was stored beside it counts for nothing.
        let trees = (&self.bodies, &self.typed, &self.items, &self.drafts);
        let done = trees.transaction(|(bodies, typed, items, drafts)| {
            for row in &rows {
                bodies.insert(&row.key, row.body.as_slice())?;
                items.insert(&row.key, row.item.as_slice())?;
                if let Some((copy, draft)) = &row.typed {
                    typed.insert(&row.key, copy.as_slice())?;
                    drafts.remove(draft.as_slice())?;
                }
            }
            InTransaction::Ok(())
        });
        self.whole(done.map_err(StoreError::from))?;
        self.flush()?;
        Ok(rows.iter().map(|row| Queued(u64::from_be_bytes(row.key))).collect())
    }

    fn row(&self, vault: &Vault, write: NewWrite) -> Result<Row, StoreError> {
        let header = &write.record.header;
        let typed = write.typed.map(|draft| {
            let plain = Zeroizing::new(serde_json::to_vec(&draft)?);
            let copy = serde_json::to_vec(&sealed(vault, &typed_place(&header.record), &plain)?)?;
            Ok::<_, StoreError>((copy, drafts::slot(&vault.device, &write.commitment, draft.kind)))
        });
        let item = Item {
            record: header.record,
            device: vault.device,
            commitment: write.commitment,
            section: header.section,
            kind: header.kind.clone(),
            at: header.time,
            state: OutboxState::Waiting,
            detail: String::new(),
            name: sealed(vault, &place(&header.record), write.patient_name.as_bytes())?,
        };
        Ok(Row {
            key: self.db.generate_id()?.to_be_bytes(),
            item: serde_json::to_vec(&item)?,
            body: serde_json::to_vec(&write.record)?,
            typed: typed.transpose()?,
        })
    }

    /// The waiting writes of one clinician, oldest first, at most `limit` records and about `bytes` bytes of them, all of one grant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn due(
        &self,
        device: &DeviceId,
        limit: usize,
        bytes: usize,
        not: &HashSet<Commitment>,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.sound()?;
        let (mut out, mut size) = (Vec::<Outgoing>::new(), 0);
        for row in &self.items {
            let (key, value) = row?;
            let item: Item = serde_json::from_slice(&value)?;
            let other = out.first().is_some_and(|first| first.commitment != item.commitment);
            if item.state != OutboxState::Waiting || item.device != *device || other || not.contains(&item.commitment) {
                continue;
            }
            let Some(body) = self.bodies.get(&key)? else { continue };
            if out.len() == limit || (!out.is_empty() && size + body.len() > bytes) {
                break;
            }
            size += body.len();
            out.push(Outgoing {
                queued: queued(&key)?,
                commitment: item.commitment,
                record: serde_json::from_slice(&body)?,
            });
        }
        Ok(out)
    }

    /// Notes what became of a write. Once acknowledged, its ciphertext and what was typed are dropped here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn settle(&self, which: &[Queued], state: OutboxState, detail: &str) -> Result<(), StoreError> {
        for queued in which {
            let key = queued.0.to_be_bytes();
            let Some(value) = self.items.get(key)? else { continue };
            let mut item: Item = serde_json::from_slice(&value)?;
            item.state = state;
            detail.clone_into(&mut item.detail);
            self.items.insert(key, serde_json::to_vec(&item)?)?;
            if state == OutboxState::Sent {
                self.bodies.remove(key)?;
                self.typed.remove(key)?;
            }
        }
        if state == OutboxState::Sending {
            Ok(())
        } else {
            self.flush()
        }
    }

    /// Lets refused writes of one clinician be tried again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn retry_refused(&self, device: &DeviceId) -> Result<(), StoreError> {
        for row in &self.items {
            let (key, value) = row?;
            let mut item: Item = serde_json::from_slice(&value)?;
            if item.state == OutboxState::Refused && item.device == *device {
                item.state = OutboxState::Waiting;
                self.items.insert(key, serde_json::to_vec(&item)?)?;
            }
        }
        self.flush()
    }

    /// A refused write of one clinician: its place and the grant it was written under.
    ///
    /// # Errors
    /// [`StoreError::NotRefused`].
    pub fn refused(&self, device: &DeviceId, record: &RecordId) -> Result<(Queued, Commitment), StoreError> {
        for row in &self.items {
            let (key, value) = row?;
            let item: Item = serde_json::from_slice(&value)?;
            if item.record == *record && item.device == *device && item.state == OutboxState::Refused {
                return Ok((queued(&key)?, item.commitment));
            }
        }
        Err(StoreError::NotRefused)
    }

    /// Makes a refused write a draft again; it leaves the outbox in the same step.
    ///
    /// # Errors
    /// [`StoreError::NotRefused`], [`StoreError::DraftInTheWay`]; nothing is changed then.
    pub fn write_again(&self, owner: &VaultKey, record: &RecordId) -> Result<(), StoreError> {
        let vault = owner.vault();
        let (Queued(id), commitment) = self.refused(&vault.device, record)?;
        let key = id.to_be_bytes();
        let draft = self.typed(owner, &key, record)?.ok_or(StoreError::NotRefused)?;
        let slot = drafts::slot(&vault.device, &commitment, draft.kind);
        let sealed = drafts::sealed(&vault, &commitment, &draft, draft.kind)?.ok_or(StoreError::NotRefused)?;
        self.room(sealed.len())?;
        let trees = (&self.drafts, &self.items, &self.bodies, &self.typed);
        let done = trees.transaction(|(drafts, items, bodies, typed)| {
            if drafts.insert(slot.as_slice(), sealed.as_slice())?.is_some() {
                return Err(ConflictableTransactionError::Abort(StoreError::DraftInTheWay));
            }
            for tree in [items, bodies, typed] {
                tree.remove(&key)?;
            }
            InTransaction::Ok(())
        });
        self.whole(done.map_err(StoreError::from))?;
        self.flush()
    }

    fn typed(&self, owner: &VaultKey, key: &[u8], record: &RecordId) -> Result<Option<Draft>, StoreError> {
        let Some(stored) = self.typed.get(key)? else {
            return Ok(None);
        };
        let plain = owner
            .open(&typed_place(record), &serde_json::from_slice(&stored)?)
            .map_err(|_| StoreError::Unreadable)?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }

    /// How many wait and how many were refused, of everybody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_count(&self) -> Result<OutboxCount, StoreError> {
        let mut count = OutboxCount::default();
        for row in &self.items {
            let item: Item = serde_json::from_slice(&row?.1)?;
            match item.state {
                OutboxState::Waiting | OutboxState::Sending => count.waiting += 1,
                OutboxState::Refused => count.failed += 1,
                OutboxState::Sent => {}
            }
        }
        Ok(count)
    }

    /// The list, newest first; patients' names, and what was typed of a refused write, only for their author.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_rows(&self, owner: Option<&VaultKey>) -> Result<Vec<OutboxRow>, StoreError> {
        self.sound()?;
        let mut rows = Vec::new();
        for row in self.items.iter().rev() {
            let (key, value) = row?;
            let item: Item = serde_json::from_slice(&value)?;
            let author = owner.filter(|o| o.vault().device == item.device);
            let typed = match author {
                Some(author) if item.state == OutboxState::Refused => {
                    self.typed(author, &key, &item.record).unwrap_or_default()
                }
                _ => None,
            };
            let name = author
                .and_then(|o| o.open(&place(&item.record), &item.name).ok())
                .map(|name| String::from_utf8_lossy(&name).into_owned());
            rows.push(OutboxRow {
                record: item.record.to_string(),
                commitment: item.commitment.to_string(),
                typed,
                patient: name.unwrap_or_default(),
                section: Section::from_number(item.section).unwrap_or(Section::Documents),
                kind: item.kind,
                state: item.state,
                detail: item.detail,
                at: item.at,
            });
        }
        Ok(rows)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
#[path = "outbox_tests.rs"]
mod tests;
