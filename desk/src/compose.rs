//! What a clinician writes, as FHIR R4.
//!
//! A note is a `DocumentReference` with a text/plain attachment: the text stays exactly as typed (a `Composition` would need it turned
//! into XHTML), and every reader of FHIR documents can show it. A prescription is a `MedicationRequest` with intent `order`.

use crate::clock::iso;
use crate::view::Prescription;
use base64::engine::{Engine as _, general_purpose::STANDARD};
use serde_json::{Value, json};
use wardkey_core::id::{PatientId, RecordId};

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// Name.
    pub holder: &'a str,
    /// Role.
    pub role: &'a str,
    /// Name of the institution.
    pub institution: &'a str,
}

impl Author<'_> {
    fn display(&self) -> Value {
        json!({ "display": format!("{}, {}, {}", self.holder, self.role, self.institution) })
    }
}

fn subject(patient: &PatientId) -> Value {
    json!({ "identifier": { "system": "urn:wardkey:patient", "value": patient.to_string() } })
}

fn identifier(record: &RecordId) -> Value {
    json!([{ "system": "urn:wardkey:record", "value": record.to_string() }])
}

/// An encounter note.
#[must_use]
pub fn note(text: &str, record: &RecordId, patient: &PatientId, author: Author<'_>, now: u64) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "identifier": identifier(record),
        "status": "current",
        "docStatus": "final",
        "type": { "coding": [{ "system": "http://loinc.org", "code": "34109-9", "display": "Note" }], "text": "Encounter note" },
        "subject": subject(patient),
        "date": iso(now),
        "author": [author.display()],
        "custodian": { "display": author.institution },
        "content": [{ "attachment": {
            "contentType": "text/plain; charset=utf-8",
            "data": STANDARD.encode(text),
            "title": text.lines().next().unwrap_or_default().chars().take(80).collect::<String>(),
            "creation": iso(now),
        }}],
    })
}

/// A prescription.
#[must_use]
pub fn prescription(of: &Prescription, record: &RecordId, patient: &PatientId, author: Author<'_>, now: u64) -> Value {
    let mut request = json!({
        "resourceType": "MedicationRequest",
        "identifier": identifier(record),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": { "text": of.medication.trim() },
        "subject": subject(patient),
        "authoredOn": iso(now),
        "requester": author.display(),
    });
    let mut put = |name: &str, value: Value| {
        if let Some(members) = request.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if !of.dose.trim().is_empty() {
        put("dosageInstruction", json!([{ "text": of.dose.trim() }]));
    }
    if !of.quantity.trim().is_empty() {
        put("dispenseRequest", quantity(of.quantity.trim()));
    }
    if !of.reason.trim().is_empty() {
        put("reasonCode", json!([{ "text": of.reason.trim() }]));
    }
    request
}

/// A SimpleQuantity where the text begins with a number, else the text as a note of the dispense request's own extension-free kind.
fn quantity(text: &str) -> Value {
    let digits = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').count();
    let (number, unit) = text.split_at(digits);
    match number.parse::<serde_json::Number>() {
        Ok(value) => json!({ "quantity": { "value": value, "unit": unit.trim() } }),
        Err(_) => json!({ "quantity": { "unit": text } }),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::fhir::{Index, facts};

    const AUTHOR: Author<'static> = Author {
        holder: "Dr Lena Brandt",
        role: "Doctor",
        institution: "Summit Clinic",
    };

    #[test]
    fn a_note_reads_back_exactly_as_typed() {
        let text = "Seen at 03:10.\n<b>Not markup</b> & no \"quotes\" lost\n\nPlan: K+ again at 06:00";
        let note = note(text, &RecordId([1; 32]), &PatientId([2; 32]), AUTHOR, 1_770_000_000);
        let read = facts(&note, &Index::default());
        assert_eq!(
            (read.title.as_str(), read.detail.as_str(), read.status.as_str()),
            ("Encounter note", text, "current")
        );
        assert_eq!(read.date, "2026-02-02T02:40:00Z");
    }

    #[test]
    fn a_prescription_reads_back() {
        let typed = Prescription {
            medication: " Amiodarone 200 mg tablet ".into(),
            dose: "1 tablet in the morning".into(),
            quantity: "30 tablets".into(),
            reason: "Atrial fibrillation".into(),
        };
        let request = prescription(&typed, &RecordId([1; 32]), &PatientId([2; 32]), AUTHOR, 0);
        assert_eq!(request.pointer("/dispenseRequest/quantity/value").unwrap(), 30);
        let read = facts(&request, &Index::default());
        assert_eq!(read.title, "Amiodarone 200 mg tablet");
        assert_eq!(
            read.detail,
            "1 tablet in the morning · 30 tablets · Atrial fibrillation"
        );
        let empty = Prescription {
            dose: String::new(),
            quantity: "one box".into(),
            reason: String::new(),
            ..typed
        };
        let request = prescription(&empty, &RecordId([1; 32]), &PatientId([2; 32]), AUTHOR, 0);
        assert_eq!(request.pointer("/dispenseRequest/quantity/unit").unwrap(), "one box");
        assert!(request.get("dosageInstruction").is_none());
    }
}
