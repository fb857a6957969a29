//! Names of key stores and of the keys in them: `piv:`, `pkcs11:` (RFC 7512) and `soft:` URIs.
//!
//! A URI names, it never opens: a PIN is refused in it. Reading any text ends in a URI or in a [`UriError`] that says what to do.

mod error;
mod percent;
mod piv;
mod pkcs11;
mod soft;

pub use error::UriError;
pub use piv::PivUri;
pub use pkcs11::{Kdf, Pkcs11Uri};
pub use soft::SoftUri;

use crate::store::StoreKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Longest URI that is read, bytes.
const LONGEST: usize = 4096;

/// Where keys are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUri {
    /// A card with this serial number, in whichever reader.
    Piv(PivUri),
    /// Keys in a token behind a PKCS#11 module.
    Pkcs11(Box<Pkcs11Uri>),
    /// A sealed file, for trials.
    Soft(SoftUri),
}

impl KeyUri {
    /// What kind of store it names. A YubiKey is named like every other card.
    #[must_use]
    pub const fn kind(&self) -> StoreKind {
        match self {
            Self::Piv(_) => StoreKind::Piv,
            Self::Pkcs11(_) => StoreKind::Pkcs11,
            Self::Soft(_) => StoreKind::Soft,
        }
    }

    /// The same with relative paths taken from `folder`.
    #[must_use]
    pub fn resolved(self, folder: &Path) -> Self {
        match self {
            Self::Piv(uri) => Self::Piv(uri),
            Self::Pkcs11(mut uri) => {
                uri.module_path = uri.module_path.map(|path| folder.join(path));
                Self::Pkcs11(uri)
            }
            Self::Soft(uri) => Self::Soft(SoftUri {
                path: folder.join(uri.path),
            }),
        }
    }
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > LONGEST {
            return Err(UriError::TooLong);
        }
        let (scheme, rest) = text.split_once(':').ok_or_else(|| UriError::scheme(text))?;
        // Schemes are case-insensitive (RFC 3986 §3.1).
        match scheme.to_ascii_lowercase().as_str() {
            "piv" => piv::parse(rest).map(Self::Piv),
            "pkcs11" => pkcs11::parse(rest).map(|uri| Self::Pkcs11(Box::new(uri))),
            "soft" => soft::parse(rest).map(Self::Soft),
            other => Err(UriError::scheme(other)),
        }
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piv(uri) => uri.fmt(f),
            Self::Pkcs11(uri) => uri.fmt(f),
            Self::Soft(uri) => uri.fmt(f),
        }
    }
}

impl Serialize for KeyUri {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyUri {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use wardkey_core::fault::Coded as _;
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|error: UriError| serde::de::Error::custom(format!("{error}. {}", error.action())))
    }
}

#[cfg(test)]
mod tests;
