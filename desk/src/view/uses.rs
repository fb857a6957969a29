//! What a card did.

use serde::Serialize;
use ts_rs::TS;
use wardkey_core::section::Section;

/// Read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum UseAction {
    /// A section was read.
    Read,
    /// A record was written.
    Write,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UseRow {
    /// When.
    pub time: u64,
    /// What.
    pub action: UseAction,
    /// Patient id.
    pub patient: String,
    /// Patient's name; empty if no grant tells it.
    pub name: String,
    /// Date of birth, ISO; empty if no grant tells it.
    pub birth_date: String,
    /// Section.
    #[ts(type = "SectionName")]
    pub section: Section,
    /// Why, in the holder's words.
    pub reason: String,
    /// Place in the log.
    pub index: u64,
}

/// What a card read and wrote in a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct DeviceUses {
    /// Device id.
    pub device: String,
    /// Who holds the card.
    pub holder: String,
    /// Serial number of the card.
    pub card: String,
    /// From when.
    pub since: u64,
    /// Until when.
    pub until: u64,
    /// Different patients in the lines.
    pub patients: u32,
    /// Days whose lines are sealed to a key that could not be opened; 0 if the report is whole.
    pub sealed: u32,
    /// Oldest first.
    pub lines: Vec<UseRow>,
}
