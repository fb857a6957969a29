//! Who granted access.

use serde::Serialize;
use ts_rs::TS;
use wardkey_core::section::Section;

/// State of a grant now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum GrantState {
    /// Holds.
    Live,
    /// Begins later.
    NotYetValid,
    /// Has ended.
    Expired,
    /// The patient took it back.
    Revoked,
}

/// One grant, as a line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PatientRow {
    /// Commitment of the grant: the row's id.
    pub commitment: String,
    /// Patient id.
    pub patient: String,
    /// Name from the grant's label.
    pub name: String,
    /// Date of birth, ISO.
    pub birth_date: String,
    /// When it was granted.
    pub since: u64,
    /// First second at which it no longer holds.
    pub until: u64,
    /// Sections that may be read.
    #[ts(type = "Array<SectionName>")]
    pub read: Vec<Section>,
    /// Sections that may be written.
    #[ts(type = "Array<SectionName>")]
    pub write: Vec<Section>,
    /// Arrived since this person signed in and not opened yet.
    pub fresh: bool,
    /// State of the grant now.
    pub state: GrantState,
}
