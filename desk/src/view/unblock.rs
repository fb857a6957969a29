//! Unblocking a PIN from afar.

use serde::Serialize;
use ts_rs::TS;

/// This terminal has asked for the unblocking of the card in its reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct UnblockAsked {
    /// Serial number of the card.
    pub card: String,
    /// Six words that the holder reads out to IT.
    pub words: Vec<String>,
    /// First second at which nobody can answer any more.
    pub until: u64,
}

/// A request that IT found by its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct UnblockFound {
    /// Its id.
    pub request: String,
    /// Who holds the card, by the institution's own approval.
    pub holder: String,
    /// As what.
    pub role: String,
    /// Serial number of the card.
    pub card: String,
    /// Name of the terminal that asks.
    pub terminal: String,
    /// When it asked.
    pub time: u64,
}
