//! Resources as lines of a chart.

use super::*;
use serde_json::json;

fn read(resource: &Value) -> Facts {
    facts(resource, &Index::default())
}

#[test]
fn allergies_show_substance_reaction_and_the_worse_severity() {
    let f = read(&json!({"resourceType": "AllergyIntolerance", "criticality": "low",
        "clinicalStatus": {"coding": [{"code": "active"}]}, "code": {"coding": [{"display": "Penicillin G"}]},
        "reaction": [{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}, {"manifestation": [{"text": "anaphylaxis"}]}],
        "onsetDateTime": "1998"}));
    assert_eq!(
        (f.title.as_str(), f.detail.as_str(), f.status.as_str()),
        ("Penicillin G", "Anaphylaxis", "active")
    );
    assert_eq!((f.severity, f.date.as_str()), (Some(Severity::High), "1998"));
}

#[test]
fn medications_are_resolved_contained_by_url_and_by_words() {
    let drug = json!({"resourceType": "Medication", "id": "m1", "code": {"text": "Ramipril 5 mg"}});
    let mut index = Index::default();
    index.add(&drug, Some("urn:uuid:0f"));
    for name in [
        "urn:uuid:0f",
        "Medication/m1",
        "https://x.example/fhir/Medication/m1",
        "Medication/m1/_history/2",
    ] {
        let statement = json!({"resourceType": "MedicationStatement", "medicationReference": {"reference": name},
            "dosage": [{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}]});
        let f = facts(&statement, &index);
        assert_eq!(
            (f.title.as_str(), f.detail.as_str()),
            ("Ramipril 5 mg", "1 tablet, 1× per 1 d"),
            "{name}"
        );
    }
    let contained = json!({"resourceType": "MedicationRequest", "medicationReference": {"reference": "#a"},
        "contained": [{"resourceType": "Medication", "id": "a", "ingredient": [{"itemCodeableConcept": {"text": "Aspirin"}}]}]});
    assert_eq!(facts(&contained, &index).title, "Aspirin");
    let words = json!({"resourceType": "MedicationStatement", "medicationReference": {"reference": "urn:uuid:none", "display": "Iron"}});
    assert_eq!(facts(&words, &index).title, "Iron");
}

#[test]
fn observations_carry_value_unit_and_range() {
    let f = read(
        &json!({"resourceType": "Observation", "code": {"text": "Potassium"}, "effectiveDateTime": "2026-01-02",
        "valueQuantity": {"value": 5.9, "unit": "mmol/L"}, "referenceRange": [{"low": {"value": 3.5}, "high": {"value": "5.1"}}],
        "interpretation": [{"coding": [{"code": "H", "display": "High"}]}]}),
    );
    assert_eq!(
        f.value,
        Some(Measured {
            number: 5.9,
            unit: "mmol/L".into(),
            low: Some(3.5),
            high: Some(5.1)
        })
    );
    assert_eq!(f.detail, "5.9 mmol/L · High");
    let pressure = read(
        &json!({"resourceType": "Observation", "code": {"coding": [{"code": "85354-9"}]}, "component": [
        {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
        {"code": {"text": "Diastolic"}, "valueQuantity": {"value": 80, "unit": "mmHg"}}]}),
    );
    assert_eq!(
        (pressure.title.as_str(), pressure.detail.as_str()),
        ("85354-9", "Systolic: 120 mmHg; Diastolic: 80 mmHg")
    );
    assert_eq!(pressure.value, None);
}

#[test]
fn nothing_makes_it_fail() {
    for odd in [
        json!({}),
        json!([]),
        json!(null),
        json!({"resourceType": 5, "code": [], "note": "x", "status": {}}),
        json!({"resourceType": "Observation", "valueQuantity": {"value": "many"}, "component": "none", "referenceRange": {}}),
        json!({"resourceType": "Patient", "name": [], "address": "here", "telecom": {}}),
    ] {
        assert!(!read(&odd).title.is_empty(), "{odd}");
    }
}
