//! Drafts: what was typed and not yet written, sealed; a note and a prescription for each clinician and grant.

use super::{Store, StoreError, Vault, VaultKey};
use crate::view::{Draft, DraftKind};
use wardkey_core::id::{Commitment, DeviceId};
use zeroize::Zeroizing;

fn place(commitment: &Commitment, kind: DraftKind) -> Vec<u8> {
    let label: &[u8] = match kind {
        DraftKind::Note => b"draft",
        DraftKind::Prescription => b"draft-prescription",
    };
    [label, commitment.bytes()].concat()
}

/// Where one kind of draft lies. The note's place is the one from when both lay together, so such a draft is still found.
pub(super) fn slot(device: &DeviceId, commitment: &Commitment, kind: DraftKind) -> Vec<u8> {
    let mut out = [device.bytes().as_slice(), commitment.bytes()].concat();
    if kind == DraftKind::Prescription {
        out.push(1);
    }
    out
}

/// One kind's part of a draft, sealed for its slot; `None` if nothing of that kind was typed.
pub(super) fn sealed(
    vault: &Vault,
    commitment: &Commitment,
    draft: &Draft,
    kind: DraftKind,
) -> Result<Option<Vec<u8>>, StoreError> {
    let part = draft.only(kind);
    if part.is_empty() {
        return Ok(None);
    }
    let plain = Zeroizing::new(serde_json::to_vec(&part)?);
    let sealed = vault
        .seal(&place(commitment, kind), &plain)
        .map_err(|e| StoreError::Broken { detail: e.to_string() })?;
    Ok(Some(serde_json::to_vec(&sealed)?))
}

impl Store {
    /// Keeps a draft, durably; what is empty of it is removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save_draft(&self, vault: &Vault, commitment: &Commitment, draft: &Draft) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for kind in DraftKind::ALL {
            let slot = slot(&vault.device, commitment, kind);
            match sealed(vault, commitment, draft, kind)? {
                Some(sealed) => {
                    self.room(sealed.len())?;
                    batch.insert(slot, sealed);
                }
                None => batch.remove(slot),
            }
        }
        self.whole(self.drafts.apply_batch(batch).map_err(StoreError::from))?;
        self.flush()
    }

    /// The draft, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn draft(&self, owner: &VaultKey, commitment: &Commitment) -> Result<Option<Draft>, StoreError> {
        let note = self.kept(owner, commitment, DraftKind::Note)?;
        let prescription = self.kept(owner, commitment, DraftKind::Prescription)?;
        Ok(match (note, prescription) {
            (Some(note), Some(Draft { fields, .. })) => Some(Draft { fields, ..note }),
            (None, Some(alone)) => Some(Draft {
                kind: DraftKind::Prescription,
                ..alone
            }),
            (note, None) => note,
        })
    }

    fn kept(&self, owner: &VaultKey, commitment: &Commitment, kind: DraftKind) -> Result<Option<Draft>, StoreError> {
        let Some(stored) = self.drafts.get(slot(&owner.vault().device, commitment, kind))? else {
            return Ok(None);
        };
        let plain = owner
            .open(&place(commitment, kind), &serde_json::from_slice(&stored)?)
            .map_err(|_| StoreError::Unreadable)?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::key::SoftKey;
    use wardkey_core::typed::Domain;

    fn draft(text: &str) -> Draft {
        Draft {
            kind: DraftKind::Note,
            text: text.to_owned(),
            fields: [("dose".to_owned(), String::new())].into(),
        }
    }

    #[test]
    fn sealed_on_disk_and_back_after_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        let (card, device, grant) = (SoftKey::generate().unwrap(), DeviceId([7; 32]), Commitment([8; 32]));
        let words = "Nausea since yesterday, no fever";
        {
            let store = Store::open(folder.path(), 0).unwrap();
            let vault = store.new_vault(&domain, &device, &card.public()).unwrap();
            store.save_draft(&vault.vault(), &grant, &draft("first")).unwrap();
            store.save_draft(&vault.vault(), &grant, &draft(words)).unwrap();
        }
        for file in walk(folder.path()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(
                !bytes.windows(8).any(|w| w == &words.as_bytes()[..8]),
                "{file:?} holds plain text"
            );
        }
        let store = Store::open(folder.path(), 0).unwrap();
        let peer = store.vault_peer(&device).unwrap().unwrap();
        let vault = store
            .open_vault(&domain, &device, &card.public(), &card.agree(&peer).unwrap())
            .unwrap();
        assert_eq!(store.draft(&vault, &grant).unwrap().unwrap().text, words);
        assert_eq!(store.draft(&vault, &Commitment([9; 32])).unwrap(), None);
        store.save_draft(&vault.vault(), &grant, &draft("")).unwrap();
        assert_eq!(store.draft(&vault, &grant).unwrap(), None);
    }

    #[test]
    fn a_note_and_a_prescription_lie_apart_and_one_from_when_they_did_not_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        let (device, grant) = (DeviceId([7; 32]), Commitment([8; 32]));
        let store = Store::open(folder.path(), 0).unwrap();
        let owner = store
            .new_vault(&domain, &device, &SoftKey::generate().unwrap().public())
            .unwrap();
        let both = Draft {
            fields: [("dose".to_owned(), "1 tablet".to_owned())].into(),
            ..draft("Nausea")
        };
        // As it was stored before.
        let old = owner
            .vault()
            .seal(&place(&grant, DraftKind::Note), &serde_json::to_vec(&both).unwrap())
            .unwrap();
        let slot_of = |kind| slot(&device, &grant, kind);
        store
            .drafts
            .insert(slot_of(DraftKind::Note), serde_json::to_vec(&old).unwrap())
            .unwrap();
        assert_eq!(store.draft(&owner, &grant).unwrap(), Some(both.clone()));
        store.save_draft(&owner.vault(), &grant, &both).unwrap();
        assert_eq!(store.draft(&owner, &grant).unwrap(), Some(both.clone()));
        store.drafts.remove(slot_of(DraftKind::Note)).unwrap();
        let left = store.draft(&owner, &grant).unwrap().unwrap();
        assert_eq!(
            (left.kind, left.text.as_str(), &left.fields),
            (DraftKind::Prescription, "", &both.fields)
        );
    }

    fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut out = vec![];
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                out.extend(walk(&path))
            } else {
                out.push(path)
            }
        }
        out
    }
}
