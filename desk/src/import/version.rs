//! Signs of another FHIR version. A document does not say its version, so only signs that R4 cannot show are counted.

use super::ImportError;
use super::bundle::{Document, Entry};
use serde_json::Value;

pub(super) fn check(document: &Document<'_>) -> Result<(), ImportError> {
    let found = |found, sign: String| Err(ImportError::Version { found, sign });
    for profile in &document.profiles {
        if profile.contains("hl7.org/fhir/5.") || profile.contains("hl7.org/fhir/R5/") {
            return found("R5", profile.clone());
        }
        if profile.contains("hl7.org/fhir/3.0") || profile.contains("hl7.org/fhir/STU3/") {
            return found("STU3", profile.clone());
        }
    }
    for entry in &document.entries {
        if let Some((version, sign)) = sign(entry) {
            return found(version, sign);
        }
    }
    Ok(())
}

fn sign(entry: &Entry<'_>) -> Option<(&'static str, String)> {
    let (kind, of) = (entry.kind.as_str(), &entry.value);
    let has = |name: &str| of.get(name).is_some();
    let is_text = |name: &str| of.get(name).is_some_and(Value::is_string);
    let named = |version, what: &str| Some((version, format!("{kind}.{what}")));
    match kind {
        "MedicationOrder" | "DiagnosticOrder" | "Conformance" | "DeviceUseRequest" => Some(("DSTU2", kind.to_owned())),
        "DeviceUsage" | "MedicationUsage" | "InventoryItem" | "Transport" => Some(("R5", kind.to_owned())),
        "Sequence" | "ProcedureRequest" | "ReferralRequest" | "ImagingManifest" => Some(("STU3", kind.to_owned())),
        "MedicationStatement" if has("wasNotTaken") => named("DSTU2", "wasNotTaken"),
        "MedicationStatement" if has("taken") => named("STU3", "taken"),
        "MedicationStatement" | "MedicationRequest" if of.get("medication").is_some_and(Value::is_object) => named("R5", "medication"),
        "AllergyIntolerance" | "Condition" if is_text("clinicalStatus") => {
            if has("patient") && kind == "Condition" || has("substance") { named("DSTU2", "clinicalStatus") } else { named("STU3", "clinicalStatus") }
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
