//! Unblocking a PIN from afar (protocol §7): a terminal asks, IT recognises the request by six words read out over the phone, and
//! seals the card's PUK to the terminal's one-time key. Nobody types or hears the PUK.

use crate::canonical::b;
use crate::hpke::Context;
use crate::id::{DeviceId, Digest, InstitutionId};
use crate::key::PublicKey;
use crate::typed::{Domain, hash_struct, structs};
use serde::{Deserialize, Serialize};

/// How long a request may be answered, seconds.
pub const UNBLOCK_LIFE: u64 = 900;
/// Longest serial number and terminal name, bytes.
pub const UNBLOCK_TEXT: usize = 100;

/// What a terminal asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnblockRequest {
    /// The terminal's institution.
    pub institution: InstitutionId,
    /// Id of the card's 9A key.
    pub device: DeviceId,
    /// Serial number of the card.
    pub card: String,
    /// Name of the terminal.
    pub terminal: String,
    /// One-time key to which the PUK is sealed.
    pub key: PublicKey,
    /// When, seconds since 1970.
    pub time: u64,
}

impl UnblockRequest {
    /// hashStruct: its id; the six words are its first 66 bits.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(hash_struct(&structs::UnblockRequest {
            institution: b(&self.institution.0),
            device: b(&self.device.0),
            card: self.card.clone(),
            terminal: self.terminal.clone(),
            keyX: b(&self.key.x()),
            keyY: b(&self.key.y()),
            time: self.time,
        }))
    }

    /// True if the texts are short enough and not empty.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [&self.card, &self.terminal]
            .iter()
            .all(|text| (1..=UNBLOCK_TEXT).contains(&text.len()))
    }
}

/// HPKE context of the PUK, in ASCII, sealed to the request's key; aad = the request's id.
#[must_use]
pub fn unblock_context<'a>(domain: &'a Domain, id: &'a Digest) -> Context<'a> {
    Context {
        label: "wardkey/unblock/1",
        domain,
        aad: id.bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SoftKey;

    #[test]
    fn everything_is_in_the_words() {
        let key = || SoftKey::generate().map(|key| key.public());
        let (Ok(key), Ok(other)) = (key(), key()) else {
            unreachable!()
        };
        let asked = UnblockRequest {
            institution: InstitutionId([1; 32]),
            device: DeviceId([4; 32]),
            card: "30112233".to_owned(),
            terminal: "Ward 3".to_owned(),
            key,
            time: 7,
        };
        let id = asked.digest();
        let changed = [
            UnblockRequest {
                institution: InstitutionId([2; 32]),
                ..asked.clone()
            },
            UnblockRequest {
                device: DeviceId([5; 32]),
                ..asked.clone()
            },
            UnblockRequest {
                card: "30112234".to_owned(),
                ..asked.clone()
            },
            UnblockRequest {
                terminal: "Ward 4".to_owned(),
                ..asked.clone()
            },
            UnblockRequest {
                key: other,
                ..asked.clone()
            },
            UnblockRequest {
                time: 8,
                ..asked.clone()
            },
        ];
        assert!(changed.iter().all(|other| other.digest() != id));
        assert!(asked.is_sound());
        assert!(
            !UnblockRequest {
                card: String::new(),
                ..asked.clone()
            }
            .is_sound()
        );
        assert!(
            !UnblockRequest {
                terminal: "x".repeat(101),
                ..asked
            }
            .is_sound()
        );
    }
}
