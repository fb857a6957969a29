//! What can go wrong around the card; the card's own refusals are status words.

/// A failure of the virtual card or of the rig.
#[derive(Debug, thiserror::Error)]
pub enum CardFault {
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    File {
        /// Which file and what for.
        what: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The state file holds something else.
    #[error("the state file cannot be read: {0}")]
    State(String),
    /// A certificate could not be made.
    #[error("the test attestation failed: {0}")]
    Certificate(String),
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// `pcscd` or `vpcd` is missing or does not come up.
    #[error("{0}")]
    Service(String),
}

impl CardFault {
    pub(crate) fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { what, source }
    }
}

impl From<rcgen::Error> for CardFault {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}
