//! The outbox: every write is durable here before it is sent, and is sent until the gateway's receipt is here.
//!
//! A record is ciphertext by construction, so it can be sent again without any key; the patient's name beside it is sealed to its author.

use super::{Store, StoreError, Vault, VaultKey};
use crate::view::{OutboxCount, OutboxRow, OutboxState};
use serde::{Deserialize, Serialize};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional as _};
use std::collections::HashSet;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Commitment, DeviceId, RecordId};
use wardkey_core::record::Record;
use wardkey_core::section::Section;

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

fn place(record: &RecordId) -> Vec<u8> {
    [b"outbox".as_slice(), record.bytes()].concat()
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
                OutboxState::Sent => sent.push(key),
                OutboxState::Waiting | OutboxState::Refused => {}
            }
        }
        for key in sent.iter().rev().skip(REMEMBERED) {
            self.items.remove(key)?;
        }
        Ok(())
    }

    /// Queues writes: all of them or none, durable before it returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is queued then.
    pub fn enqueue(&self, vault: &Vault, writes: Vec<NewWrite>) -> Result<Vec<Queued>, StoreError> {
        self.room()?;
        let mut rows = Vec::with_capacity(writes.len());
        for write in writes {
            let header = &write.record.header;
            let name = vault
                .seal(&place(&header.record), write.patient_name.as_bytes())
                .map_err(|e| StoreError::Broken { detail: e.to_string() })?;
            let item = Item {
                record: header.record,
                device: vault.device,
                commitment: write.commitment,
                section: header.section,
                kind: header.kind.clone(),
                at: header.time,
                state: OutboxState::Waiting,
                detail: String::new(),
                name,
            };
            rows.push((
                self.db.generate_id()?,
                serde_json::to_vec(&item)?,
                serde_json::to_vec(&write.record)?,
            ));
        }
        (&self.items, &self.bodies)
            .transaction(|(items, bodies)| {
                for (id, item, body) in &rows {
                    items.insert(id.to_be_bytes().as_slice(), item.as_slice())?;
                    bodies.insert(id.to_be_bytes().as_slice(), body.as_slice())?;
                }
                Ok::<(), ConflictableTransactionError<StoreError>>(())
            })
            .map_err(|e| match e {
                TransactionError::Abort(error) => error,
                TransactionError::Storage(error) => error.into(),
            })?;
        self.flush()?;
        Ok(rows.into_iter().map(|(id, ..)| Queued(id)).collect())
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
            let queued = Queued(u64::from_be_bytes(
                key.as_ref().try_into().map_err(|_| StoreError::Unreadable)?,
            ));
            out.push(Outgoing {
                queued,
                commitment: item.commitment,
                record: serde_json::from_slice(&body)?,
            });
        }
        Ok(out)
    }

    /// Notes what became of a write. Once acknowledged, its ciphertext is dropped here.
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

    /// The list, newest first; patients' names only for their author.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_rows(&self, owner: Option<&VaultKey>) -> Result<Vec<OutboxRow>, StoreError> {
        let mut rows = Vec::new();
        for row in self.items.iter().rev() {
            let item: Item = serde_json::from_slice(&row?.1)?;
            let name = owner
                .filter(|o| o.vault().device == item.device)
                .and_then(|o| o.open(&place(&item.record), &item.name).ok())
                .map(|name| String::from_utf8_lossy(&name).into_owned());
            rows.push(OutboxRow {
                record: item.record.to_string(),
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
mod tests {
    use super::*;
    use wardkey_core::id::{InstitutionId, PatientId};
    use wardkey_core::key::{Signature, SoftKey};
    use wardkey_core::record::{Author, RecordHeader};
    use wardkey_core::typed::Domain;

    const DEVICE: DeviceId = DeviceId([7; 32]);

    fn write(n: u8, commitment: u8) -> NewWrite {
        let header = RecordHeader {
            record: RecordId([n; 32]),
            patient: PatientId([1; 32]),
            section: 17,
            epoch: 0,
            version: 1,
            institution: InstitutionId([2; 32]),
            device: DEVICE,
            time: u64::from(n),
            kind: "DocumentReference".into(),
        };
        let sealed = Sealed {
            enc: vec![4; 65],
            ct: vec![n; 1000],
        };
        let record = Record {
            header,
            sealed,
            author: Author::Signature {
                signature: Signature([1; 64]),
            },
        };
        NewWrite {
            commitment: Commitment([commitment; 32]),
            record,
            patient_name: "Mira Okonjo".into(),
        }
    }

    fn vault(store: &Store) -> VaultKey {
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        store
            .new_vault(&domain, &DEVICE, &SoftKey::generate().unwrap().public())
            .unwrap()
    }

    fn due(store: &Store, device: DeviceId, limit: usize, bytes: usize) -> Vec<u8> {
        store
            .due(&device, limit, bytes, &HashSet::new())
            .unwrap()
            .iter()
            .map(|o| o.record.header.record.0[0])
            .collect()
    }

    #[test]
    fn in_order_by_grant_in_bounds_and_only_the_authors_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 0).unwrap();
        let vault = vault(&store);
        store
            .enqueue(&vault.vault(), vec![write(1, 1), write(2, 2), write(3, 1), write(4, 1)])
            .unwrap();
        assert_eq!(
            due(&store, DEVICE, 10, usize::MAX),
            [1, 3, 4],
            "one grant at a time, in order"
        );
        assert_eq!(due(&store, DEVICE, 2, usize::MAX), [1, 3]);
        assert_eq!(due(&store, DEVICE, 10, 1), [1], "a large record goes alone");
        assert!(due(&store, DeviceId([8; 32]), 10, usize::MAX).is_empty());
        let skip = HashSet::from([Commitment([1; 32])]);
        assert_eq!(
            store.due(&DEVICE, 10, usize::MAX, &skip).unwrap()[0]
                .record
                .header
                .record
                .0[0],
            2
        );
    }

    #[test]
    fn a_crash_while_sending_leaves_it_waiting_and_what_was_sent_stays_sent() {
        let folder = tempfile::tempdir().unwrap();
        let opened = {
            let store = Store::open(folder.path(), 0).unwrap();
            let vault = vault(&store);
            let queued = store
                .enqueue(&vault.vault(), vec![write(1, 1), write(2, 1), write(3, 1)])
                .unwrap();
            store.settle(&queued[..1], OutboxState::Sent, "log line 1").unwrap();
            store.settle(&queued[1..2], OutboxState::Sending, "").unwrap();
            store.settle(&queued[2..], OutboxState::Refused, "no").unwrap();
            vault
        };
        let store = Store::open(folder.path(), 0).unwrap();
        assert_eq!(store.outbox_count().unwrap(), OutboxCount { waiting: 1, failed: 1 });
        assert_eq!(due(&store, DEVICE, 10, usize::MAX), [2]);
        let rows = store.outbox_rows(Some(&opened)).unwrap();
        assert_eq!(
            rows.iter().map(|r| r.state).collect::<Vec<_>>(),
            [OutboxState::Refused, OutboxState::Waiting, OutboxState::Sent]
        );
        assert!(rows.iter().all(|r| r.patient == "Mira Okonjo"));
        assert!(
            store.outbox_rows(None).unwrap().iter().all(|r| r.patient.is_empty()),
            "names for their author alone"
        );
        store.retry_refused(&DEVICE).unwrap();
        assert_eq!(due(&store, DEVICE, 10, usize::MAX), [2, 3]);
        assert_eq!(store.bodies.len(), 2, "the ciphertext of what was acknowledged is gone");
    }

    #[test]
    fn a_full_disk_queues_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let vault = {
            let store = Store::open(folder.path(), 0).unwrap();
            vault(&store)
        };
        let store = Store::open(folder.path(), u64::MAX).unwrap();
        assert_eq!(
            store.enqueue(&vault.vault(), vec![write(1, 1)]).err(),
            Some(StoreError::DiskFull)
        );
        assert_eq!(store.outbox_count().unwrap(), OutboxCount::default());
        let draft = crate::view::Draft {
            kind: crate::view::DraftKind::Note,
            text: "x".into(),
            fields: [].into(),
        };
        assert_eq!(
            store.save_draft(&vault.vault(), &Commitment([1; 32]), &draft),
            Err(StoreError::DiskFull)
        );
    }
}
