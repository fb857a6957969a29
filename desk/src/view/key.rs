//! The institution's agreement key, as its master-key holders see it.

use serde::Serialize;
use ts_rs::TS;

/// Where the institution's key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct KeyView {
    /// Its epoch, from 1.
    pub epoch: u32,
    /// Whose revoked cards, or which removed master keys, still hold it: it is to be moved.
    pub due: Vec<String>,
    /// How many cards that may act do not have it yet.
    pub missing: u32,
    /// A move was prepared on this terminal and not finished.
    pub pending: bool,
}
