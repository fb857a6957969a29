//! From sealed records to a chart: verify, open, understand. Pure and parallel; 500 records take a fraction of 300 ms.

use crate::fhir::{Index, facts, reference, unwrap_entry};
use crate::grants::SectionSecrets;
use crate::view::{ChartSection, Entry, SectionState, SignatureState, SignedWith, Source};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use wardkey_core::device::DeviceCertificate;
use wardkey_core::id::{DeviceId, InstitutionId, PatientId, RecordId};
use wardkey_core::record::{Author, Record};
use wardkey_core::section::Section;
use wardkey_core::typed::Domain;

/// What is known of a record's author. Looked up before; the certificate's digest was compared with the chain's.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// Institution whose signed approval of the device was checked; `None` if that did not hold.
    pub institution: Option<InstitutionId>,
    /// Its name.
    pub institution_name: String,
    /// The device's certificate, if the gateway has it.
    pub certificate: Option<DeviceCertificate>,
}

/// Everything needed to read.
pub struct Reading<'a> {
    /// The deployment.
    pub domain: &'a Domain,
    /// Whose records.
    pub patient: PatientId,
    /// Sections that were asked for.
    pub sections: &'a [Section],
    /// Their keys.
    pub secrets: &'a SectionSecrets,
    /// Authors by device; one that is missing could not be looked up.
    pub writers: &'a HashMap<DeviceId, Writer>,
}

struct Opened<'a> {
    record: &'a Record,
    section: Section,
    signature: SignatureState,
    value: Option<Value>,
    /// The section's key of this epoch is missing.
    locked: bool,
}

/// Resources that mean something only beside what refers to them.
const SUPPORTING: &[&str] = &[
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
    "Endpoint",
    "Provenance",
    "Specimen",
];

impl Reading<'_> {
    /// The sections that were asked for, in their order, with what was found.
    #[must_use]
    pub fn sections(&self, records: &[Record]) -> Vec<ChartSection> {
        let newest = newest(records);
        let opened = self.open_all(&newest);
        let mut index = Index::default();
        for value in opened.iter().filter_map(|o| o.value.as_ref()) {
            let (resource, url) = unwrap_entry(value);
            index.add(resource, url);
        }
        let hidden = hidden(&opened, &index);
        self.sections
            .iter()
            .map(|section| self.section(*section, &opened, &index, &hidden))
            .collect()
    }

    fn section<'a>(
        &self,
        section: Section,
        opened: &'a [Opened<'a>],
        index: &Index<'a>,
        hidden: &HashSet<RecordId>,
    ) -> ChartSection {
        let own = || opened.iter().filter(|o| o.section == section);
        let mut entries: Vec<Entry> = own()
            .filter(|o| !o.locked && !hidden.contains(&o.record.header.record))
            .map(|o| self.entry(o, index))
            .collect();
        entries.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| a.title.cmp(&b.title)));
        let keyless = !self.secrets.keys().any(|(number, _)| *number == section.number());
        let state = match (own().any(|o| o.locked) || keyless, entries.is_empty()) {
            (true, _) => SectionState::NotLoaded,
            (false, true) => SectionState::Empty,
            (false, false) => SectionState::Loaded,
        };
        ChartSection {
            section,
            state,
            entries,
        }
    }

    fn open_all<'a>(&self, records: &[&'a Record]) -> Vec<Opened<'a>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let part = records.len().div_ceil(threads).max(1);
        if records.len() < 16 {
            return records.iter().filter_map(|r| self.open(r)).collect();
        }
        std::thread::scope(|scope| {
            let parts: Vec<_> = records
                .chunks(part)
                .map(|chunk| scope.spawn(move || chunk.iter().filter_map(|r| self.open(r)).collect::<Vec<_>>()))
                .collect();
            parts
                .into_iter()
                .flat_map(|thread| thread.join().unwrap_or_default())
                .collect()
        })
    }

    /// `None` for a record of a section that was not asked for: it has no place in the chart.
    fn open<'a>(&self, record: &'a Record) -> Option<Opened<'a>> {
        let section = Section::from_number(record.header.section).filter(|s| self.sections.contains(s))?;
        let signature = self.check(record);
        let mut opened = Opened {
            record,
            section,
            signature,
            value: None,
            locked: false,
        };
        if signature == SignatureState::Invalid {
            return Some(opened);
        }
        let Some(secret) = self.secrets.get(&(record.header.section, record.header.epoch)) else {
            opened.locked = true;
            return Some(opened);
        };
        match record.open(self.domain, secret) {
            Ok(plain) => opened.value = Some(serde_json::from_slice(&plain).unwrap_or(Value::Null)),
            Err(_) => opened.signature = SignatureState::Invalid,
        }
        Some(opened)
    }

    fn check(&self, record: &Record) -> SignatureState {
        let header = &record.header;
        if header.patient != self.patient {
            return SignatureState::Invalid;
        }
        let Some(writer) = self.writers.get(&header.device) else {
            return SignatureState::Unknown;
        };
        if writer.institution != Some(header.institution) {
            return SignatureState::Invalid;
        }
        let key = writer.certificate.as_ref().map(|c| &c.signature);
        match (record.verify(self.domain, key), key) {
            (Ok(_), _) => SignatureState::Verified,
            (Err(wardkey_core::record::RecordError::NoCertificate), None) => SignatureState::Unknown,
            (Err(_), _) => SignatureState::Invalid,
        }
    }

    fn entry<'a>(&self, opened: &'a Opened<'a>, index: &Index<'a>) -> Entry {
        let header = &opened.record.header;
        let facts = opened
            .value
            .as_ref()
            .map(|value| facts(unwrap_entry(value).0, index))
            .unwrap_or_default();
        let kind: String = header.kind.chars().take(64).collect();
        Entry {
            record: header.record.to_string(),
            title: if facts.title.is_empty() {
                kind.clone()
            } else {
                facts.title
            },
            kind,
            detail: facts.detail,
            date: facts.date,
            status: facts.status,
            severity: facts.severity,
            value: facts.value,
            source: self.source(&header.device, &header.institution),
            signature: opened.signature,
            by_key: signed_with(&opened.record.author),
        }
    }

    fn source(&self, device: &DeviceId, institution: &InstitutionId) -> Source {
        let writer = self.writers.get(device).filter(|w| w.institution == Some(*institution));
        let certificate = writer.and_then(|w| w.certificate.as_ref());
        Source {
            institution: writer.map(|w| w.institution_name.clone()).unwrap_or_default(),
            author: certificate.map(|c| c.holder.clone()).unwrap_or_default(),
            role: certificate.map(|c| c.role.clone()).unwrap_or_default(),
        }
    }
}

/// Which key an author signed with.
#[must_use]
pub const fn signed_with(author: &Author) -> SignedWith {
    match author {
        Author::Session { .. } => SignedWith::Session,
        Author::Signature { .. } => SignedWith::Signature,
    }
}

/// The newest version of each record.
fn newest(records: &[Record]) -> Vec<&Record> {
    let mut versions: HashMap<RecordId, u32> = HashMap::new();
    for header in records.iter().map(|r| &r.header) {
        let version = versions.entry(header.record).or_default();
        *version = (*version).max(header.version);
    }
    records
        .iter()
        .filter(|r| versions.get(&r.header.record) == Some(&r.header.version))
        .collect()
}

/// Supporting resources, and medications and devices that another entry already shows. What is invalid is never hidden.
fn hidden<'a>(opened: &'a [Opened<'a>], index: &Index<'a>) -> HashSet<RecordId> {
    let mut shown_elsewhere: HashSet<*const Value> = HashSet::new();
    for value in opened.iter().filter_map(|o| o.value.as_ref()) {
        let (resource, _) = unwrap_entry(value);
        for name in ["medicationReference", "device"] {
            if let Some(found) = reference(resource, name).0.and_then(|r| index.find(resource, r)) {
                shown_elsewhere.insert(std::ptr::from_ref(found));
            }
        }
    }
    let is_hidden = |o: &&Opened<'a>| {
        o.value.as_ref().is_some_and(|value| {
            let kind = o.record.header.kind.as_str();
            SUPPORTING.contains(&kind) || shown_elsewhere.contains(&std::ptr::from_ref(unwrap_entry(value).0))
        })
    };
    opened
        .iter()
        .filter(is_hidden)
        .map(|o| o.record.header.record)
        .collect()
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
