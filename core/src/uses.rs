//! What a card did, kept for its institution (protocol §6): asked for when a card is lost. A line is sealed under a key that the
//! gateway holds in memory for a day at most and has sealed to the institution, so that its disk does not tell which card did what.

use crate::hpke::{Context, SealError};
use crate::id::{DeviceId, Digest, InstitutionId, PatientId};
use crate::log::Deed;
use crate::typed::Domain;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Length of an ink's id and of a card's tag, bytes.
pub const TAG: usize = 16;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Read or written.
    pub action: Deed,
    /// Whose records.
    pub patient: PatientId,
    /// Section number.
    pub section: u8,
    /// Why, in the reader's words.
    pub reason: String,
    /// Record id of a write, commitment of a read.
    pub subject: Digest,
    /// Seconds since 1970.
    pub time: u64,
    /// Place in the log that the patient sees.
    pub index: u64,
}

/// The key of a day's lines of one institution.
pub struct UseKey {
    ink: Zeroizing<[u8; 32]>,
    /// HMAC-SHA256 of `seal`, made once: every read waits for a line.
    seal: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for UseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UseKey")
    }
}

impl UseKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(ink: Zeroizing<[u8; 32]>) -> Self {
        let seal = mac(&ink, &[b"seal"]);
        Self { ink, seal }
    }

    /// Under which a card's lines are found: HMAC-SHA256 of `tag` ‖ device, the first 16 bytes.
    #[must_use]
    pub fn tag(&self, device: &DeviceId) -> [u8; TAG] {
        let whole = mac(&self.ink, &[b"tag", device.bytes()]);
        std::array::from_fn(|n| whole[n])
    }

    /// AES-256-GCM with HMAC-SHA256 of `seal`; the nonce is four zero bytes and the line's number.
    fn aead(&self, number: u64) -> Result<(LessSafeKey, Nonce), SealError> {
        let key = UnboundKey::new(&AES_256_GCM, self.seal.as_slice()).map_err(|_| SealError::CannotSeal)?;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
    }

    /// Seals a line. A number must never be used twice with one key.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, number: u64, tag: &[u8; TAG], line: &Use) -> Result<Vec<u8>, SealError> {
        let mut ct = serde_json::to_vec(line).map_err(|_| SealError::CannotSeal)?;
        let (key, nonce) = self.aead(number)?;
        key.seal_in_place_append_tag(nonce, Aad::from(tag), &mut ct)
            .map_err(|_| SealError::CannotSeal)?;
        Ok(ct)
    }

    /// Opens a line of the card with this tag.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, number: u64, tag: &[u8; TAG], ct: &[u8]) -> Result<Use, SealError> {
        let mut bytes = Zeroizing::new(ct.to_vec());
        let (key, nonce) = self.aead(number)?;
        let plain = key
            .open_in_place(nonce, Aad::from(tag), &mut bytes)
            .map_err(|_| SealError::CannotOpen)?;
        serde_json::from_slice(plain).map_err(|_| SealError::CannotOpen)
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// aad of a [`UseKey`] sealed to its institution: institution ‖ epoch of the agreement key, u32be ‖ id of the ink.
#[must_use]
pub fn ink_aad(institution: &InstitutionId, epoch: u32, ink: &[u8; TAG]) -> Vec<u8> {
    [institution.bytes().as_slice(), &epoch.to_be_bytes(), ink].concat()
}

/// HPKE context of a [`UseKey`] sealed to its institution.
#[must_use]
pub fn ink_context<'a>(domain: &'a Domain, aad: &'a [u8]) -> Context<'a> {
    Context {
        label: "wardkey/uses/1",
        domain,
        aad,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_line_opens_in_its_place_only_and_tags_tell_cards_apart() {
        let key = UseKey::new(Zeroizing::new([7; 32]));
        let (one, other) = (key.tag(&DeviceId([1; 32])), key.tag(&DeviceId([2; 32])));
        assert_ne!(one, other);
        assert_ne!(one, UseKey::new(Zeroizing::new([8; 32])).tag(&DeviceId([1; 32])));
        let line = Use {
            action: Deed::Read,
            patient: PatientId::default(),
            section: 2,
            reason: "Ward round".to_owned(),
            subject: Digest([3; 32]),
            time: 5,
            index: 9,
        };
        let ct = key.seal(4, &one, &line).unwrap();
        assert_eq!(key.open(4, &one, &ct).unwrap(), line);
        assert_eq!(key.open(5, &one, &ct), Err(SealError::CannotOpen));
        assert_eq!(key.open(4, &other, &ct), Err(SealError::CannotOpen));
        assert_eq!(key.open(4, &one, &ct[..10]), Err(SealError::CannotOpen));
    }
}
