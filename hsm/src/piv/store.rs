//! Any PIV card as a [`KeyStore`].

use super::PivCard;
use crate::store::{Capabilities, KeyStore, StoreInfo, StoreKind, Work};
use crate::{CardError, Pin, Slot};
use wardkey_core::key::Signature;

impl KeyStore for PivCard {
    fn kind(&self) -> StoreKind {
        StoreKind::Piv
    }

    fn capabilities(&mut self) -> Result<Capabilities, CardError> {
        self.probe()
    }

    fn info(&mut self) -> Result<StoreInfo, CardError> {
        let capabilities = self.probe()?;
        let card = Self::info(self)?;
        Ok(StoreInfo {
            made: true,
            serial: card.serial,
            tries_left: card.tries_left,
            default_pin: card.default_pin,
            keys: card.keys,
            capabilities,
        })
    }

    fn with_pin(&mut self, pin: &Pin, work: Work<'_>) -> Result<(), CardError> {
        Self::with_pin(self, pin, |verified| work(verified))
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        Self::change_pin(self, old, new)
    }

    fn unblock_pin(&mut self, puk: &[u8; 8], new: &Pin) -> Result<(), CardError> {
        Self::unblock_pin(self, puk, new)
    }

    fn sign_unlocked(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        Self::sign_unlocked(self, slot, digest)
    }
}
