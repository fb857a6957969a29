//! What can be wrong with a key's name.

use wardkey_core::fault::Coded;

/// A text that names no key store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Neither `piv:` nor `pkcs11:` nor `soft:`.
    #[error("a key is not named by {found:?}")]
    Scheme {
        /// The beginning of it.
        found: String,
    },
    /// Over 4096 bytes.
    #[error("the key's name is longer than 4096 bytes")]
    TooLong,
    /// A piece that is no `name=value`.
    #[error("the key's name has a part that is no name=value: {part:?}")]
    Part {
        /// The part.
        part: String,
    },
    /// An attribute that is not known here; overlooking it could mean another key.
    #[error("the key's name has an attribute that Wardkey does not know: {name:?}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The same attribute twice.
    #[error("the key's name has {name} twice")]
    Twice {
        /// Its name.
        name: String,
    },
    /// A value that cannot be.
    #[error("the key's name has an unusable {name}: {reason}")]
    Value {
        /// The attribute.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// `pin-value` or `pin-source`.
    #[error("the key's name holds a PIN ({name}): a PIN in a file or a list of processes is no secret any more")]
    Pin {
        /// Which attribute.
        name: &'static str,
    },
}

impl UriError {
    pub(super) fn scheme(found: &str) -> Self {
        Self::Scheme {
            found: found.chars().take(24).collect(),
        }
    }

    pub(super) fn value(name: &str, reason: &'static str) -> Self {
        Self::Value {
            name: name.to_owned(),
            reason,
        }
    }
}

impl Coded for UriError {
    fn code(&self) -> &'static str {
        match self {
            Self::Pin { .. } => "key-uri-pin",
            _ => "key-uri-malformed",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Scheme { .. } => {
                "Begin it with piv:, pkcs11: or soft:, such as piv:serial=12345678 or soft:master.keys."
            }
            Self::TooLong => "Name the key by fewer attributes; token and object are enough.",
            Self::Part { .. } => "Write name=value, with ; between the parts and %3B for a ; inside a value.",
            Self::Unknown { .. } => "Take it out, or correct its spelling; see RFC 7512 for pkcs11: attributes.",
            Self::Twice { .. } => "Leave it in once.",
            Self::Value { .. } => "Correct it; bytes that are not plain letters are written as %41.",
            Self::Pin { .. } => "Take it out: the PIN is typed in the PIN window and nowhere else.",
        }
    }
}
