//! A patient summary of a wanted size, made by rule: laboratory values, vital signs, problems, medications.

use serde_json::{Value, json};

const SUBJECT: &str = "urn:uuid:00000000-0000-4000-8000-000000000000";

/// A document bundle with so many resources beside its Composition and Patient.
pub fn of(resources: usize) -> Value {
    let all: Vec<(&str, Value)> = (0..resources).map(resource).collect();
    let mut entries = vec![
        json!({ "fullUrl": url(900_000), "resource": composition(&all) }),
        json!({ "fullUrl": SUBJECT, "resource": patient() }),
    ];
    entries.extend(
        all.into_iter()
            .enumerate()
            .map(|(n, (_, resource))| json!({ "fullUrl": url(n), "resource": resource })),
    );
    json!({ "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-05T10:00:00Z",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": url(900_001) }, "entry": entries })
}

fn url(n: usize) -> String {
    format!("urn:uuid:00000000-0000-4000-8001-{n:012}")
}

fn patient() -> Value {
    json!({ "resourceType": "Patient", "name": [{ "family": "Duarte", "given": ["Amina"] }], "birthDate": "1971-04-23", "gender": "female" })
}

/// The nth resource with its section's LOINC code.
fn resource(n: usize) -> (&'static str, Value) {
    let day = format!("2025-{:02}-{:02}", 1 + n % 12, 1 + n % 28);
    let subject = json!({ "reference": SUBJECT });
    match n % 10 {
        0 => (
            "11450-4",
            json!({ "resourceType": "Condition", "subject": subject, "onsetDateTime": day, "code": { "text": format!("Problem {n}") },
            "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] } }),
        ),
        1 => (
            "10160-0",
            json!({ "resourceType": "MedicationStatement", "subject": subject, "status": "active", "effectiveDateTime": day,
            "medicationCodeableConcept": { "text": format!("Medicine {n}") }, "dosage": [{ "text": "1 tablet a day" }] }),
        ),
        2 => (
            "48765-2",
            json!({ "resourceType": "AllergyIntolerance", "patient": subject, "criticality": "low", "code": { "text": format!("Substance {n}") } }),
        ),
        3..=5 => ("8716-3", observation(n, &day, "Heart rate", "/min", 60 + n % 40)),
        _ => (
            "30954-2",
            observation(n, &day, &format!("Laboratory value {}", n % 60), "mmol/L", n % 12),
        ),
    }
}

fn observation(n: usize, day: &str, name: &str, unit: &str, value: usize) -> Value {
    json!({ "resourceType": "Observation", "id": format!("o{n}"), "status": "final", "subject": { "reference": SUBJECT },
        "effectiveDateTime": day, "code": { "text": name }, "valueQuantity": { "value": value, "unit": unit },
        "referenceRange": [{ "low": { "value": 3 }, "high": { "value": 90 } }] })
}

fn composition(all: &[(&str, Value)]) -> Value {
    let sections: Vec<Value> = ["11450-4", "10160-0", "48765-2", "8716-3", "30954-2"]
        .iter()
        .map(|code| {
            let entry: Vec<Value> = all
                .iter()
                .enumerate()
                .filter(|(_, (section, _))| section == code)
                .map(|(n, _)| json!({ "reference": url(n) }))
                .collect();
            json!({ "title": code, "code": { "coding": [{ "system": "http://loinc.org", "code": code }] }, "entry": entry })
        })
        .collect();
    json!({ "resourceType": "Composition", "status": "final", "title": "Patient summary of 500", "date": "2026-01-05",
        "type": { "coding": [{ "system": "http://loinc.org", "code": "60591-5" }] }, "subject": { "reference": SUBJECT },
        "author": [{ "display": "Measurement" }], "section": sections })
}
