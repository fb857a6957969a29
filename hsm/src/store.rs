//! What every key store can do, whatever it is made of: a verified PIV card, keys in memory; an HSM later.

use crate::{CardError, Slot};
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// Three P-256 keys, used by reference; their private halves never come out.
pub trait KeyStore {
    /// The public key in `slot`.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`] and the store's own.
    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError>;

    /// ECDSA over a SHA-256 digest, low-S.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`] and the store's own.
    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError>;

    /// ECDH: the X coordinate shared with `peer`.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`] and the store's own.
    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError>;
}
