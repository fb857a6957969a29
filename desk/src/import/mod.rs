//! Import of an IPS document (or any FHIR R4 Bundle): read leniently, every byte kept, split into sections.

mod assign;
mod bundle;
mod encoding;
mod error;
pub mod original;
mod version;

pub use error::ImportError;

use crate::fhir::{self, text};
use crate::notice::{Notice, Tone};
use bundle::Document;
use wardkey_core::section::Section;

/// Largest document: sealed and encoded twice it must fit into one record.
pub const LARGEST: usize = 8 << 20;
/// Most resources of a document.
pub const MOST: usize = 10_000;

/// A resource and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Section.
    pub section: Section,
    /// FHIR resource type.
    pub kind: String,
    /// The source's own bytes: of the resource, or of its entry where only `fullUrl` names it.
    pub bytes: Vec<u8>,
}

/// What a document would become.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Title of the document.
    pub title: String,
    /// Name of the patient that it is about.
    pub patient_name: Option<String>,
    /// That patient's date of birth.
    pub birth_date: Option<String>,
    /// By section, in the document's order.
    pub resources: Vec<Planned>,
    /// The document itself, byte for byte, as a DocumentReference.
    pub original: Planned,
    /// What the person should know.
    pub warnings: Vec<Notice>,
}

/// Reads a document.
///
/// # Errors
/// [`ImportError`]: what it is instead, and what to do.
pub fn read(bytes: &[u8], now: u64) -> Result<Plan, ImportError> {
    if bytes.len() > LARGEST {
        return Err(ImportError::TooLarge {
            mib: bytes.len().div_ceil(1 << 20),
        });
    }
    let decoded = encoding::decode(bytes)?;
    let document = Document::parse(&decoded.text)?;
    if document.entries.len() > MOST {
        return Err(ImportError::TooMany {
            count: document.entries.len(),
        });
    }
    let remnants = version::check(&document)?;
    let mut warnings: Vec<Notice> = decoded.warning.into_iter().chain(remnants).collect();
    warnings.extend(irregularities(&document));
    let patient = document.patient();
    Ok(Plan {
        title: document.title(),
        patient_name: patient.and_then(|p| p.get("name")).and_then(fhir::human_name),
        birth_date: patient.and_then(|p| text(p, "birthDate")).map(str::to_owned),
        resources: assign::assign(&document),
        original: original::wrap(bytes, &document.title(), now),
        warnings,
    })
}

fn irregularities(document: &Document<'_>) -> Vec<Notice> {
    let warn = |code: &str, message: String, action: &str| Notice::new(Tone::Info, code, message, action);
    let mut out = Vec::new();
    let unnamed = document.entries.iter().filter(|e| e.full_url.is_none()).count();
    if unnamed > 0 {
        out.push(warn(
            "import-no-full-url",
            format!("{unnamed} entries have no fullUrl"),
            "Nothing to do; links between entries may be missing.",
        ));
    }
    if document.skipped > 0 {
        out.push(warn(
            "import-entry-skipped",
            format!("{} entries hold no resource", document.skipped),
            "Nothing to do; the original is kept whole.",
        ));
    }
    if document.kind == "document" && document.composition().is_none() {
        out.push(warn(
            "import-no-composition",
            "the document has no table of contents".to_owned(),
            "Check that every entry is in the right section.",
        ));
    }
    out
}

#[cfg(test)]
mod tests;
