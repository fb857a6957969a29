//! Key slots: making, importing and attesting keys.

use crate::applet::{Applet, Refusal, VERSION};
use crate::authenticate::ALGORITHM_P256;
use crate::state::Key;
use crate::{attest, tlv};

impl Applet {
    pub(crate) fn generate(&mut self, reference: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let template = tlv::find(data, 0xac).ok_or(0x6a80)?;
        if tlv::find(template, 0x80) != Some(&[ALGORITHM_P256]) {
            return Err(0x6a80.into());
        }
        let scalar = loop {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|_| 0x6f00)?;
            if p256::SecretKey::from_slice(&bytes).is_ok() {
                break bytes;
            }
        };
        self.put_key(reference, scalar, template, true)?;
        Ok(tlv::encode(0x7f49, &tlv::encode(0x86, &point(&scalar)?)))
    }

    pub(crate) fn import(&mut self, algorithm: u8, reference: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let scalar = tlv::find(data, 0x06)
            .and_then(|value| <[u8; 32]>::try_from(value).ok())
            .ok_or(0x6a80)?;
        if algorithm != ALGORITHM_P256 || p256::SecretKey::from_slice(&scalar).is_err() {
            return Err(0x6a80.into());
        }
        self.put_key(reference, scalar, data, false)?;
        Ok(Vec::new())
    }

    fn put_key(&mut self, reference: u8, scalar: [u8; 32], policies: &[u8], generated: bool) -> Result<(), Refusal> {
        if !matches!(reference, 0x82..=0x95 | 0x9a | 0x9c | 0x9d | 0x9e) {
            return Err(0x6a86.into());
        }
        let policy = |tag, default: u8| match tlv::find(policies, tag) {
            None | Some([0]) => Ok(default),
            Some(&[value @ 1..=3]) => Ok(value),
            Some(_) => Err(0x6a80),
        };
        let pin_default = match reference {
            0x9c => 3,
            0x9e => 1,
            _ => 2,
        };
        let key = Key {
            scalar,
            pin_policy: policy(0xaa, pin_default)?,
            touch_policy: policy(0xab, 1)?,
            generated,
        };
        self.state.keys.insert(reference, key);
        self.save()
    }

    pub(crate) fn attest(&self, reference: u8) -> Result<Vec<u8>, Refusal> {
        let key = self
            .state
            .keys
            .get(&reference)
            .filter(|key| key.generated)
            .ok_or(0x6a80)?;
        Ok(attest::leaf(&self.state, VERSION, reference, key, point(&key.scalar)?)?)
    }
}

/// The uncompressed public point.
pub(crate) fn point(scalar: &[u8; 32]) -> Result<Vec<u8>, u16> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let secret = p256::SecretKey::from_slice(scalar).map_err(|_| 0x6f00u16)?;
    Ok(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
}
