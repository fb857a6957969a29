//! Reading charts: signatures, sections, speed.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::view::Severity;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use wardkey_core::delegation::{Delegation, PrincipalKind, SignedDelegation};
use wardkey_core::id::{Digest, GatewayId};
use wardkey_core::key::SoftKey;
use wardkey_core::record::{RecordHeader, Unsigned};

const DOMAIN: Domain = Domain {
    chain_id: 1,
    contract: [1; 20],
    salt: [2; 32],
};
const PATIENT: PatientId = PatientId([3; 32]);
const HOSPITAL: InstitutionId = InstitutionId([4; 32]);

struct Scene {
    device: SoftKey,
    signature: SoftKey,
    session: SoftKey,
    delegation: SignedDelegation,
    secrets: SectionSecrets,
    writers: HashMap<DeviceId, Writer>,
    next: std::cell::Cell<u8>,
}

impl Scene {
    fn new() -> Self {
        let key = || SoftKey::generate().unwrap();
        let (device, signature, session) = (key(), key(), key());
        let delegation = Delegation {
            principal: device.public().id(),
            kind: PrincipalKind::Device,
            session: session.public(),
            audience: GatewayId([9; 32]),
            not_before: 100,
            expiry: 900,
        };
        let signed = DOMAIN.sign(&device, &delegation.typed()).unwrap();
        let delegation = SignedDelegation {
            delegation,
            signature: signed,
            key: device.public(),
        };
        let certificate = DeviceCertificate {
            institution: HOSPITAL,
            holder: "Dr Amara Diallo".into(),
            role: "Doctor".into(),
            card: "1".into(),
            firmware: "5.4.3".into(),
            device: device.public(),
            signature: signature.public(),
            agreement: key().public(),
            evidence: Digest([0; 32]),
        };
        let writer = Writer {
            institution: Some(HOSPITAL),
            institution_name: "Harbour Hospital".into(),
            certificate: Some(certificate),
        };
        let id = DeviceId::from(device.public().id());
        let secrets =
            [Section::Allergies, Section::Medications, Section::Results].map(|s| ((s.number(), 0), Arc::new(key())));
        Self {
            device,
            signature,
            session,
            delegation,
            secrets: secrets.into(),
            writers: [(id, writer)].into(),
            next: 0.into(),
        }
    }

    fn unsigned(&self, section: Section, resource: &Value) -> Unsigned {
        self.unsigned_of(PATIENT, section, resource)
    }

    fn unsigned_of(&self, patient: PatientId, section: Section, resource: &Value) -> Unsigned {
        self.next.set(self.next.get().wrapping_add(1));
        let mut id = [self.next.get(); 32];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id[1..]).unwrap();
        let header = RecordHeader {
            record: RecordId(id),
            patient,
            section: section.number(),
            epoch: 0,
            version: 1,
            institution: HOSPITAL,
            device: self.device.public().id().into(),
            time: 500,
            kind: unwrap_entry(resource).0["resourceType"].as_str().unwrap().to_owned(),
        };
        let key = self.secrets[&(section.number(), 0)].public();
        Unsigned::seal(&DOMAIN, header, &key, resource.to_string().as_bytes()).unwrap()
    }

    fn record(&self, section: Section, resource: &Value) -> Record {
        self.unsigned(section, resource)
            .sign_in_session(&DOMAIN, &self.session, &self.delegation)
            .unwrap()
    }

    fn read(&self, records: &[Record], sections: &[Section]) -> Vec<ChartSection> {
        let reading = Reading {
            domain: &DOMAIN,
            patient: PATIENT,
            sections,
            secrets: &self.secrets,
            writers: &self.writers,
        };
        reading.sections(records)
    }
}

fn penicillin() -> Value {
    json!({"resourceType": "AllergyIntolerance", "criticality": "high", "code": {"text": "Penicillin"}})
}

#[test]
fn a_verified_entry_with_its_source_and_both_kinds_of_signatures() {
    let scene = Scene::new();
    let unsigned = scene.unsigned(
        Section::Allergies,
        &json!({"resourceType": "AllergyIntolerance", "code": {"text": "Latex"}}),
    );
    let digest = unsigned.digest(&DOMAIN);
    let by_card = unsigned.signed_by_card(scene.signature.sign_digest(&digest).unwrap());
    let sections = scene.read(
        &[scene.record(Section::Allergies, &penicillin()), by_card],
        &[Section::Allergies, Section::Results],
    );
    assert_eq!(
        (sections[0].state, sections[1].state),
        (SectionState::Loaded, SectionState::Empty)
    );
    let [latex, penicillin] = &sections[0].entries[..] else {
        panic!("two entries")
    };
    assert_eq!(
        (penicillin.title.as_str(), penicillin.severity),
        ("Penicillin", Some(Severity::High))
    );
    assert_eq!(penicillin.source.institution, "Harbour Hospital");
    assert_eq!(penicillin.source.author, "Dr Amara Diallo");
    assert_eq!(
        (penicillin.signature, penicillin.by_key),
        (SignatureState::Verified, SignedWith::Session)
    );
    assert_eq!(
        (latex.signature, latex.by_key),
        (SignatureState::Verified, SignedWith::Signature)
    );
}

#[test]
fn what_was_altered_is_shown_as_invalid_and_its_content_is_not_shown() {
    let scene = Scene::new();
    let good = scene.record(Section::Allergies, &penicillin());
    let mut ciphertext = good.clone();
    ciphertext.sealed.ct[3] ^= 1;
    let mut time = good.clone();
    time.header.time += 1;
    let mut patient = good.clone();
    patient.header.patient = PatientId([8; 32]);
    let mut institution = good.clone();
    institution.header.institution = InstitutionId([8; 32]);
    let mut swapped = good.clone();
    swapped.sealed = scene
        .record(
            Section::Allergies,
            &json!({"resourceType": "AllergyIntolerance", "code": {"text": "None"}}),
        )
        .sealed;
    for altered in [ciphertext, time, patient, institution, swapped] {
        let sections = scene.read(&[altered], &[Section::Allergies]);
        let [entry] = &sections[0].entries[..] else {
            panic!("shown, not dropped")
        };
        assert_eq!(entry.signature, SignatureState::Invalid);
        assert_eq!(
            (entry.title.as_str(), entry.detail.as_str(), entry.severity),
            ("AllergyIntolerance", "", None)
        );
    }
    let mut moved = good;
    moved.header.section = Section::Problems.number();
    assert!(
        scene.read(&[moved], &[Section::Allergies])[0].entries.is_empty(),
        "not asked for, so it has no place"
    );
}

#[test]
fn a_good_record_of_another_patient_is_invalid_here_and_its_content_is_not_shown() {
    let scene = Scene::new();
    let other = scene
        .unsigned_of(PatientId([8; 32]), Section::Allergies, &penicillin())
        .sign_in_session(&DOMAIN, &scene.session, &scene.delegation)
        .unwrap();
    let secret = &scene.secrets[&(Section::Allergies.number(), 0)];
    assert!(
        other.verify(&DOMAIN, None).is_ok() && other.open(&DOMAIN, secret).is_ok(),
        "good in itself"
    );
    let sections = scene.read(&[other], &[Section::Allergies]);
    let [entry] = &sections[0].entries[..] else {
        panic!("shown, not dropped")
    };
    assert_eq!(
        (entry.signature, entry.title.as_str(), entry.severity),
        (SignatureState::Invalid, "AllergyIntolerance", None)
    );
}

#[test]
fn an_author_that_cannot_be_looked_up_is_unknown() {
    let mut scene = Scene::new();
    let record = scene.record(Section::Allergies, &penicillin());
    scene.writers.clear();
    let sections = scene.read(&[record], &[Section::Allergies]);
    assert_eq!(sections[0].entries[0].signature, SignatureState::Unknown);
    assert_eq!(sections[0].entries[0].title, "Penicillin");
}

#[test]
fn a_section_without_its_key_is_not_loaded_rather_than_empty() {
    let mut scene = Scene::new();
    let record = scene.record(Section::Allergies, &penicillin());
    scene.secrets.remove(&(Section::Allergies.number(), 0));
    assert_eq!(
        scene.read(&[record], &[Section::Allergies])[0].state,
        SectionState::NotLoaded
    );
    assert_eq!(scene.read(&[], &[Section::Allergies])[0].state, SectionState::NotLoaded);
}

#[test]
fn medications_are_resolved_across_records_and_shown_once() {
    let scene = Scene::new();
    let entry = json!({"fullUrl": "urn:uuid:5f", "resource": {"resourceType": "Medication", "code": {"text": "Ramipril 5 mg"}}});
    let statement = json!({"resourceType": "MedicationStatement", "medicationReference": {"reference": "urn:uuid:5f"}});
    let records = [
        scene.record(Section::Medications, &entry),
        scene.record(Section::Medications, &statement),
    ];
    let sections = scene.read(&records, &[Section::Medications]);
    let titles: Vec<&str> = sections[0].entries.iter().map(|e| e.title.as_str()).collect();
    assert_eq!(titles, ["Ramipril 5 mg"]);
    assert_eq!(sections[0].entries[0].kind, "MedicationStatement");
}

#[test]
fn five_hundred_records_open_in_a_fraction_of_the_budget() {
    let scene = Scene::new();
    let value = |n: usize| {
        json!({"resourceType": "Observation", "code": {"text": "Potassium"}, "effectiveDateTime": format!("2025-01-{:02}", n % 28 + 1),
            "valueQuantity": {"value": 3.5 + (n as f64) / 500.0, "unit": "mmol/L"}})
    };
    let records: Vec<Record> = (0..500).map(|n| scene.record(Section::Results, &value(n))).collect();
    let start = Instant::now();
    let sections = scene.read(&records, &[Section::Results]);
    println!(
        "500 records verified, opened and read in {} ms",
        start.elapsed().as_millis()
    );
    assert_eq!(sections[0].entries.len(), 500);
    assert!(
        sections[0]
            .entries
            .iter()
            .all(|e| e.signature == SignatureState::Verified && e.value.is_some())
    );
}
