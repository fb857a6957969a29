//! `soft:/path/file`, or `soft:file` beside the settings file.

use super::{UriError, percent};
use std::fmt;
use std::path::PathBuf;

/// A sealed key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftUri {
    /// Where it is; see [`super::KeyUri::resolved`].
    pub path: PathBuf,
}

pub(super) fn parse(path: &str) -> Result<SoftUri, UriError> {
    if path.contains(['?', '#']) {
        return Err(UriError::value(
            "path",
            "it has a ? or #, which are written as %3F and %23",
        ));
    }
    percent::text("path", path).map(|path| SoftUri { path: path.into() })
}

impl fmt::Display for SoftUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "soft:{}", percent::path(&self.path.to_string_lossy()))
    }
}
