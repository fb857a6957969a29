//! The keys of a file whose PIN was right; wiped when the job ends.

use super::file::{Content, Place};
use super::seal::{SealingKey, Three};
use crate::store::{Keys, StoreKind};
use crate::{CardError, Slot};
use wardkey_core::key::{KeyError, PublicKey, Signature, SoftKey};
use zeroize::Zeroizing;

/// The evidence that the PIN opened the file. Its maker holds the file's lock.
pub(super) struct Verified<'a> {
    place: &'a Place,
    content: Content,
    key: SealingKey,
    keys: Three<SoftKey>,
}

impl<'a> Verified<'a> {
    pub(super) const fn new(place: &'a Place, content: Content, key: SealingKey, keys: Three<SoftKey>) -> Self {
        Self {
            place,
            content,
            key,
            keys,
        }
    }

    fn key(&self, slot: Slot) -> Result<&SoftKey, CardError> {
        let number = Slot::ALL.iter().position(|&one| one == slot);
        number
            .and_then(|number| self.keys.get(number)?.as_ref())
            .ok_or(CardError::SlotEmpty { slot })
    }
}

fn failed(error: KeyError) -> CardError {
    CardError::Service {
        detail: error.to_string(),
    }
}

impl Keys for Verified<'_> {
    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        self.key(slot).map(SoftKey::public)
    }

    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.key(slot)?.sign_digest(digest).map_err(failed)
    }

    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.key(slot)?.agree(peer).map_err(failed)
    }

    fn generate(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        let made = SoftKey::generate().map_err(failed)?;
        let public = made.public();
        let place = self.keys.iter_mut().zip(Slot::ALL).find(|(_, one)| *one == slot);
        match place {
            Some((empty @ None, _)) => *empty = Some(made),
            _ => return Err(CardError::SlotFilled { slot }),
        }
        self.key.seal(&self.keys, &mut self.content)?;
        self.place.write(&self.content)?;
        Ok(public)
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Soft
    }
}
