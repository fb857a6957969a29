//! GET METADATA, a Yubico extension (firmware 5.3 and later): what a key or PIN reference is, and its policies.

use super::tlv;
use crate::{PinPolicy, TouchPolicy};

/// What the card says about one reference. Every part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Algorithm (SP 800-78-4 table 6-2; 0x11 = P-256).
    pub algorithm: Option<u8>,
    /// PIN policy of a key.
    pub pin_policy: Option<PinPolicy>,
    /// Touch policy of a key.
    pub touch_policy: Option<TouchPolicy>,
    /// True if the key was made on the card, false if imported.
    pub generated: Option<bool>,
    /// The public key's point (content of tag 86), as sent.
    pub point: Option<Vec<u8>>,
    /// True if PIN, PUK or management key still have the factory's value.
    pub is_default: Option<bool>,
    /// Tries of PIN or PUK that a right entry brings back.
    pub tries: Option<u8>,
    /// Tries left of PIN or PUK.
    pub tries_left: Option<u8>,
}

impl Metadata {
    /// Reads the answer; unknown tags are skipped and short values count as missing.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Self {
        let policy = tlv::find(answer, 2);
        Self {
            algorithm: tlv::find(answer, 1).and_then(|value| value.first().copied()),
            pin_policy: policy
                .and_then(|value| value.first().copied())
                .and_then(PinPolicy::from_byte),
            touch_policy: policy
                .and_then(|value| value.get(1).copied())
                .and_then(TouchPolicy::from_byte),
            generated: tlv::find(answer, 3)
                .and_then(|value| value.first())
                .map(|&origin| origin == 1),
            point: tlv::find(answer, 4)
                .and_then(|value| tlv::find(value, 0x86))
                .map(<[u8]>::to_vec),
            is_default: tlv::find(answer, 5)
                .and_then(|value| value.first())
                .map(|&flag| flag == 1),
            tries: tlv::find(answer, 6).and_then(|value| value.first().copied()),
            tries_left: tlv::find(answer, 6).and_then(|value| value.get(1).copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_and_a_pin_are_read() {
        let mut answer = vec![1, 1, 0x11, 2, 2, 3, 1, 3, 1, 1];
        answer.extend(tlv::encode(4, &tlv::encode(0x86, &[4; 65])));
        let key = Metadata::parse(&answer);
        assert_eq!(
            (key.algorithm, key.pin_policy, key.touch_policy),
            (Some(0x11), Some(PinPolicy::Always), Some(TouchPolicy::Never))
        );
        assert_eq!(
            (key.generated, key.point.map(|point| point.len())),
            (Some(true), Some(65))
        );
        let pin = Metadata::parse(&[1, 1, 0xff, 5, 1, 1, 6, 2, 3, 2]);
        assert_eq!(
            (pin.is_default, pin.tries, pin.tries_left),
            (Some(true), Some(3), Some(2))
        );
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(answer in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Metadata::parse(&answer);
        }
    }
}
