//! Institutions, cards and patients whose keys are all in memory. They do what workstations and phones do.

use super::stage::{Ask, Reply, Signer, Stage};
use crate::operator::Order;
use crate::random;
use serde_json::{Value, json};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::delegation::{Delegation, LONGEST, PrincipalKind, SignedDelegation};
use wardkey_core::device::{Attestation, DeviceCertificate, DeviceRequest};
use wardkey_core::grant::GrantDocument;
use wardkey_core::hpke::{Sealed, seal};
use wardkey_core::http_signature::KeyName;
use wardkey_core::id::{Commitment, Digest, InstitutionId, KeyId, PatientId, RecordId};
use wardkey_core::key::SoftKey;
use wardkey_core::record::{RecordHeader, Unsigned};
use wardkey_core::section::{LOG_SECTION, Section};
use wardkey_core::section_keys::{SectionKey, SectionKeys, wrap_aad, wrap_context};
use wardkey_core::typed::{Domain, structs};

/// Every section's bit.
pub const ALL_SECTIONS: u32 = (1 << 19) - 1;
/// A year, seconds.
const YEAR: u64 = 365 * 24 * 3600;

fn must(reply: &Reply) -> anyhow::Result<()> {
    anyhow::ensure!(
        reply.status.is_success(),
        "{} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    Ok(())
}

impl Stage {
    fn domain(&self) -> &Domain {
        self.gateway.domain()
    }

    fn deadline(&self) -> u64 {
        self.gateway.clock.now() + 600
    }

    /// Signs an action and posts it.
    ///
    /// # Errors
    /// Signing fails, or the answer is broken. A refusal is an answer.
    pub async fn act(&self, key: &SoftKey, action: impl Into<Action>) -> anyhow::Result<Reply> {
        let action = action.into();
        let signature = key.sign(&action.preimage(self.domain()))?;
        self.submit(&SignedAction::one(action, signature)).await
    }

    /// Posts an action.
    ///
    /// # Errors
    /// The answer is broken.
    pub async fn submit(&self, action: &SignedAction) -> anyhow::Result<Reply> {
        self.ask(Ask::post("/v1/actions", &serde_json::to_value(action)?)).await
    }

    /// A delegation for as long as it may hold, posted.
    ///
    /// # Errors
    /// The gateway refuses it.
    pub async fn delegate(&self, key: &SoftKey, kind: PrincipalKind, principal: KeyId) -> anyhow::Result<Session> {
        let (session, now) = (SoftKey::generate()?, self.gateway.clock.now());
        let delegation = Delegation {
            principal,
            kind,
            session: session.public(),
            audience: self.gateway.scribe.gateway(),
            not_before: now,
            expiry: now + LONGEST,
        };
        let signature = self.domain().sign(key, &delegation.typed())?;
        let delegation = SignedDelegation {
            delegation,
            signature,
            key: key.public(),
        };
        must(
            &self
                .ask(Ask::post("/v1/sessions", &serde_json::to_value(&delegation)?))
                .await?,
        )?;
        Ok(Session {
            key: session,
            delegation,
        })
    }
}

/// A short-lived key with its delegation.
#[derive(Debug)]
pub struct Session {
    /// The key.
    pub key: SoftKey,
    /// By whom it was delegated.
    pub delegation: SignedDelegation,
}

impl Session {
    /// Signs requests with the session's key.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer {
            key: &self.key,
            name: KeyName::Session(self.delegation.delegation.session_id()),
        }
    }
}

/// An institution.
#[derive(Debug)]
pub struct Hospital {
    /// Master key.
    pub master: SoftKey,
    /// Agreement key of epoch 1.
    pub agreement: SoftKey,
    /// Id.
    pub id: InstitutionId,
}

impl Hospital {
    /// Registers, not yet accredited.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn register(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let (master, agreement) = (SoftKey::generate()?, SoftKey::generate()?);
        let (m, a) = (master.public(), agreement.public());
        let action = structs::RegisterInstitution {
            institution: m.id().0.into(),
            name: name.to_owned(),
            country: "CH".to_owned(),
            masterX: m.x().into(),
            masterY: m.y().into(),
            agreementX: a.x().into(),
            agreementY: a.y().into(),
            deadline: stage.deadline(),
        };
        must(&stage.act(&master, action).await?)?;
        Ok(Self {
            id: m.id().into(),
            master,
            agreement,
        })
    }

    /// Registers and is accredited.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn open(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let hospital = Self::register(stage, name).await?;
        hospital
            .order(
                stage,
                Order::Accredit {
                    institution: hospital.id,
                },
            )
            .await?;
        Ok(hospital)
    }

    /// Has the operator act.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn order(&self, stage: &Stage, order: Order) -> anyhow::Result<()> {
        let done = stage.gateway.blocking(move |gateway| gateway.obey(order)).await;
        done.map(|_| ()).map_err(|problem| problem.fault.into())
    }

    /// Prepares a card, requests its approval and approves it; `rights` as on chain.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn card(&self, stage: &Stage, holder: &str, rights: u8) -> anyhow::Result<Card> {
        let card = Card::new(self.id, holder)?;
        let request = card.request(stage).await?;
        must(&self.approve(stage, &request, rights).await?)?;
        Ok(card)
    }

    /// Approves a request for a year.
    ///
    /// # Errors
    /// The answer is broken.
    pub async fn approve(&self, stage: &Stage, request: &DeviceRequest, rights: u8) -> anyhow::Result<Reply> {
        let id = self.id;
        let known = stage
            .gateway
            .blocking(move |g| Ok(g.ledger.chain().institution(&id)?))
            .await;
        let nonce = known
            .map_err(|problem| problem.fault)?
            .map_or(0, |institution| institution.nonce);
        let device = request.certificate.device;
        let action: Action = structs::ApproveDevice {
            institution: self.id.0.into(),
            deviceX: device.x().into(),
            deviceY: device.y().into(),
            rights,
            notAfter: stage.gateway.clock.now() + YEAR,
            certificate: request.certificate.digest().0.into(),
            nonce,
            deadline: stage.deadline(),
        }
        .into();
        let signature = self.master.sign(&action.preimage(stage.domain()))?;
        let message = DeviceRequest::typed(&request.certificate, &request.challenge, request.deadline);
        let proof = Some(Proof {
            message,
            signature: request.signature,
        });
        stage
            .submit(&SignedAction {
                proof,
                ..SignedAction::one(action, signature)
            })
            .await
    }

    /// Revokes a card.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn revoke(&self, stage: &Stage, card: &Card) -> anyhow::Result<()> {
        let device = card.device.public().id().0.into();
        let action = structs::RevokeDevice {
            institution: self.id.0.into(),
            device,
            deadline: stage.deadline(),
        };
        must(&stage.act(&self.master, action).await?)
    }

    /// Opens a session with the master key.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn sign_in(&self, stage: &Stage) -> anyhow::Result<Session> {
        stage
            .delegate(&self.master, PrincipalKind::Master, KeyId(self.id.0))
            .await
    }
}

/// A card.
#[derive(Debug)]
pub struct Card {
    /// 9A.
    pub device: SoftKey,
    /// 9C.
    pub signature: SoftKey,
    /// 9D.
    pub agreement: SoftKey,
    /// Its certificate.
    pub certificate: DeviceCertificate,
}

impl Card {
    /// A card with new keys and no attestation.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(institution: InstitutionId, holder: &str) -> anyhow::Result<Self> {
        let (device, signature, agreement) = (SoftKey::generate()?, SoftKey::generate()?, SoftKey::generate()?);
        let certificate = DeviceCertificate {
            institution,
            holder: holder.to_owned(),
            role: "Doctor".to_owned(),
            card: "1".to_owned(),
            firmware: "5.7.1".to_owned(),
            device: device.public(),
            signature: signature.public(),
            agreement: agreement.public(),
            evidence: Attestation::default().digest(),
        };
        Ok(Self {
            device,
            signature,
            agreement,
            certificate,
        })
    }

    /// Requests approval.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn request(&self, stage: &Stage) -> anyhow::Result<DeviceRequest> {
        let reply = stage.ask(Ask::post("/v1/challenges", &json!({}))).await?;
        must(&reply)?;
        let challenge: Digest = serde_json::from_value(reply.json::<Value>()?["challenge"].clone())?;
        let request = self.answer(stage, challenge)?;
        must(
            &stage
                .ask(Ask::post("/v1/device-requests", &serde_json::to_value(&request)?))
                .await?,
        )?;
        Ok(request)
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// Signing fails.
    pub fn answer(&self, stage: &Stage, challenge: Digest) -> anyhow::Result<DeviceRequest> {
        let deadline = stage.gateway.clock.now() + 7 * 24 * 3600;
        let typed = DeviceRequest::typed(&self.certificate, &challenge, deadline);
        Ok(DeviceRequest {
            certificate: self.certificate.clone(),
            challenge,
            deadline,
            signature: stage.domain().sign(&self.device, &typed)?,
            attestation: Attestation::default(),
        })
    }

    /// Opens a session.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn sign_in(&self, stage: &Stage) -> anyhow::Result<Session> {
        stage
            .delegate(&self.device, PrincipalKind::Device, self.device.public().id())
            .await
    }
}

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
        let (domain, to) = (stage.domain(), hospital.agreement.public());
        let mut keys = Vec::new();
        for section in given.document.readable().map(Section::number) {
            let aad = wrap_aad(&self.id, &given.commitment, section, 0);
            let sealed = seal(
                &to,
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
            "agreementEpoch": 1,
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
