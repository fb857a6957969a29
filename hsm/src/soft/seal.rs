//! Three private keys sealed under a PIN: Argon2id (RFC 9106), then AES-256-GCM.

use super::file::Content;
use crate::{CardError, Pin, Slot};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use wardkey_core::key::{PublicKey, SoftKey};
use zeroize::Zeroizing;

/// Memory in KiB, passes and lanes: OWASP's first recommendation for Argon2id. Part of format version 1.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// One byte that says whether there is a key, then its scalar; three times.
const ENTRY: usize = 33;

/// The three keys, in the order of [`Slot::ALL`].
pub(super) type Three<T> = [Option<T>; 3];

/// What the PIN becomes; only the right one opens anything.
pub(super) struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    pub(super) fn derive(pin: &Pin, salt: &[u8; 16]) -> Result<Self, CardError> {
        let (memory, passes, lanes) = COST;
        let mut out = Zeroizing::new([0; 32]);
        Params::new(memory, passes, lanes, Some(32))
            .and_then(|cost| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, cost).hash_password_into(pin.typed(), salt, &mut *out)
            })
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Self(out))
    }

    fn cipher(&self) -> Result<LessSafeKey, CardError> {
        let key = UnboundKey::new(&AES_256_GCM, &*self.0).map_err(|_| failed("AES-256-GCM"))?;
        Ok(LessSafeKey::new(key))
    }

    /// Puts the keys into `content`, under a new nonce.
    pub(super) fn seal(&self, keys: &Three<SoftKey>, content: &mut Content) -> Result<(), CardError> {
        let mut plain = Zeroizing::new(vec![0; Slot::ALL.len() * ENTRY]);
        for (entry, key) in plain.chunks_exact_mut(ENTRY).zip(keys) {
            if let (Some(key), Some((there, scalar))) = (key, entry.split_first_mut()) {
                *there = 1;
                scalar.copy_from_slice(&*key.to_bytes());
            }
        }
        content.public = keys.each_ref().map(|key| key.as_ref().map(SoftKey::public));
        content.nonce = random()?;
        let nonce = Nonce::assume_unique_for_key(content.nonce);
        // In place, so that no copy of the keys is left behind.
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(nonce, Aad::from(bound(content)), &mut plain)
            .map_err(|_| failed("AES-256-GCM"))?;
        content.sealed = [plain.as_slice(), tag.as_ref()].concat();
        Ok(())
    }

    /// The keys, or `None` if this is not the PIN's key.
    pub(super) fn open(&self, content: &Content) -> Result<Option<Three<SoftKey>>, CardError> {
        let mut sealed = Zeroizing::new(content.sealed.clone());
        let nonce = Nonce::assume_unique_for_key(content.nonce);
        let Ok(plain) = self
            .cipher()?
            .open_in_place(nonce, Aad::from(bound(content)), &mut sealed)
        else {
            return Ok(None);
        };
        let mut keys = [None, None, None];
        for (entry, key) in plain.chunks_exact(ENTRY).zip(&mut keys) {
            if let Some(([1], scalar)) = entry.split_first_chunk::<1>() {
                let mut bytes = Zeroizing::new([0; 32]);
                bytes.copy_from_slice(scalar);
                *key = Some(SoftKey::from_bytes(&bytes).map_err(|error| failed(&error.to_string()))?);
            }
        }
        Ok(Some(keys))
    }
}

/// What the seal vouches for besides the keys: everything but the counter, which changes without the PIN.
fn bound(content: &Content) -> Vec<u8> {
    let mut out = b"wardkey/soft-keys/1".to_vec();
    out.extend(content.salt);
    for key in &content.public {
        out.extend(key.as_ref().map_or(&[0; 65], PublicKey::bytes));
    }
    out
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], CardError> {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| failed("the system gives no randomness"))?;
    Ok(out)
}

pub(super) const NONCE: usize = NONCE_LEN;

fn failed(detail: &str) -> CardError {
    CardError::Service {
        detail: detail.to_owned(),
    }
}
