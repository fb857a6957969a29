//! GENERAL AUTHENTICATE: signatures, key agreement, and the management key's challenge (SP 800-73-4 part 2 §3.2.4).

use crate::applet::{Applet, Refusal};
use crate::state::Key;
use crate::tlv;
use des::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;

/// A challenge that the card waits to see answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// The client must return this witness in clear, and gives a challenge of its own.
    Witness([u8; 8]),
    /// The client must return this challenge encrypted.
    Plain([u8; 8]),
}

pub(crate) const MANAGEMENT_KEY: u8 = 0x9b;
pub(crate) const ALGORITHM_3DES: u8 = 0x03;
pub(crate) const ALGORITHM_P256: u8 = 0x11;

impl Applet {
    pub(crate) fn general_authenticate(
        &mut self,
        algorithm: u8,
        reference: u8,
        data: &[u8],
        fresh: bool,
    ) -> Result<Vec<u8>, Refusal> {
        let template = tlv::find(data, 0x7c).ok_or(0x6a80)?;
        let inner = if reference == MANAGEMENT_KEY {
            if algorithm != ALGORITHM_3DES && algorithm != 0 {
                return Err(0x6a86.into());
            }
            self.management_challenge(template)?
        } else {
            if algorithm != ALGORITHM_P256 {
                return Err(0x6a86.into());
            }
            let key = self.state.keys.get(&reference).ok_or(0x6a80)?;
            self.allowed(key.pin_policy, fresh)?;
            self.finger.ask(key.touch_policy)?;
            tlv::encode(0x82, &use_key(key, template)?)
        };
        Ok(if inner.is_empty() {
            inner
        } else {
            tlv::encode(0x7c, &inner)
        })
    }

    fn allowed(&self, pin_policy: u8, fresh: bool) -> Result<(), u16> {
        let allowed = match pin_policy {
            1 => true,
            3 => fresh && self.session.verified,
            _ => self.session.verified,
        };
        if allowed { Ok(()) } else { Err(0x6982) }
    }

    fn management_challenge(&mut self, template: &[u8]) -> Result<Vec<u8>, Refusal> {
        let cipher = des::TdesEde3::new_from_slice(&self.state.management_key).map_err(|_| 0x6f00)?;
        let encrypt = |block: [u8; 8]| {
            let mut block = block.into();
            cipher.encrypt_block(&mut block);
            <[u8; 8]>::from(block)
        };
        let field = |tag| tlv::find(template, tag);
        let pending = self.session.challenge.take();
        match (field(0x80), field(0x81), field(0x82), pending) {
            (Some([]), None, None, _) => {
                let witness = random()?;
                self.session.challenge = Some(Challenge::Witness(witness));
                Ok(tlv::encode(0x80, &encrypt(witness)))
            }
            (None, Some([]), None, _) => {
                let challenge = random()?;
                self.session.challenge = Some(Challenge::Plain(challenge));
                Ok(tlv::encode(0x81, &challenge))
            }
            (Some(answer), Some(theirs), _, Some(Challenge::Witness(witness))) if answer == witness => {
                let theirs = <[u8; 8]>::try_from(theirs).map_err(|_| 0x6a80)?;
                self.session.management = true;
                Ok(tlv::encode(0x82, &encrypt(theirs)))
            }
            (None, None, Some(answer), Some(Challenge::Plain(challenge))) => {
                let mut block = <[u8; 8]>::try_from(answer).map_err(|_| 0x6a80)?.into();
                cipher.decrypt_block(&mut block);
                if <[u8; 8]>::from(block) != challenge {
                    return Err(0x6982.into());
                }
                self.session.management = true;
                Ok(Vec::new())
            }
            _ => Err(0x6982.into()),
        }
    }
}

fn random() -> Result<[u8; 8], u16> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| 0x6f00u16)?;
    Ok(bytes)
}

/// Tag 81 is a digest to sign, tag 85 a point to agree with.
fn use_key(key: &Key, template: &[u8]) -> Result<Vec<u8>, u16> {
    let secret = p256::SecretKey::from_slice(&key.scalar).map_err(|_| 0x6f00u16)?;
    match (tlv::find(template, 0x81), tlv::find(template, 0x85)) {
        (Some(digest), None) if digest.len() <= 32 => {
            // A shorter input is a smaller number: pad on the left.
            let mut hash = [0; 32];
            hash[32 - digest.len()..].copy_from_slice(digest);
            let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(&secret)
                .sign_prehash(&hash)
                .map_err(|_| 0x6f00u16)?;
            Ok(signature.to_der().as_bytes().to_vec())
        }
        (None, Some(point)) => {
            let peer = p256::PublicKey::from_sec1_bytes(point).map_err(|_| 0x6a80u16)?;
            let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
            Ok(shared.raw_secret_bytes().to_vec())
        }
        _ => Err(0x6a80),
    }
}
