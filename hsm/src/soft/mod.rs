//! Keys in memory, for tests and measurements. No product code path makes one.

use crate::{CardError, KeyStore, Slot};
use std::collections::BTreeMap;
use wardkey_core::key::{KeyError, PublicKey, Signature, SoftKey};
use zeroize::Zeroizing;

/// Up to three keys in memory.
#[derive(Debug, Default)]
pub struct SoftStore {
    keys: BTreeMap<Slot, SoftKey>,
}

impl SoftStore {
    /// A store with a new key in each slot.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`] if the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let keys = Slot::ALL
            .into_iter()
            .map(|slot| Ok((slot, SoftKey::generate()?)))
            .collect::<Result<_, KeyError>>()?;
        Ok(Self { keys })
    }

    fn key(&self, slot: Slot) -> Result<&SoftKey, CardError> {
        self.keys.get(&slot).ok_or(CardError::SlotEmpty { slot })
    }
}

fn failed(error: KeyError) -> CardError {
    CardError::Service {
        detail: error.to_string(),
    }
}

impl KeyStore for SoftStore {
    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        self.key(slot).map(SoftKey::public)
    }
    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.key(slot)?.sign_digest(digest).map_err(failed)
    }
    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.key(slot)?.agree(peer).map_err(failed)
    }
}
