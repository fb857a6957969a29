//! Identifiers: 32 bytes each, hex in JSON, distinct types so that none is taken for another.

use crate::hexbytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A text is no id: another length or alphabet than 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits")]
pub struct NotAnId;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The 32 bytes.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; 32] { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&hex::encode(self.0)) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}…)", stringify!($name), hex::encode(&self.0[..4]))
            }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> { hexbytes::decode(text).map(Self).ok_or(NotAnId) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> { out.collect_str(self) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> { hexbytes::fixed(from).map(Self) }
        }
    )+};
}

id! {
    /// SHA-256 of any public key (65-byte SEC1 point).
    KeyId,
    /// SHA-256 of the patient's first root public key.
    PatientId,
    /// SHA-256 of the institution's first master public key.
    InstitutionId,
    /// SHA-256 of the device's 9A public key.
    DeviceId,
    /// SHA-256 of a session public key.
    SessionId,
    /// SHA-256 of the gateway's public key.
    GatewayId,
    /// Random name of a record.
    RecordId,
    /// SHA-256 of a blob's ciphertext.
    BlobId,
    /// SHA-256 of a grant document's canonical bytes.
    Commitment,
    /// A hashStruct or a SHA-256 digest.
    Digest,
}

macro_rules! from_key_id {
    ($($name:ident),+) => {$(
        impl From<KeyId> for $name { fn from(id: KeyId) -> Self { Self(id.0) } }
    )+};
}
from_key_id!(PatientId, InstitutionId, DeviceId, SessionId, GatewayId);
