//! Key stores behind one trait, whatever they are made of: PIV cards, YubiKeys, HSMs behind PKCS#11, a sealed file for trials.
//!
//! Each kind has a folder with the same files: `capabilities.rs` (what it can do, as data), `store.rs` ([`KeyStore`]), `verified.rs`
//! ([`Keys`], which exist only after the PIN was accepted). What a kind cannot do, the default methods answer.

mod capabilities;
mod error;
mod open;

pub use capabilities::{Capabilities, KeyMaking, StoreKind, TriesTold};
pub use error::StoreFault;
pub use open::{open, open_reader};

use crate::attestation::Evidence;
use crate::{CardError, Pin, Slot, SlotInfo};
use serde::{Deserialize, Serialize};
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// What is done while the PIN is accepted. It is called once.
pub type Work<'w> = &'w mut dyn FnMut(&mut dyn Keys) -> Result<(), CardError>;

/// A place that keeps up to three P-256 keys. Nothing here but [`KeyStore::with_pin`] leads to their use.
pub trait KeyStore: Send {
    /// What it can do.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn capabilities(&mut self) -> Result<Capabilities, CardError>;

    /// Everything that it tells without a PIN.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn info(&mut self) -> Result<StoreInfo, CardError>;

    /// Gives the PIN, lets `work` use the keys, and locks again as far as [`Capabilities::stays_unlocked`] says.
    ///
    /// # Errors
    /// A wrong or blocked PIN, with the tries left as far as [`Capabilities::tries`] promises, and those of `work`.
    fn with_pin(&mut self, pin: &Pin, work: Work<'_>) -> Result<(), CardError>;

    /// Makes an empty store under a PIN that its holder chose.
    ///
    /// # Errors
    /// [`StoreFault::Unsupported`]; [`StoreFault::SoftExists`].
    fn create(&mut self, new: &Pin) -> Result<(), CardError> {
        let _ = new;
        Err(self.unsupported("create"))
    }

    /// Replaces the PIN.
    ///
    /// # Errors
    /// [`StoreFault::Unsupported`], and as [`KeyStore::with_pin`].
    fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        let _ = (old, new);
        Err(self.unsupported("change its PIN"))
    }

    /// Sets a new PIN with the unblocking code that IT holds.
    ///
    /// # Errors
    /// [`StoreFault::Unsupported`]; [`CardError::WrongPuk`], [`CardError::PukBlocked`].
    fn unblock_pin(&mut self, puk: &[u8; 8], new: &Pin) -> Result<(), CardError> {
        let _ = (puk, new);
        Err(self.unsupported("unblock its PIN"))
    }

    /// Signs while the PIN is still accepted from [`KeyStore::with_pin`].
    ///
    /// # Errors
    /// [`StoreFault::Unsupported`]; [`CardError::PinRequired`], always for [`Slot::Signature`].
    fn sign_unlocked(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        let _ = (slot, digest);
        Err(self.unsupported("sign without a PIN"))
    }

    /// Certificates that say where the keys were made.
    ///
    /// # Errors
    /// [`StoreFault::Unsupported`].
    fn evidence(&mut self) -> Result<Evidence, CardError> {
        Err(self.unsupported("attest its keys"))
    }

    /// The kind, for [`StoreFault::Unsupported`].
    fn kind(&self) -> StoreKind;

    /// The answer of every default method.
    fn unsupported(&self, what: &'static str) -> CardError {
        CardError::from(StoreFault::Unsupported {
            kind: self.kind(),
            what,
        })
    }
}

/// The keys of a store whose PIN was accepted; only [`KeyStore::with_pin`] gives them out, and only for as long as it runs.
pub trait Keys {
    /// The public key in `slot`.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`] or [`StoreFault::KeyMissing`], and the store's own.
    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError>;

    /// ECDSA over a SHA-256 digest, low-S.
    ///
    /// # Errors
    /// As [`Keys::public_key`].
    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError>;

    /// ECDH: the X coordinate shared with `peer`.
    ///
    /// # Errors
    /// As [`Keys::public_key`]; [`StoreFault::Unsupported`].
    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError>;

    /// Makes a key in an empty slot.
    ///
    /// # Errors
    /// [`CardError::SlotFilled`]; [`StoreFault::Unsupported`] unless [`Capabilities::generates`] is [`KeyMaking::WithPin`].
    fn generate(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        let _ = slot;
        Err(CardError::from(StoreFault::Unsupported {
            kind: self.kind(),
            what: "make a key with its PIN",
        }))
    }

    /// The kind, for [`StoreFault::Unsupported`].
    fn kind(&self) -> StoreKind;
}

/// A store as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreInfo {
    /// False if it is still to be made, with [`KeyStore::create`].
    pub made: bool,
    /// Serial number of card or token; `None` if it has none.
    pub serial: Option<String>,
    /// Tries before the PIN is blocked, 0 = blocked; `None` if the store does not tell.
    pub tries_left: Option<u8>,
    /// True if the store says that the factory's PIN is still set.
    pub default_pin: bool,
    /// The three slots, in the order 9A, 9C, 9D, as far as they are told without a PIN.
    pub keys: Vec<SlotInfo>,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl StoreInfo {
    /// The key in `slot`.
    #[must_use]
    pub fn key(&self, slot: Slot) -> Option<PublicKey> {
        let info = self.keys.iter().find(|info| info.slot == slot)?;
        info.public_key
    }
}
