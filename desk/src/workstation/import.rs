//! Importing a document: look first, then write.

use super::Workstation;
use super::write::{Pen, new_record_id};
use crate::clock::now;
use crate::error::DeskError;
use crate::import::{self, Plan, Planned};
use crate::notice::{Notice, Tone};
use crate::store::NewWrite;
use crate::view::{ImportDone, ImportPreview, SectionCount, Topic};
use base64::engine::{Engine as _, general_purpose::STANDARD};
use std::collections::BTreeMap;
use wardkey_core::section::Section;

impl Workstation {
    /// Reads a document (base64) and tells what would be written where, and what is odd about it.
    ///
    /// # Errors
    /// [`import::ImportError`], or no right to write anything of it.
    pub async fn import_preview(&self, commitment: &str, bytes_base64: &str) -> Result<ImportPreview, Notice> {
        let (pen, generation) = self.pen(commitment).await?;
        // Checked before decoding, so that a huge file costs little.
        if bytes_base64.len() > import::LARGEST.div_ceil(3) * 4 + 4 {
            return Err(import::ImportError::TooLarge {
                mib: (bytes_base64.len() / 4 * 3).div_ceil(1 << 20),
            }
            .into());
        }
        let bytes = STANDARD
            .decode(bytes_base64.as_bytes())
            .map_err(|_| import::ImportError::NotFhir)?;
        let plan = self.blocking(move |_| import::read(&bytes, now())).await??;
        let preview = preview(&pen, &plan);
        self.keep(generation, |state| {
            state.secrets.import = Some((pen.granted.commitment, plan))
        })?;
        Ok(preview)
    }

    /// Writes the document that was looked at: all its records go to the outbox at once, or none.
    ///
    /// # Errors
    /// [`DeskError::NothingToImport`], or as [`Workstation::write_note`].
    pub async fn import_confirm(&self, commitment: &str) -> Result<ImportDone, Notice> {
        let (pen, generation) = self.pen(commitment).await?;
        let plan = self.keep(generation, |state| state.secrets.import.take())?;
        let (_, plan) = plan
            .filter(|(of, _)| *of == pen.granted.commitment)
            .ok_or(DeskError::NothingToImport)?;
        let write = move |this: &Self| -> Result<(usize, Plan, Result<(), Notice>), Notice> {
            let done = write_all(&pen, &plan).and_then(|writes| {
                let count = writes.len();
                this.store.enqueue(&pen.session.vault.vault(), writes)?;
                Ok(count)
            });
            Ok(match done {
                Ok(count) => (count, plan, Ok(())),
                Err(notice) => (0, plan, Err(notice)),
            })
        };
        let commitment = commitment.parse().map_err(|_| DeskError::UnknownGrant)?;
        let (records, plan, outcome) = self.blocking(write).await??;
        if let Err(notice) = outcome {
            // The document stays chosen, so that it can be tried again.
            let _ = self.keep(generation, |state| state.secrets.import = Some((commitment, plan)));
            return Err(notice);
        }
        self.outbox_due.notify_one();
        self.tell(&[Topic::Outbox, Topic::Snapshot]);
        Ok(ImportDone {
            records: u32::try_from(records).unwrap_or(u32::MAX),
        })
    }
}

fn writable<'a>(pen: &'a Pen, plan: &'a Plan) -> impl Iterator<Item = &'a Planned> {
    plan.resources
        .iter()
        .chain([&plan.original])
        .filter(|p| pen.must_allow(p.section).is_ok())
}

fn preview(pen: &Pen, plan: &Plan) -> ImportPreview {
    let mut counts: BTreeMap<Section, u32> = BTreeMap::new();
    writable(pen, plan).for_each(|p| *counts.entry(p.section).or_default() += 1);
    let mut warnings = plan.warnings.clone();
    warnings.extend(other_patient(pen, plan));
    warnings.extend(left_out(pen, plan));
    ImportPreview {
        title: plan.title.clone(),
        total: counts.values().sum(),
        sections: counts
            .into_iter()
            .map(|(section, count)| SectionCount { section, count })
            .collect(),
        warnings,
    }
}

/// The document's patient against the grant's label.
fn other_patient(pen: &Pen, plan: &Plan) -> Option<Notice> {
    let words = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        words.sort();
        words
    };
    let other_name = plan
        .patient_name
        .as_ref()
        .is_some_and(|name| !pen.granted.name.is_empty() && words(name) != words(&pen.granted.name));
    let other_birth = plan
        .birth_date
        .as_ref()
        .is_some_and(|date| !pen.granted.birth_date.is_empty() && *date != pen.granted.birth_date);
    (other_name || other_birth).then(|| {
        let about = [plan.patient_name.as_deref(), plan.birth_date.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ");
        Notice::new(
            Tone::Danger,
            "import-other-patient",
            format!("the document is about {about}"),
            "Compare name and date of birth with the open patient before you confirm.",
        )
    })
}

fn left_out(pen: &Pen, plan: &Plan) -> Vec<Notice> {
    let mut counts: BTreeMap<Section, u32> = BTreeMap::new();
    let refused = plan
        .resources
        .iter()
        .chain([&plan.original])
        .filter(|p| pen.must_allow(p.section).is_err());
    refused.for_each(|p| *counts.entry(p.section).or_default() += 1);
    let warn = |(section, count): (Section, u32)| {
        Notice::new(
            Tone::Warning,
            "import-section-not-writable",
            format!(
                "{count} resources of {} are left out: the patient did not allow writing there",
                section.name()
            ),
            "Ask the patient for this right first, if they matter.",
        )
    };
    counts.into_iter().map(warn).collect()
}

fn write_all(pen: &Pen, plan: &Plan) -> Result<Vec<NewWrite>, Notice> {
    let now = now();
    let seal = |planned: &Planned| {
        let unsigned = pen.seal(new_record_id()?, planned.section, &planned.kind, &planned.bytes, now)?;
        Ok(pen.write(pen.sign(unsigned)?))
    };
    let writes = writable(pen, plan).map(seal).collect::<Result<Vec<_>, Notice>>()?;
    if writes.is_empty() {
        Err(DeskError::NothingToImport.into())
    } else {
        Ok(writes)
    }
}
