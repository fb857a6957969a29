//! A YubiKey as a [`KeyStore`].

use super::capabilities;
use super::verified::Verified;
use crate::attestation::Evidence;
use crate::store::{Capabilities, KeyStore, StoreInfo, StoreKind, Work};
use crate::{CardError, Pin, PivCard, Slot};
use wardkey_core::key::Signature;

/// A PIV card that answers Yubico's GET VERSION.
pub struct YubiKeyStore(PivCard);

impl YubiKeyStore {
    /// Takes an open card.
    ///
    /// # Errors
    /// [`CardError::NotYubiKey`] if it does not answer GET VERSION.
    pub fn of(mut card: PivCard) -> Result<Self, CardError> {
        match card.info()?.firmware {
            Some(_) => Ok(Self(card)),
            None => Err(CardError::NotYubiKey),
        }
    }
}

impl KeyStore for YubiKeyStore {
    fn kind(&self) -> StoreKind {
        StoreKind::YubiKey
    }

    fn capabilities(&mut self) -> Result<Capabilities, CardError> {
        let has_issuer = !self.0.evidence()?.issuer.is_empty();
        Ok(capabilities::of(self.0.probe()?, has_issuer))
    }

    fn info(&mut self) -> Result<StoreInfo, CardError> {
        let capabilities = self.capabilities()?;
        let info = KeyStore::info(&mut self.0)?;
        Ok(StoreInfo { capabilities, ..info })
    }

    fn with_pin(&mut self, pin: &Pin, work: Work<'_>) -> Result<(), CardError> {
        self.0.with_pin(pin, |verified: &mut Verified<'_>| work(verified))
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        self.0.change_pin(old, new)
    }

    fn unblock_pin(&mut self, puk: &[u8; 8], new: &Pin) -> Result<(), CardError> {
        self.0.unblock_pin(puk, new)
    }

    fn sign_unlocked(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.0.sign_unlocked(slot, digest)
    }

    fn evidence(&mut self) -> Result<Evidence, CardError> {
        self.0.evidence()
    }
}
