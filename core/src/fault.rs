//! What every error of Wardkey says: a stable code, what happened, and what to do now.

use serde::{Deserialize, Serialize};

/// An error that a user or a program can act on. `Display` says what happened.
pub trait Coded: std::error::Error {
    /// Stable, kebab-case; listed in `docs/errors.md`; user interfaces translate by it.
    fn code(&self) -> &'static str;
    /// What to do now, one sentence for the person concerned.
    fn action(&self) -> &'static str;

    /// The form in which the error crosses a boundary.
    fn fault(&self) -> Fault {
        Fault {
            code: self.code().to_owned(),
            message: self.to_string(),
            action: self.action().to_owned(),
        }
    }
}

/// A [`Coded`] error as it crosses HTTP, pipes and IPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Fault {
    /// Stable kebab-case code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do now.
    pub action: String,
}

impl Fault {
    /// A fault from its three parts.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, action: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            action: action.to_owned(),
        }
    }
}
