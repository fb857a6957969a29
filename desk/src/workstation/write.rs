//! Writing: drafts, notes, prescriptions. Everything goes to the outbox first.

use super::Workstation;
use super::sign_in::job;
use super::state::Session;
use crate::clock::now;
use crate::compose;
use crate::error::DeskError;
use crate::fhir;
use crate::grants::Granted;
use crate::notice::Notice;
use crate::reading::signed_with;
use crate::store::NewWrite;
use crate::view::{Draft, Entry, Prescription, SectionState, SignatureState, Source, Topic};
use serde_json::Value;
use std::sync::Arc;
use wardkey_core::device::RIGHT_WRITE;
use wardkey_core::id::{Commitment, RecordId};
use wardkey_core::permission::Denial;
use wardkey_core::record::{Record, RecordHeader, Unsigned};
use wardkey_core::section::Section;
use wardkey_core::section_keys::SectionKeys;
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// Everything that a record needs beside its content.
pub(super) struct Pen {
    pub session: Arc<Session>,
    pub granted: Arc<Granted>,
    pub keys: SectionKeys,
}

pub(super) fn new_record_id() -> Result<RecordId, DeskError> {
    let mut id = [0; 32];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id).map_err(|_| DeskError::Internal)?;
    Ok(RecordId(id))
}

impl Pen {
    /// That the patient allowed writing to a section.
    pub fn must_allow(&self, section: Section) -> Result<(), Notice> {
        if self.session.rights & RIGHT_WRITE == 0 {
            return Err(Denial::DeviceRightMissing.into());
        }
        if self.granted.grant.document.write & section.bit() == 0 {
            return Err(DeskError::NotWritable {
                section: section.name().to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// Seals a resource to its section's newest key.
    pub fn seal(
        &self,
        record: RecordId,
        section: Section,
        kind: &str,
        resource: &[u8],
        now: u64,
    ) -> Result<Unsigned, Notice> {
        self.must_allow(section)?;
        let key = self
            .keys
            .newest(section.number())
            .ok_or_else(|| DeskError::NoSectionKey {
                section: section.name().to_owned(),
            })?;
        let header = RecordHeader {
            record,
            patient: self.granted.patient(),
            section: section.number(),
            epoch: key.epoch,
            version: 1,
            institution: self.session.institution,
            device: self.session.certificate.device_id(),
            time: now,
            kind: kind.to_owned(),
        };
        Ok(Unsigned::seal(
            &self.session.network.domain,
            header,
            &key.key,
            resource,
        )?)
    }

    /// Signs with the session key.
    pub fn sign(&self, unsigned: Unsigned) -> Result<Record, Notice> {
        Ok(unsigned.sign_in_session(
            &self.session.network.domain,
            self.session.credential.key(),
            &self.session.delegation,
        )?)
    }

    /// For the outbox.
    pub fn write(&self, record: Record) -> NewWrite {
        NewWrite {
            commitment: self.granted.commitment,
            record,
            patient_name: self.granted.name.clone(),
            typed: None,
        }
    }

    fn author(&self) -> compose::Author<'_> {
        let certificate = &self.session.certificate;
        compose::Author {
            holder: &certificate.holder,
            role: &certificate.role,
            institution: &self.session.institution_name,
        }
    }

    /// The entry that the open chart shows at once.
    fn entry(&self, record: &Record, resource: &Value) -> Entry {
        let facts = fhir::facts(resource, &fhir::Index::default());
        let author = self.author();
        Entry {
            record: record.header.record.to_string(),
            kind: record.header.kind.clone(),
            title: facts.title,
            detail: facts.detail,
            date: facts.date,
            status: facts.status,
            severity: facts.severity,
            value: facts.value,
            source: Source {
                institution: author.institution.to_owned(),
                author: author.holder.to_owned(),
                role: author.role.to_owned(),
            },
            signature: SignatureState::Verified,
            by_key: signed_with(&record.author),
        }
    }
}

impl Workstation {
    /// What a record needs, from the open chart or the gateway.
    pub(super) async fn pen(&self, commitment: &str) -> Result<(Pen, u64), Notice> {
        let (session, generation) = self.session()?;
        let granted = self.live_grant(commitment).await?;
        let keys = {
            let state = self.state();
            let open = state
                .secrets
                .chart
                .as_ref()
                .filter(|c| c.granted.commitment == granted.commitment);
            open.and_then(|c| c.keys.clone())
        };
        let keys = match keys {
            Some(keys) => keys,
            None => self.section_keys(&session, &granted).await?,
        };
        Ok((Pen { session, granted, keys }, generation))
    }

    /// The draft of the signed-in person for this grant.
    ///
    /// # Errors
    /// Nobody is signed in, or the store failed.
    pub async fn draft(&self, commitment: &str) -> Result<Option<Draft>, Notice> {
        let commitment: Commitment = commitment.parse().map_err(|_| DeskError::UnknownGrant)?;
        let (session, _) = self.session()?;
        Ok(self
            .blocking(move |this| this.store.draft(&session.vault, &commitment))
            .await??)
    }

    /// Keeps what was typed, sealed, durably. Also in the moment after the card was pulled: sealing needs no secret.
    ///
    /// # Errors
    /// Nobody is or was signed in; [`crate::store::StoreError::DiskFull`]: the text stays in the window.
    pub async fn save_draft(&self, commitment: &str, draft: Draft) -> Result<(), Notice> {
        let commitment: Commitment = commitment.parse().map_err(|_| DeskError::UnknownGrant)?;
        let vault = {
            let state = self.state();
            state
                .draft_vault
                .filter(|v| state.user.as_ref().is_some_and(|u| u.device == v.device.to_string()))
        };
        let vault = vault.ok_or(DeskError::NotSignedIn)?;
        Ok(self
            .blocking(move |this| this.store.save_draft(&vault, &commitment, &draft))
            .await??)
    }

    /// Writes an encounter note.
    ///
    /// # Errors
    /// Nothing typed, section not writable, disk full; the draft is then kept.
    pub async fn write_note(&self, commitment: &str, text: &str) -> Result<(), Notice> {
        if text.trim().is_empty() {
            return Err(DeskError::EmptyText.into());
        }
        let (pen, _) = self.pen(commitment).await?;
        let (record, now) = (new_record_id()?, now());
        let resource = compose::note(text, &record, &pen.granted.patient(), pen.author(), now);
        let unsigned = pen.seal(
            record,
            Section::Encounters,
            "DocumentReference",
            resource.to_string().as_bytes(),
            now,
        )?;
        let record = pen.sign(unsigned)?;
        let write = NewWrite {
            typed: Some(Draft::note(text)),
            ..pen.write(record)
        };
        self.put(pen, Section::Encounters, write, &resource).await
    }

    /// Writes a prescription, signed by the card's signature key: the PIN is asked for again.
    ///
    /// # Errors
    /// As [`Workstation::write_note`], and everything that the PIN window can answer.
    pub async fn write_prescription(&self, commitment: &str, prescription: Prescription) -> Result<(), Notice> {
        if prescription.medication.trim().is_empty() {
            return Err(DeskError::EmptyText.into());
        }
        let (pen, generation) = self.pen(commitment).await?;
        let (record, now) = (new_record_id()?, now());
        let resource = compose::prescription(&prescription, &record, &pen.granted.patient(), pen.author(), now);
        let unsigned = pen.seal(
            record,
            Section::Medications,
            "MedicationRequest",
            resource.to_string().as_bytes(),
            now,
        )?;
        let record = self.sign_with_card(&pen, unsigned, &prescription).await?;
        self.keep(generation, |_| ())?;
        let write = NewWrite {
            typed: Some(Draft::from(&prescription)),
            ..pen.write(record)
        };
        self.put(pen, Section::Medications, write, &resource).await
    }

    async fn sign_with_card(
        &self,
        pen: &Pen,
        unsigned: Unsigned,
        prescription: &Prescription,
    ) -> Result<Record, Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let info = self.card_info().await?;
        let domain = &pen.session.network.domain;
        let digest = unsigned.digest(domain);
        let purpose = format!(
            "Sign the prescription of {} for {}",
            prescription.medication.trim(),
            pen.granted.name
        );
        let operations = vec![Operation::Sign {
            slot: Slot::Signature,
            digest,
        }];
        let job = job(
            &info,
            &pen.session.institution_name,
            "Sign prescription",
            &purpose,
            operations,
        );
        let record = unsigned.signed_by_card(self.card.ask_pin(job).await?.signature()?);
        record.verify(domain, Some(&pen.session.certificate.signature))?;
        Ok(record)
    }

    /// Into the outbox, where its draft goes with the same step; then the open chart shows the entry.
    async fn put(&self, pen: Pen, section: Section, write: NewWrite, resource: &Value) -> Result<(), Notice> {
        let entry = pen.entry(&write.record, resource);
        let (vault, commitment) = (pen.session.vault.vault(), pen.granted.commitment);
        self.blocking(move |this| this.store.enqueue(&vault, vec![write]))
            .await??;
        self.outbox_due.notify_one();
        self.with_open_chart(&commitment, |chart| {
            let shown = |s: &&mut crate::view::ChartSection| {
                s.section == section && matches!(s.state, SectionState::Loaded | SectionState::Empty)
            };
            if let Some(section) = chart.view.sections.iter_mut().find(shown) {
                section.state = SectionState::Loaded;
                section.entries.insert(0, entry);
            }
        });
        self.tell(&[Topic::Outbox, Topic::Snapshot]);
        Ok(())
    }
}
