//! Signs of another FHIR version. A document does not say its version, and real R4 documents carry a remnant of an older one here
//! and there: what only another version has is refused at once; lesser signs count only where they outnumber those of R4.

use super::ImportError;
use super::bundle::{Document, Entry};
use crate::notice::{Notice, Tone};
use serde_json::Value;

/// Refuses another version; warns of remnants.
pub(super) fn check(document: &Document<'_>) -> Result<Option<Notice>, ImportError> {
    if let Some((found, sign)) = document
        .profiles
        .iter()
        .find_map(|p| by_profile(p))
        .or_else(|| document.entries.iter().find_map(foreign))
    {
        return Err(ImportError::Version { found, sign });
    }
    let signs: Vec<_> = document.entries.iter().filter_map(sign).collect();
    let r4 = document.entries.iter().filter(|e| is_r4(e)).count();
    match signs.first() {
        Some((found, sign)) if signs.len() > r4 => Err(ImportError::Version {
            found,
            sign: sign.clone(),
        }),
        Some((found, sign)) => Ok(Some(Notice::new(
            Tone::Info,
            "import-version-mixed",
            format!("the document is FHIR R4 with remnants of {found}: {sign}"),
            "Nothing to do; compare the entries with the original if something looks odd.",
        ))),
        None => Ok(None),
    }
}

fn by_profile(profile: &str) -> Option<(&'static str, String)> {
    let version = |part: &str| profile.contains(&format!("hl7.org/fhir/{part}"));
    if version("5.") || version("R5/") {
        Some(("R5", profile.to_owned()))
    } else if version("3.0") || version("STU3/") {
        Some(("STU3", profile.to_owned()))
    } else {
        None
    }
}

/// Resource types that R4 does not have.
fn foreign(entry: &Entry<'_>) -> Option<(&'static str, String)> {
    let version = match entry.kind.as_str() {
        "MedicationOrder" | "DiagnosticOrder" | "Conformance" | "DeviceUseRequest" => "DSTU2",
        "Sequence" | "ProcedureRequest" | "ReferralRequest" | "ImagingManifest" => "STU3",
        "DeviceUsage" | "MedicationUsage" | "InventoryItem" | "Transport" => "R5",
        _ => return None,
    };
    Some((version, entry.kind.clone()))
}

/// Shapes that came with R4.
fn is_r4(entry: &Entry<'_>) -> bool {
    let of = &entry.value;
    let ips = of
        .pointer("/meta/profile")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    match entry.kind.as_str() {
        "AllergyIntolerance" | "Condition" if of.get("clinicalStatus").is_some_and(Value::is_object) => true,
        "Immunization" if of.get("occurrenceDateTime").is_some() || of.get("occurrenceString").is_some() => true,
        _ => ips
            .filter_map(Value::as_str)
            .any(|p| p.starts_with("http://hl7.org/fhir/uv/ips/")),
    }
}

fn sign(entry: &Entry<'_>) -> Option<(&'static str, String)> {
    let (kind, of) = (entry.kind.as_str(), &entry.value);
    let has = |name: &str| of.get(name).is_some();
    let is_text = |name: &str| of.get(name).is_some_and(Value::is_string);
    let named = |version, what: &str| Some((version, format!("{kind}.{what}")));
    match kind {
        "MedicationStatement" if has("wasNotTaken") => named("DSTU2", "wasNotTaken"),
        "MedicationStatement" if has("taken") => named("STU3", "taken"),
        "MedicationStatement" | "MedicationRequest" if of.get("medication").is_some_and(Value::is_object) => {
            named("R5", "medication")
        }
        "AllergyIntolerance" | "Condition" if is_text("clinicalStatus") => {
            if has("patient") && kind == "Condition" || has("substance") {
                named("DSTU2", "clinicalStatus")
            } else {
                named("STU3", "clinicalStatus")
            }
        }
        "AllergyIntolerance" | "Condition" if has("assertedDate") => named("STU3", "assertedDate"),
        "AllergyIntolerance" if of.get("type").is_some_and(Value::is_object) => named("R5", "type"),
        "AllergyIntolerance" if has("substance") && !has("code") => named("DSTU2", "substance"),
        "Immunization" if has("notGiven") => named("STU3", "notGiven"),
        "Procedure" if has("notDone") => named("STU3", "notDone"),
        "Procedure" if has("occurrenceDateTime") || has("occurrencePeriod") => named("R5", "occurrence[x]"),
        "Encounter" if of.get("class").is_some_and(Value::is_array) => named("R5", "class"),
        "Composition" if of.get("subject").is_some_and(Value::is_array) => named("R5", "subject"),
        "Composition" if is_text("confidentiality") && has("class") => named("STU3", "class"),
        _ => None,
    }
}
