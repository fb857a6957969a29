//! What can go wrong with HSMs and key files, besides what can go wrong with cards.

use super::StoreKind;
use crate::Slot;
use wardkey_core::fault::Coded;

/// A failed operation of a key store that is no card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// This kind of store cannot do that.
    #[error("{} cannot {what}", .kind.word())]
    Unsupported {
        /// Which kind.
        kind: StoreKind,
        /// What was asked.
        what: &'static str,
    },
    /// The URI names no serial number, and there are several cards.
    #[error("several cards are inserted")]
    CardTwice,
    /// Neither the URI nor the settings name a module.
    #[error("no PKCS#11 module is named for the HSM")]
    ModuleUnset,
    /// The file is not there, or no PKCS#11 module.
    #[error("the HSM's module {path} cannot be used: {detail}")]
    ModuleMissing {
        /// Its path.
        path: String,
        /// The system's words.
        detail: String,
    },
    /// No token matches.
    #[error("no token matches {wanted}")]
    TokenMissing {
        /// The attributes asked for.
        wanted: String,
    },
    /// Several tokens match.
    #[error("{count} tokens match {wanted}")]
    TokenTwice {
        /// The attributes asked for.
        wanted: String,
        /// How many.
        count: usize,
    },
    /// No user PIN was set in the token yet.
    #[error("the token {token} has no user PIN yet")]
    TokenNotReady {
        /// Its label.
        token: String,
    },
    /// No key with that label and id.
    #[error("the token {token} holds no key for {slot} ({wanted})")]
    KeyMissing {
        /// Label of the token.
        token: String,
        /// For which use.
        slot: Slot,
        /// Label and id asked for.
        wanted: String,
    },
    /// Several keys with that label and id.
    #[error("the token {token} holds several keys for {slot} ({wanted})")]
    KeyTwice {
        /// Label of the token.
        token: String,
        /// For which use.
        slot: Slot,
        /// Label and id asked for.
        wanted: String,
    },
    /// A key that cannot be used here.
    #[error("the HSM's key for {slot} cannot be used: {reason}")]
    KeyUnusable {
        /// For which use.
        slot: Slot,
        /// Why.
        reason: &'static str,
    },
    /// Wrong PIN, and the module tells no number.
    #[error("wrong PIN; {}", if *.few { "few tries are left" } else { "the HSM does not say how many tries are left" })]
    PinWrong {
        /// The token says that there are not many more.
        few: bool,
    },
    /// The token's user PIN is locked.
    #[error("the HSM's PIN is locked")]
    PinLocked,
    /// The session ended in a step that must not be repeated.
    #[error("the HSM ended the session midway; what was begun may or may not have been done")]
    SessionLost,
    /// No session is to be had, or somebody else is logged in.
    #[error("the HSM is in use: {detail}")]
    Busy {
        /// The module's word.
        detail: &'static str,
    },
    /// The module does not give the X coordinate.
    #[error("the HSM does not give out an agreed secret as it is")]
    KdfRefused,
    /// Everything else that a module answers.
    #[error("the HSM answered {step} with {detail}")]
    ModuleFailed {
        /// The PKCS#11 function.
        step: String,
        /// Its return value.
        detail: String,
    },
    /// No such file.
    #[error("there is no key file {path}")]
    SoftMissing {
        /// Its path.
        path: String,
    },
    /// There is one already.
    #[error("there is a key file {path} already")]
    SoftExists {
        /// Its path.
        path: String,
    },
    /// Cut short, altered, or no key file.
    #[error("the key file {path} is damaged: {reason}")]
    SoftDamaged {
        /// Its path.
        path: String,
        /// What was found.
        reason: &'static str,
    },
    /// Too many wrong PINs.
    #[error("too many wrong PINs: the key file is locked for good")]
    SoftLocked,
    /// It cannot be read or written; no PIN was tried.
    #[error("the key file {path} cannot be used: {detail}")]
    SoftUnusable {
        /// Its path.
        path: String,
        /// The system's words.
        detail: String,
    },
}

impl StoreFault {
    /// Tries left, where it is about a PIN and they are known.
    #[must_use]
    pub const fn tries_left(&self) -> Option<u8> {
        match self {
            Self::PinLocked | Self::SoftLocked => Some(0),
            _ => None,
        }
    }
}

impl Coded for StoreFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "store-unsupported",
            Self::CardTwice => "card-two",
            Self::ModuleUnset => "hsm-module-unset",
            Self::ModuleMissing { .. } => "hsm-module-missing",
            Self::TokenMissing { .. } => "hsm-token-missing",
            Self::TokenTwice { .. } => "hsm-token-twice",
            Self::TokenNotReady { .. } => "hsm-token-not-ready",
            Self::KeyMissing { .. } => "hsm-key-missing",
            Self::KeyTwice { .. } => "hsm-key-twice",
            Self::KeyUnusable { .. } => "hsm-key-unusable",
            Self::PinWrong { .. } => "pin-wrong",
            Self::PinLocked | Self::SoftLocked => "pin-blocked",
            Self::SessionLost => "hsm-session-lost",
            Self::Busy { .. } => "hsm-busy",
            Self::KdfRefused => "hsm-kdf-refused",
            Self::ModuleFailed { .. } => "hsm-failed",
            Self::SoftMissing { .. } => "key-file-missing",
            Self::SoftExists { .. } => "key-file-exists",
            Self::SoftDamaged { .. } => "key-file-damaged",
            Self::SoftUnusable { .. } => "key-file-unusable",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "Use a store that can, or leave this step out.",
            Self::CardTwice => "Leave one card in, or name its serial number in the key's URI in the settings.",
            Self::ModuleUnset => "Name it in the settings: module in [pkcs11], or module-path in the key's URI.",
            Self::ModuleMissing { .. } => {
                "Install the HSM maker's software, or correct the module's path in the settings."
            }
            Self::TokenMissing { .. } => {
                "Connect the HSM, insert its token, or correct token= in the key's URI in the settings."
            }
            Self::TokenTwice { .. } => "Add serial= to the key's URI in the settings, so that one token is meant.",
            Self::TokenNotReady { .. } => "Let the HSM's security officer set the user PIN.",
            Self::KeyMissing { .. } => {
                "Make the keys first, or correct object= and id= in the key's URI in the settings."
            }
            Self::KeyTwice { .. } => {
                "Remove the wrong key with the HSM's own tool, or give the right one an id of its own."
            }
            Self::KeyUnusable { .. } => {
                "Make new keys with Wardkey under another label, or change this one with the HSM's own tool."
            }
            Self::PinWrong { .. } => "Type the PIN again; ask the HSM's security officer before the last try.",
            Self::PinLocked => "Ask the HSM's security officer to set a new PIN.",
            Self::SessionLost => "Look with the HSM's own tool which keys are there, then try again.",
            Self::Busy { .. } => "Close the other program that uses the HSM, then try again.",
            Self::KdfRefused => "Let the HSM permit CKM_ECDH1_DERIVE with CKD_NULL, or keep the master key elsewhere.",
            Self::ModuleFailed { .. } => "Try again; if it happens again, tell IT the words above.",
            Self::SoftMissing { .. } => "Make the keys first, or correct the path in the settings.",
            Self::SoftExists { .. } => "Use it, or name another file in the settings.",
            Self::SoftDamaged { .. } => "Restore it from a copy; without one its keys are lost.",
            Self::SoftLocked => "Make a new key file under another name; what was sealed to the old keys is lost.",
            Self::SoftUnusable { .. } => "Give this user the right to read and write the file and its folder.",
        }
    }
}

#[cfg(test)]
mod tests;
