//! The gateway's key at work. It signs every answer and every receipt, so it signs with `ring`, which takes a quarter of the time of
//! [`SoftKey`]; what `ring` keeps is not wiped, but this key lives as long as the process anyway.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use wardkey_core::key::{KeyError, PublicKey, Signature, SoftKey};

/// Signs messages with the gateway's key.
#[derive(Debug)]
pub struct Signer {
    pair: EcdsaKeyPair,
    public: PublicKey,
    random: SystemRandom,
}

impl Signer {
    /// With the gateway's key.
    ///
    /// # Errors
    /// [`KeyError::BadPrivateKey`].
    pub fn new(key: &SoftKey) -> Result<Self, KeyError> {
        let (public, random) = (key.public(), SystemRandom::new());
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.to_bytes().as_slice(),
            public.bytes(),
            &random,
        )
        .map_err(|_| KeyError::BadPrivateKey)?;
        Ok(Self { pair, public, random })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// ECDSA over the SHA-256 of a message; low-S.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        let raw = self
            .pair
            .sign(&self.random, message)
            .map_err(|_| KeyError::SigningFailed)?;
        Signature::normalised(raw.as_ref())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn its_signatures_are_the_keys() {
        let key = SoftKey::generate().unwrap();
        let signer = Signer::new(&key).unwrap();
        assert_eq!(signer.public(), key.public());
        for message in [b"".as_slice(), b"receipt", &[7; 66]] {
            key.public().verify(message, &signer.sign(message).unwrap()).unwrap();
        }
    }
}
