//! The open chart.

use serde::Serialize;
use ts_rs::TS;
use wardkey_core::section::Section;

/// A patient's chart as far as it was granted and loaded.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Chart {
    /// The grant under which it was read.
    pub commitment: String,
    /// Whose.
    pub patient: ChartPatient,
    /// Every section, in the order of the protocol.
    pub sections: Vec<ChartSection>,
    /// Where this read stands in the gateway's log.
    pub log: Option<LogPlace>,
}

/// Whose chart it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ChartPatient {
    /// Patient id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Date of birth, ISO.
    pub birth_date: String,
}

/// Why a section shows what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SectionState {
    /// Entries were read.
    Loaded,
    /// Read, and there is nothing.
    Empty,
    /// The patient did not grant it.
    Withheld,
    /// The gateway refused it.
    Refused,
    /// Granted, but could not be read now (its key is missing).
    NotLoaded,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ChartSection {
    /// Which.
    #[ts(type = "SectionName")]
    pub section: Section,
    /// What its entries mean, above all when there are none.
    pub state: SectionState,
    /// Newest first.
    pub entries: Vec<Entry>,
}

/// How serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Low risk, mild.
    Low,
    /// Moderate.
    Moderate,
    /// High risk, severe.
    High,
}

/// A measured value.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Value {
    /// The number.
    pub number: f64,
    /// Its unit, as written by the source.
    pub unit: String,
    /// Lower end of the normal range.
    pub low: Option<f64>,
    /// Upper end of the normal range.
    pub high: Option<f64>,
}

/// Who wrote an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Source {
    /// Name of the institution.
    pub institution: String,
    /// Name of the card's holder.
    pub author: String,
    /// The holder's role.
    pub role: String,
}

/// Whether the author's signature was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SignatureState {
    /// Signature, device and institution hold.
    Verified,
    /// Altered, or not by whom it says.
    Invalid,
    /// The device could not be looked up now.
    Unknown,
}

/// Which key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SignedWith {
    /// The session key.
    Session,
    /// The card's signature key, with the PIN.
    Signature,
}

/// One record of a section.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Record id.
    pub record: String,
    /// FHIR resource type.
    pub kind: String,
    /// What it is, in words.
    pub title: String,
    /// More of it.
    pub detail: String,
    /// ISO date or date-time of the fact, as precise as the source gives it.
    pub date: String,
    /// Status in the source's words.
    pub status: String,
    /// How serious, where the source says.
    pub severity: Option<Severity>,
    /// A measured value.
    pub value: Option<Value>,
    /// Who wrote it.
    pub source: Source,
    /// Whether the signature was checked.
    pub signature: SignatureState,
    /// Which key signed.
    pub by_key: SignedWith,
}

/// Where a read stands in the gateway's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LogPlace {
    /// Index of the newest line of this read.
    pub index: u64,
    /// Size of the log then.
    pub size: u64,
}
