//! Bad files, odd files, and every file of a corpus.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use wardkey_core::fault::Coded as _;

const FIXTURE: &[u8] = include_bytes!("../../fixtures/traveller.json");

fn code(bytes: &[u8]) -> &'static str {
    read(bytes, 0).unwrap_err().code()
}

fn of(plan: &Plan, section: Section) -> Vec<&str> {
    plan.resources
        .iter()
        .filter(|r| r.section == section)
        .map(|r| r.kind.as_str())
        .collect()
}

#[test]
fn the_own_fixture_is_split_into_its_sections() {
    let plan = read(FIXTURE, 0).unwrap();
    assert_eq!(plan.patient_name.as_deref(), Some("Mira Okonjo"));
    assert_eq!(plan.birth_date.as_deref(), Some("1961-04-12"));
    assert_eq!(of(&plan, Section::Allergies), ["AllergyIntolerance"]);
    assert_eq!(
        of(&plan, Section::Medications),
        ["MedicationStatement", "Medication", "MedicationStatement"]
    );
    assert_eq!(of(&plan, Section::Problems), ["Condition"]);
    assert_eq!(of(&plan, Section::PastProblems), ["Condition"]);
    assert_eq!(
        of(&plan, Section::Results),
        ["Observation", "Observation", "Observation"]
    );
    assert_eq!(of(&plan, Section::Demographics), ["Patient"]);
    assert_eq!(
        of(&plan, Section::Documents),
        ["Composition", "Practitioner", "Organization"]
    );
    let drug = plan.resources.iter().find(|r| r.kind == "Medication").unwrap();
    let entry: Value = serde_json::from_slice(&drug.bytes).unwrap();
    assert!(
        entry["fullUrl"].as_str().unwrap().starts_with("urn:uuid:"),
        "only its fullUrl names it, so the entry is kept"
    );
}

#[test]
fn what_is_no_document_is_refused_with_a_reason() {
    assert_eq!(code(b""), "import-empty");
    assert_eq!(code(b" \n\t"), "import-empty");
    assert_eq!(code(b"\xef\xbb\xbf"), "import-empty");
    assert_eq!(code(b"hello"), "import-not-json");
    assert_eq!(code(&FIXTURE[..FIXTURE.len() / 2]), "import-not-json");
    assert_eq!(code(b"<?xml version=\"1.0\"?><Bundle/>"), "import-xml");
    assert_eq!(code(b"[1,2]"), "import-not-fhir");
    assert_eq!(code(b"{\"a\":1}"), "import-not-fhir");
    assert_eq!(code(b"{\"resourceType\":\"Patient\"}"), "import-not-a-bundle");
    assert_eq!(
        code(b"{\"resourceType\":\"Bundle\",\"type\":\"document\"}"),
        "import-no-entries"
    );
    assert_eq!(
        code(b"{\"resourceType\":\"Bundle\",\"entry\":[{},{\"resource\":null},3]}"),
        "import-no-entries"
    );
    assert_eq!(code(b"%PDF-1.7 \x00\x01\x02\xff\xfe"), "import-encoding");
    assert_eq!(code(&vec![b' '; 50 << 20]), "import-too-large");
    let deep = format!(
        "{{\"resourceType\":\"Bundle\",\"entry\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        code(deep.as_bytes()),
        "import-no-entries",
        "100,000 brackets neither overflow nor pass"
    );
}

#[test]
fn the_largest_document_is_taken_and_one_byte_more_is_not() {
    let of_size = |size: usize| {
        let mut bytes = FIXTURE.to_vec();
        bytes.resize(size, b' ');
        read(&bytes, 0)
    };
    for size in [LARGEST - 1, LARGEST] {
        assert_eq!(kept(&of_size(size).unwrap()).len(), size);
    }
    let error = of_size(LARGEST + 1).unwrap_err();
    assert_eq!(
        (error.clone(), error.to_string().as_str()),
        (
            ImportError::TooLarge { mib: 9 },
            "the file has 9 MiB; at most 8 MiB can be imported"
        )
    );
}

#[test]
fn other_versions_of_fhir_are_told() {
    let bundle = |resource: Value| {
        json!({"resourceType": "Bundle", "type": "document", "entry": [{"resource": resource}]}).to_string()
    };
    for (resource, version) in [
        (json!({"resourceType": "MedicationOrder"}), "DSTU2"),
        (
            json!({"resourceType": "AllergyIntolerance", "substance": {"text": "x"}}),
            "DSTU2",
        ),
        (
            json!({"resourceType": "AllergyIntolerance", "clinicalStatus": "active"}),
            "STU3",
        ),
        (json!({"resourceType": "MedicationStatement", "taken": "y"}), "STU3"),
        (
            json!({"resourceType": "MedicationStatement", "medication": {"concept": {"text": "x"}}}),
            "R5",
        ),
        (json!({"resourceType": "Encounter", "class": [{"text": "x"}]}), "R5"),
    ] {
        let error = read(bundle(resource.clone()).as_bytes(), 0).unwrap_err();
        assert!(
            matches!(error, ImportError::Version { found, .. } if found == version),
            "{resource}: {error}"
        );
    }
}

#[test]
fn other_encodings_are_converted_and_the_original_is_kept() {
    let text = std::str::from_utf8(FIXTURE).unwrap();
    let plain = read(FIXTURE, 0).unwrap();
    let marked = [b"\xef\xbb\xbf".as_slice(), FIXTURE].concat();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big = [
        b"\xfe\xff".to_vec(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ]
    .concat();
    for bytes in [&marked, &little, &big] {
        let plan = read(bytes, 0).unwrap();
        assert_eq!(plan.resources, plain.resources);
        assert_eq!(kept(&plan), *bytes);
    }
    let latin = b"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"name\":{\"text\":\"J\xf6rg \x8a\"}}}]}";
    let plan = read(latin, 0).unwrap();
    assert_eq!(plan.patient_name.as_deref(), Some("Jörg Š"));
    assert!(plan.warnings.iter().any(|w| w.code == "import-encoding-guessed"));
    assert_eq!(kept(&plan), latin);
}

fn kept(plan: &Plan) -> Vec<u8> {
    original::unwrap(&serde_json::from_slice(&plan.original.bytes).unwrap()).unwrap()
}

/// Every document of the corpus imports or is refused with a reason, and every byte is kept.
fn corpus(folder: &str, refused_at_most: usize) {
    let root = std::env::var_os("WARDKEY_CORPUS").unwrap_or_else(|| panic!("WARDKEY_CORPUS names the corpus folder"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(PathBuf::from(root).join(folder))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    let (mut resources, mut refused) = (0, 0);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match read(&bytes, 0) {
            Ok(plan) => {
                resources += plan.resources.len();
                check(&bytes, &plan, &name);
            }
            Err(error) => {
                refused += 1;
                println!("{name}: refused, {} ({error})", error.code());
            }
        }
    }
    println!(
        "{folder}: {} documents, {resources} resources, {refused} refused",
        files.len()
    );
    assert!(!files.is_empty() && refused <= refused_at_most);
}

fn check(bytes: &[u8], plan: &Plan, name: &str) {
    assert_eq!(kept(plan), bytes, "{name}: the original is kept byte for byte");
    let text = String::from_utf8_lossy(bytes);
    let values: Vec<Value> = plan
        .resources
        .iter()
        .map(|r| serde_json::from_slice(&r.bytes).unwrap())
        .collect();
    let mut index = crate::fhir::Index::default();
    for value in &values {
        let (resource, url) = crate::fhir::unwrap_entry(value);
        index.add(resource, url);
    }
    let mut unnamed = 0;
    for (planned, value) in plan.resources.iter().zip(&values) {
        assert!(
            text.contains(std::str::from_utf8(&planned.bytes).unwrap()),
            "{name}: the source's own bytes"
        );
        let facts = crate::fhir::facts(crate::fhir::unwrap_entry(value).0, &index);
        assert!(!facts.title.is_empty());
        unnamed += usize::from(facts.title == planned.kind && planned.kind.starts_with("Medication"));
    }
    if unnamed > 0 {
        println!("{name}: {unnamed} medications without a name");
    }
}

#[test]
#[cfg_attr(
    not(wardkey_corpus),
    ignore = "set WARDKEY_CORPUS to the folder of the document corpus"
)]
fn every_patient_summary_of_the_corpus() {
    // One of them is STU3 throughout.
    corpus("ips", 1);
}

#[test]
#[cfg_attr(
    not(wardkey_corpus),
    ignore = "set WARDKEY_CORPUS to the folder of the document corpus"
)]
fn every_generated_patient_of_the_corpus() {
    corpus("synthea", 0);
}
