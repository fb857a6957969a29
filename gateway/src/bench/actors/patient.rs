//! Patients' phones, and records for them.

use super::card::Card;
use super::hospital::Hospital;
use super::must;
use crate::bench::stage::{Ask, Signer, Stage};
use crate::random;
use serde_json::{Value, json};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::grant::GrantDocument;
use wardkey_core::hpke::{Sealed, seal};
use wardkey_core::http_signature::KeyName;
use wardkey_core::id::{Commitment, PatientId, RecordId};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::record::{RecordHeader, Unsigned};
use wardkey_core::section::{LOG_SECTION, Section};
use wardkey_core::section_keys::{SectionKey, SectionKeys, wrap_aad, wrap_context};
use wardkey_core::typed::structs;

/// Every section's bit.
pub const ALL_SECTIONS: u32 = (1 << 19) - 1;

/// A patient's phone.
#[derive(Debug)]
pub struct Patient {
    /// Root key.
    pub root: SoftKey,
    /// Section keys of epoch 0 by section number; the last is the log key.
    pub sections: Vec<(u8, SoftKey)>,
    /// Id.
    pub id: PatientId,
}

/// A grant that was given.
#[derive(Debug)]
pub struct Given {
    /// Its document.
    pub document: GrantDocument,
    /// Its one-time key.
    pub key: SoftKey,
    /// Its commitment.
    pub commitment: Commitment,
}

/// What a patient allows.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Sections to read.
    pub read: u32,
    /// Sections to write.
    pub write: u32,
    /// First second.
    pub not_before: u64,
    /// First second at which it no longer holds.
    pub expiry: u64,
}

impl Patient {
    /// Makes keys and publishes them.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn begin(stage: &Stage) -> anyhow::Result<Self> {
        let root = SoftKey::generate()?;
        let numbers = Section::ALL.iter().map(|section| section.number()).chain([LOG_SECTION]);
        let sections = numbers
            .map(|n| Ok((n, SoftKey::generate()?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let patient = Self {
            id: root.public().id().into(),
            root,
            sections,
        };
        let list = patient.list(stage)?;
        let target = format!("/v1/patients/{}/section-keys", patient.id);
        must(
            &stage
                .signed(patient.signer(), Ask::put(target, &serde_json::to_value(list)?))
                .await?,
        )?;
        Ok(patient)
    }

    /// The signed list of section keys, version 1.
    ///
    /// # Errors
    /// Signing fails.
    pub fn list(&self, stage: &Stage) -> anyhow::Result<SectionKeys> {
        let keys: Vec<_> = self
            .sections
            .iter()
            .map(|(section, key)| SectionKey {
                section: *section,
                epoch: 0,
                key: key.public(),
            })
            .collect();
        let signature = stage
            .domain()
            .sign(&self.root, &SectionKeys::typed(&self.id, 1, &keys))?;
        Ok(SectionKeys {
            version: 1,
            keys,
            signature,
        })
    }

    /// Signs requests with the root key.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer {
            key: &self.root,
            name: KeyName::Patient(self.id),
        }
    }

    /// A section's key.
    ///
    /// # Errors
    /// No such section.
    pub fn section(&self, section: u8) -> anyhow::Result<&SoftKey> {
        self.sections
            .iter()
            .find(|(n, _)| *n == section)
            .map(|(_, key)| key)
            .ok_or_else(|| anyhow::anyhow!("section {section}"))
    }

    /// A grant's document and one-time key, unsigned.
    ///
    /// # Errors
    /// No randomness.
    pub fn document(&self, stage: &Stage, hospital: &Hospital, terms: Terms) -> anyhow::Result<Given> {
        let (key, domain) = (SoftKey::generate()?, stage.domain());
        let document = GrantDocument {
            patient: self.id,
            institution: hospital.id,
            read: terms.read,
            write: terms.write,
            purpose: 1,
            not_before: terms.not_before,
            expiry: terms.expiry,
            salt: random::bytes()?,
            key: key.public(),
            chain_id: domain.chain_id,
            wardkey: domain.contract,
        };
        Ok(Given {
            commitment: document.commitment(),
            document,
            key,
        })
    }

    /// The body of `POST /v1/grants`.
    ///
    /// # Errors
    /// Signing or sealing fails.
    pub fn body(&self, stage: &Stage, hospital: &Hospital, given: &Given) -> anyhow::Result<Value> {
        self.body_to(stage, &hospital.agreement.public(), 1, given)
    }

    /// [`Patient::body`], sealed to the institution's agreement key of any epoch.
    ///
    /// # Errors
    /// Signing or sealing fails.
    pub fn body_to(&self, stage: &Stage, to: &PublicKey, epoch: u32, given: &Given) -> anyhow::Result<Value> {
        let domain = stage.domain();
        let mut keys = Vec::new();
        for section in given.document.readable().map(Section::number) {
            let aad = wrap_aad(&self.id, &given.commitment, section, 0);
            let sealed = seal(
                to,
                &wrap_context(domain, &aad),
                self.section(section)?.to_bytes().as_slice(),
            )?;
            keys.push(json!({ "section": section, "epoch": 0, "enc": serde_json::to_value(&sealed)?["enc"], "ct": serde_json::to_value(&sealed)?["ct"] }));
        }
        let action: Action = structs::Grant {
            commitment: given.commitment.0.into(),
            deadline: stage.deadline(),
        }
        .into();
        let by_key = given.key.sign(&action.preimage(domain))?;
        Ok(json!({
            "document": hex::encode(given.document.canonical()),
            "patientKey": self.root.public(),
            "signature": domain.sign(&self.root, &given.document.typed())?,
            "sectionKeys": keys,
            "label": Sealed { enc: vec![4; 65], ct: vec![0; 40] },
            "agreementEpoch": epoch,
            "action": SignedAction::by_key(action, given.key.public(), by_key),
        }))
    }

    /// Grants.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn grant(&self, stage: &Stage, hospital: &Hospital, terms: Terms) -> anyhow::Result<Given> {
        let given = self.document(stage, hospital, terms)?;
        let body = self.body(stage, hospital, &given)?;
        must(&stage.signed(self.signer(), Ask::post("/v1/grants", &body)).await?)?;
        Ok(given)
    }

    /// Revokes.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn revoke(&self, stage: &Stage, given: &Given) -> anyhow::Result<()> {
        let action: Action = structs::Revoke {
            commitment: given.commitment.0.into(),
            deadline: stage.deadline(),
        }
        .into();
        let signature = given.key.sign(&action.preimage(stage.domain()))?;
        must(
            &stage
                .submit(&SignedAction::by_key(action, given.key.public(), signature))
                .await?,
        )
    }
}

/// A sealed record of `card`'s institution, not yet signed.
///
/// # Errors
/// No randomness, or sealing fails.
pub fn unsigned(
    stage: &Stage,
    patient: &Patient,
    card: &Card,
    section: u8,
    resource: &[u8],
) -> anyhow::Result<Unsigned> {
    let header = RecordHeader {
        record: RecordId(random::bytes()?),
        patient: patient.id,
        section,
        epoch: 0,
        version: 1,
        institution: card.certificate.institution,
        device: card.certificate.device_id(),
        time: stage.gateway.clock.now(),
        kind: "Observation".to_owned(),
    };
    Ok(Unsigned::seal(
        stage.domain(),
        header,
        &patient.section(section)?.public(),
        resource,
    )?)
}
