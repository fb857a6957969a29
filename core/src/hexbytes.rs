//! JSON forms of bytes (protocol §1): lower-case hex for ids, digests, keys and signatures, base64url for ciphertext.

use base64::engine::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Decodes exactly `N` bytes of lower- or upper-case hex; `None` on any other text.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0u8; N];
    hex::decode_to_slice(text, &mut out).ok().map(|()| out)
}

/// serde `with` module: `[u8; N]` as hex.
pub mod array {
    use super::{Deserialize, Deserializer, Serializer, decode};
    use serde::de::Error as _;

    /// Writes hex.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(bytes))
    }

    /// Reads exactly `N` bytes of hex.
    ///
    /// # Errors
    /// Another length or another alphabet.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        decode(&text).ok_or_else(|| D::Error::custom(format!("expected {} hex digits", 2 * N)))
    }
}

/// serde `with` module: `Vec<u8>` as base64url without padding.
pub mod base64url {
    use super::{Deserialize, Deserializer, Engine, Serializer, URL_SAFE_NO_PAD};
    use serde::de::Error as _;

    /// Writes base64url.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads base64url.
    ///
    /// # Errors
    /// Another alphabet or padding.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        URL_SAFE_NO_PAD
            .decode(String::deserialize(from)?)
            .map_err(|_| D::Error::custom("expected base64url without padding"))
    }
}

/// serde `with` module: `Vec<u8>` as hex.
pub mod bytes {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error as _;

    /// Writes hex.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(bytes))
    }

    /// Reads hex.
    ///
    /// # Errors
    /// Odd length or another alphabet.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(|_| D::Error::custom("expected hex"))
    }
}

pub(crate) fn fixed<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    decode(&text).ok_or_else(|| D::Error::custom(format!("expected {} hex digits", 2 * N)))
}
