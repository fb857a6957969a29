//! The three key slots that Wardkey uses, and the policies a slot can carry (SP 800-73-4 part 1 §3.1, Yubico extensions).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A PIV key slot. JSON: `"9a"`, `"9c"`, `"9d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Slot {
    /// 9A: PIN once per session; opens sessions.
    #[serde(rename = "9a")]
    Authentication,
    /// 9C: PIN before every signature; signs what legally matters.
    #[serde(rename = "9c")]
    Signature,
    /// 9D: PIN once; key agreement.
    #[serde(rename = "9d")]
    KeyManagement,
}

impl Slot {
    /// All three, in the order of the protocol's evidence digest.
    pub const ALL: [Self; 3] = [Self::Authentication, Self::Signature, Self::KeyManagement];

    /// The key reference (SP 800-78-4 table 6-1).
    #[must_use]
    pub const fn reference(self) -> u8 {
        match self {
            Self::Authentication => 0x9a,
            Self::Signature => 0x9c,
            Self::KeyManagement => 0x9d,
        }
    }

    /// When a key that is made here asks for the PIN.
    #[must_use]
    pub const fn pin_policy(self) -> PinPolicy {
        match self {
            Self::Signature => PinPolicy::Always,
            Self::Authentication | Self::KeyManagement => PinPolicy::Once,
        }
    }

    /// The tag of the slot's certificate object (SP 800-73-4 part 1 table 3).
    #[must_use]
    pub const fn certificate_object(self) -> [u8; 3] {
        match self {
            Self::Authentication => [0x5f, 0xc1, 0x05],
            Self::Signature => [0x5f, 0xc1, 0x0a],
            Self::KeyManagement => [0x5f, 0xc1, 0x0b],
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.reference())
    }
}

/// When the card asks for the PIN; fixed when the key is made. Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PinPolicy {
    /// Never.
    Never,
    /// Once per power-up and selection.
    Once,
    /// Before every use.
    Always,
}

impl PinPolicy {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Never),
            2 => Some(Self::Once),
            3 => Some(Self::Always),
            _ => None,
        }
    }
}

/// When the card wants to be touched; fixed when the key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TouchPolicy {
    /// Never.
    Never,
    /// Before every use.
    Always,
    /// A touch counts for 15 seconds.
    Cached,
}

impl TouchPolicy {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Never),
            2 => Some(Self::Always),
            3 => Some(Self::Cached),
            _ => None,
        }
    }
}
