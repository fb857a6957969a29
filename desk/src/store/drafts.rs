//! Drafts: what was typed and not yet written, one per clinician and grant, sealed.

use super::{Store, StoreError, Vault, VaultKey};
use crate::view::Draft;
use wardkey_core::id::{Commitment, DeviceId};
use zeroize::Zeroizing;

fn place(commitment: &Commitment) -> Vec<u8> {
    [b"draft".as_slice(), commitment.bytes()].concat()
}

fn key(device: &DeviceId, commitment: &Commitment) -> [u8; 64] {
    let mut out = [0; 64];
    out[..32].copy_from_slice(device.bytes());
    out[32..].copy_from_slice(commitment.bytes());
    out
}

impl Store {
    /// Keeps a draft, durably; an empty one is removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save_draft(&self, vault: &Vault, commitment: &Commitment, draft: &Draft) -> Result<(), StoreError> {
        if draft.text.is_empty() && draft.fields.values().all(String::is_empty) {
            return self.drop_draft(&vault.device, commitment);
        }
        self.room()?;
        let plain = Zeroizing::new(serde_json::to_vec(draft)?);
        let sealed = vault
            .seal(&place(commitment), &plain)
            .map_err(|e| StoreError::Broken { detail: e.to_string() })?;
        self.drafts
            .insert(key(&vault.device, commitment), serde_json::to_vec(&sealed)?)?;
        self.flush()
    }

    /// The draft, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn draft(&self, owner: &VaultKey, commitment: &Commitment) -> Result<Option<Draft>, StoreError> {
        let Some(stored) = self.drafts.get(key(&owner.vault().device, commitment))? else {
            return Ok(None);
        };
        let plain = owner
            .open(&place(commitment), &serde_json::from_slice(&stored)?)
            .map_err(|_| StoreError::Unreadable)?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }

    /// Forgets a draft that was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_draft(&self, device: &DeviceId, commitment: &Commitment) -> Result<(), StoreError> {
        if self.drafts.remove(key(device, commitment))?.is_some() {
            self.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::view::DraftKind;
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
