//! Which section a resource goes to: where the Composition puts it, else with what refers to it, else by its type.

use super::Planned;
use super::bundle::{Document, Entry};
use crate::fhir::{Index, codes, text};
use serde_json::Value;
use std::collections::HashMap;
use wardkey_core::section::Section;

/// Resources about who and where, not about the patient's state: they never follow a reference into a clinical section.
const ADMINISTRATIVE: &[&str] = &[
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "RelatedPerson",
    "CareTeam",
    "HealthcareService",
    "Coverage",
    "Claim",
    "ExplanationOfBenefit",
    "Provenance",
    "Composition",
    "Encounter",
    "Person",
    "Group",
    "Endpoint",
];

pub(super) fn assign(document: &Document<'_>) -> Vec<Planned> {
    let finder = Finder::new(document);
    let mut sections: Vec<Option<Section>> = vec![None; document.entries.len()];
    if let Some(composition) = document.composition() {
        place_sections(composition, composition, &finder, &mut sections, 0);
    }
    let mut linked = vec![false; document.entries.len()];
    follow_references(document, &finder, &mut sections, &mut linked);
    document
        .entries
        .iter()
        .enumerate()
        .map(|(at, entry)| Planned {
            section: sections[at].unwrap_or_else(|| by_type(entry)),
            kind: entry.kind.clone(),
            bytes: if linked[at] && !names_itself(entry) {
                entry.entry.into()
            } else {
                entry.resource.into()
            },
        })
        .collect()
}

/// True if references find the resource by its own id.
fn names_itself(entry: &Entry<'_>) -> bool {
    let id = text(&entry.value, "id");
    match (&entry.full_url, id) {
        (None, _) => true,
        (Some(url), Some(id)) => url.ends_with(id),
        (Some(_), None) => false,
    }
}

struct Finder<'a> {
    index: Index<'a>,
    places: HashMap<*const Value, usize>,
}

impl<'a> Finder<'a> {
    fn new(document: &'a Document<'_>) -> Self {
        let mut index = Index::default();
        let mut places = HashMap::new();
        for (at, entry) in document.entries.iter().enumerate() {
            index.add(&entry.value, entry.full_url.as_deref());
            places.insert(std::ptr::from_ref(&entry.value), at);
        }
        Self { index, places }
    }

    fn find(&self, within: &'a Value, reference: &str) -> Option<usize> {
        self.places
            .get(&std::ptr::from_ref(self.index.find(within, reference)?))
            .copied()
    }
}

fn place_sections<'a>(composition: &'a Value, of: &Value, finder: &Finder<'a>, out: &mut [Option<Section>], depth: u8) {
    let Some(list) = of.get("section").and_then(Value::as_array) else {
        return;
    };
    for part in list {
        if let Some(section) = section_of(part) {
            for entry in part.get("entry").and_then(Value::as_array).into_iter().flatten() {
                if let Some(at) = text(entry, "reference").and_then(|name| finder.find(composition, name)) {
                    out[at].get_or_insert(section);
                }
            }
        }
        if depth < 8 {
            place_sections(composition, part, finder, out, depth + 1);
        }
    }
}

/// By LOINC code, else by a word of its title.
fn section_of(part: &Value) -> Option<Section> {
    let code = part.get("code").map(codes).unwrap_or_default();
    let by_code = Section::ALL
        .iter()
        .copied()
        .find(|s| s.loinc().is_some_and(|loinc| code.contains(&loinc)));
    by_code.or_else(|| by_title(&text(part, "title").unwrap_or_default().to_lowercase()))
}

fn by_title(title: &str) -> Option<Section> {
    const WORDS: &[(&str, Section)] = &[
        ("allerg", Section::Allergies),
        ("past", Section::PastProblems),
        ("problem", Section::Problems),
        ("medication", Section::Medications),
        ("immuni", Section::Immunizations),
        ("vaccin", Section::Immunizations),
        ("vital", Section::VitalSigns),
        ("result", Section::Results),
        ("procedure", Section::Procedures),
        ("device", Section::Devices),
        ("social", Section::SocialHistory),
        ("pregnan", Section::Pregnancy),
        ("plan", Section::PlanOfCare),
        ("directive", Section::AdvanceDirectives),
        ("alert", Section::Alerts),
        ("functional", Section::FunctionalStatus),
    ];
    WORDS
        .iter()
        .find(|(word, _)| title.contains(word))
        .map(|(_, section)| *section)
}

/// What a placed resource refers to goes with it; `linked` notes whatever is referred to.
fn follow_references(
    document: &Document<'_>,
    finder: &Finder<'_>,
    sections: &mut [Option<Section>],
    linked: &mut [bool],
) {
    // Links are computed once, then followed from placed to unplaced until nothing moves.
    let links: Vec<Vec<usize>> = document
        .entries
        .iter()
        .map(|entry| {
            let mut names = Vec::new();
            references(&entry.value, &mut names, 0);
            names
                .into_iter()
                .filter_map(|name| finder.find(&entry.value, name))
                .collect()
        })
        .collect();
    let clinical = |at: usize| !ADMINISTRATIVE.contains(&document.entries[at].kind.as_str());
    for (from, to) in links
        .iter()
        .enumerate()
        .flat_map(|(from, all)| all.iter().map(move |to| (from, *to)))
    {
        linked[to] |= from != to && clinical(from) && clinical(to);
    }
    for (at, entry) in document.entries.iter().enumerate() {
        if sections[at].is_none() && clinical(at) && !follows(&entry.kind) {
            sections[at] = Some(by_type(entry));
        }
    }
    let mut front: Vec<usize> = (0..sections.len())
        .filter(|at| sections[*at].is_some() && clinical(*at))
        .collect();
    while let Some(from) = front.pop() {
        for &to in &links[from] {
            if sections[to].is_none() && clinical(to) {
                sections[to] = sections[from];
                front.push(to);
            }
        }
    }
}

/// Types that mean something only beside what refers to them.
fn follows(kind: &str) -> bool {
    matches!(
        kind,
        "Medication" | "Specimen" | "Device" | "Media" | "Substance" | "BodyStructure"
    )
}

fn references<'a>(value: &'a Value, out: &mut Vec<&'a str>, depth: u8) {
    match value {
        Value::Object(members) if depth < 32 => {
            if let Some(name) = text(value, "reference") {
                out.push(name);
            }
            members.values().for_each(|member| references(member, out, depth + 1));
        }
        Value::Array(items) if depth < 32 => items.iter().for_each(|item| references(item, out, depth + 1)),
        _ => {}
    }
}

fn by_type(entry: &Entry<'_>) -> Section {
    match entry.kind.as_str() {
        "Patient" => Section::Demographics,
        "Condition" => problem(&entry.value),
        "AllergyIntolerance" => Section::Allergies,
        kind if kind.starts_with("Medication") => Section::Medications,
        "Immunization" | "ImmunizationRecommendation" => Section::Immunizations,
        "Observation" => observation(&entry.value),
        "DiagnosticReport" | "ImagingStudy" | "Specimen" | "Media" => Section::Results,
        "Procedure" => Section::Procedures,
        "Device" | "DeviceUseStatement" => Section::Devices,
        "Consent" => Section::AdvanceDirectives,
        "Flag" => Section::Alerts,
        "ClinicalImpression" => Section::FunctionalStatus,
        "CarePlan" | "Goal" | "ServiceRequest" | "Appointment" => Section::PlanOfCare,
        "Encounter" | "EpisodeOfCare" => Section::Encounters,
        _ => Section::Documents,
    }
}

fn problem(of: &Value) -> Section {
    let status = of.get("clinicalStatus").map(codes).unwrap_or_default();
    if status
        .iter()
        .any(|s| matches!(*s, "resolved" | "inactive" | "remission"))
    {
        Section::PastProblems
    } else {
        Section::Problems
    }
}

fn observation(of: &Value) -> Section {
    let category = of.get("category").map(codes).unwrap_or_default();
    if category.contains(&"vital-signs") {
        Section::VitalSigns
    } else if category.contains(&"social-history") {
        Section::SocialHistory
    } else {
        Section::Results
    }
}
