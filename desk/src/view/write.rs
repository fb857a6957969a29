//! What is written, imported, sent, and printed.

use crate::notice::Notice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;
use wardkey_core::section::Section;

/// What a draft is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum DraftKind {
    /// An encounter note.
    Note,
    /// A prescription.
    Prescription,
}

impl DraftKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Note, Self::Prescription];
}

/// What was typed and not yet written; one per patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Draft {
    /// What it is to become.
    pub kind: DraftKind,
    /// The note's text.
    pub text: String,
    /// The prescription's fields.
    pub fields: BTreeMap<String, String>,
}

impl Draft {
    /// A note.
    #[must_use]
    pub fn note(text: &str) -> Self {
        Self {
            kind: DraftKind::Note,
            text: text.to_owned(),
            fields: BTreeMap::new(),
        }
    }

    /// True if nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.fields.values().all(String::is_empty)
    }

    /// What was typed of one kind.
    #[must_use]
    pub fn only(&self, kind: DraftKind) -> Self {
        let mut part = self.clone();
        match kind {
            DraftKind::Note => part.fields.clear(),
            DraftKind::Prescription => part.text.clear(),
        }
        part
    }
}

impl From<&Prescription> for Draft {
    fn from(typed: &Prescription) -> Self {
        let fields = [
            ("medication", &typed.medication),
            ("dose", &typed.dose),
            ("quantity", &typed.quantity),
            ("reason", &typed.reason),
        ];
        Self {
            kind: DraftKind::Prescription,
            text: String::new(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.clone())).into(),
        }
    }
}

/// A prescription as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Prescription {
    /// Medication, name and strength.
    pub medication: String,
    /// How to take it.
    pub dose: String,
    /// How much is dispensed.
    pub quantity: String,
    /// What for.
    pub reason: String,
}

/// How many resources go to a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SectionCount {
    /// Which.
    #[ts(type = "SectionName")]
    pub section: Section,
    /// How many.
    pub count: u32,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ImportPreview {
    /// Title of the document.
    pub title: String,
    /// By section, those that would be written.
    pub sections: Vec<SectionCount>,
    /// What the person should know before confirming.
    pub warnings: Vec<Notice>,
    /// How many records would be written.
    pub total: u32,
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ImportDone {
    /// Records put into the outbox.
    pub records: u32,
}

/// State of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum OutboxState {
    /// Durable here, not yet acknowledged.
    Waiting,
    /// On its way.
    Sending,
    /// Acknowledged with a receipt.
    Sent,
    /// Refused by the gateway.
    Refused,
}

/// A write and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct OutboxRow {
    /// Record id.
    pub record: String,
    /// The grant under which it was written.
    pub commitment: String,
    /// Name of the patient; empty while nobody who may read it is signed in.
    pub patient: String,
    /// Section.
    #[ts(type = "SectionName")]
    pub section: Section,
    /// FHIR resource type.
    pub kind: String,
    /// State.
    pub state: OutboxState,
    /// Why it waits or was refused, or its place in the log.
    pub detail: String,
    /// What was typed, of a refused write and for its author alone: to be copied or written again.
    pub typed: Option<Draft>,
    /// When it was written.
    pub at: u64,
}

/// The institution's poster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Poster {
    /// The page as SVG.
    pub svg: String,
    /// What the QR code says.
    pub link: String,
}

/// Where the poster was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct PosterFiles {
    /// Path of the PDF.
    pub pdf: String,
    /// Path of the picture.
    pub png: String,
}
