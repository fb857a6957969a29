//! What the master-key holder decides: requests with their evidence, devices.

use super::Workstation;
use super::master::wrap_for;
use super::proposals::patience;
use super::sign_in::{unseal_agreement, wrap_peer};
use super::state::Master;
use crate::card::CardKeys;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{
    DeviceRow, DeviceStatus, Evidence as EvidenceView, EvidenceSlot, EvidenceVerdict, RequestRow, Topic,
};
use crate::words::words;
use std::path::{Path, PathBuf};
use wardkey_client::{InstitutionFacts, WaitingRequest, WrapTo};
use wardkey_core::action::{Proof, SignedAction};
use wardkey_core::device::{Attestation, DeviceRequest};
use wardkey_core::id::{DeviceId, Digest};
use wardkey_core::typed::structs::ApproveDevice;
use wardkey_hsm::attestation::{Evidence, Report, Roots, RootsError, Verdict, verify};
use wardkey_hsm::pinjob::Operation;
use wardkey_hsm::{PinPolicy, Slot, TouchPolicy};

/// A verdict as it is shown.
pub(super) const fn verdict(of: &Verdict) -> EvidenceVerdict {
    match of {
        Verdict::Genuine => EvidenceVerdict::Verified,
        Verdict::TestRoot => EvidenceVerdict::TestRoot,
        Verdict::NewerThanOurList => EvidenceVerdict::Newer,
        Verdict::Invalid(_) => EvidenceVerdict::Invalid,
        Verdict::None => EvidenceVerdict::None,
    }
}

fn evidence(of: &Attestation) -> Evidence {
    Evidence {
        leaf9a: of.leaf9a.clone(),
        leaf9c: of.leaf9c.clone(),
        leaf9d: of.leaf9d.clone(),
        issuer: of.issuer.clone(),
    }
}

const fn pin_word(policy: PinPolicy) -> &'static str {
    match policy {
        PinPolicy::Never => "never",
        PinPolicy::Once => "once",
        PinPolicy::Always => "always",
    }
}

const fn touch_word(policy: TouchPolicy) -> &'static str {
    match policy {
        TouchPolicy::Never => "never",
        TouchPolicy::Always => "always",
        TouchPolicy::Cached => "cached",
    }
}

pub(super) fn show(report: &Report, card: &str) -> EvidenceView {
    let overall = report.overall();
    let mut detail = match &overall {
        Verdict::Invalid(reason) => reason.clone(),
        _ => String::new(),
    };
    let other = report
        .slots
        .iter()
        .filter_map(|s| s.facts.as_ref()?.serial.as_ref())
        .find(|s| *s != card);
    if let Some(other) = other {
        detail = format!("the evidence is of card {other}, the request names {card}");
    }
    let slots = report.slots.iter().map(|slot| EvidenceSlot {
        slot: slot.slot.to_string(),
        pin: slot
            .facts
            .as_ref()
            .and_then(|f| f.pin_policy)
            .map(pin_word)
            .unwrap_or_default()
            .to_owned(),
        touch: slot
            .facts
            .as_ref()
            .and_then(|f| f.touch_policy)
            .map(touch_word)
            .unwrap_or_default()
            .to_owned(),
    });
    let verdict = if other.is_some() {
        EvidenceVerdict::Invalid
    } else {
        verdict(&overall)
    };
    EvidenceView {
        verdict,
        detail,
        slots: slots.collect(),
    }
}

impl Workstation {
    /// Examines evidence with the roots that the settings name.
    pub(super) fn examine(&self, evidence: &Evidence, keys: &CardKeys) -> Report {
        let expected = [
            (Slot::Authentication, keys.authentication),
            (Slot::Signature, keys.signature),
            (Slot::KeyManagement, keys.agreement),
        ];
        let (makers, tests) = self.roots();
        let examine = |roots: &Roots| verify(evidence, &expected, roots, now());
        // A card is what one list vouches for; where none does, the worst word counts.
        let reports: Vec<Report> = makers.iter().chain(&tests).map(examine).collect();
        let vouched = reports
            .iter()
            .find(|r| matches!(r.overall(), Verdict::TestRoot | Verdict::Genuine));
        let worst = || reports.iter().find(|r| matches!(r.overall(), Verdict::Invalid(_)));
        vouched
            .or_else(worst)
            .or(reports.first())
            .cloned()
            .unwrap_or_else(|| examine(&Roots::default()))
    }

    /// The makers' lists, and the test roots if they count here. What cannot be read is left out: its cards then read "newer than
    /// our list".
    fn roots(&self) -> (Vec<Roots>, Vec<Roots>) {
        let read = |found: Result<Roots, RootsError>| {
            found
                .inspect_err(|error| tracing::warn!(%error, "attestation roots"))
                .ok()
        };
        let makers = self
            .settings
            .attestation_roots
            .iter()
            .filter_map(|folder| read(Roots::from_pem_dir(folder)))
            .collect();
        let tests = self
            .settings
            .test_roots
            .iter()
            .filter(|_| self.settings.trust_test_root);
        let tests = tests
            .flat_map(|path| pem_files(path))
            .filter_map(|file| read(Roots::default().with_test_root(&file)))
            .collect();
        (makers, tests)
    }

    /// Requests that wait for the master-key holder, with their evidence.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn requests(&self) -> Result<Vec<RequestRow>, Notice> {
        let (master, _) = self.fresh_master().await?;
        let mut waiting = self.waiting(&master).await?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        // What another master has approved already waits among the proposals.
        let proposed = self.proposed_approvals(&master).await?;
        waiting.retain(|w| !proposed.contains(&w.request.certificate.digest()));
        let devices = self.devices().await?;
        Ok(waiting.iter().map(|w| self.row(&master, w, &devices)).collect())
    }

    pub(super) async fn waiting(&self, master: &Master) -> Result<Vec<WaitingRequest>, Notice> {
        self.gateway
            .requests(master.by(), &master.facts.id)
            .await
            .map_err(|e| self.heed_master(e))
    }

    pub(super) fn row(&self, master: &Master, waiting: &WaitingRequest, devices: &[DeviceRow]) -> RequestRow {
        let (request, certificate) = (&waiting.request, &waiting.request.certificate);
        let mut evidence = show(&self.evidence_report(request), &certificate.card);
        if request.verify(&master.network.domain).is_err() {
            evidence.verdict = EvidenceVerdict::Invalid;
            evidence.detail = "the request's proof of possession does not hold".to_owned();
        }
        let id = certificate.device_id().to_string();
        RequestRow {
            request: certificate.digest().to_string(),
            holder: certificate.holder.clone(),
            role: certificate.role.clone(),
            card: certificate.card.clone(),
            firmware: certificate.firmware.clone(),
            evidence,
            words: words(&certificate.digest()),
            submitted: waiting.submitted,
            renews: devices.iter().find(|d| d.device == id).map(|d| d.not_after),
            others: devices
                .iter()
                .filter(|d| d.holder == certificate.holder && d.device != id && d.status == DeviceStatus::Active)
                .map(|d| d.card.clone())
                .collect(),
        }
    }

    fn evidence_report(&self, request: &DeviceRequest) -> Report {
        let c = &request.certificate;
        let keys = CardKeys {
            authentication: c.device,
            signature: c.signature,
            agreement: c.agreement,
        };
        self.examine(&evidence(&request.attestation), &keys)
    }

    /// Approves a request: seals the institution's key to the new card and signs the approval with the master key, in one PIN.
    ///
    /// # Errors
    /// The request is gone, its proof or evidence does not hold, and everything of card, PIN and network.
    pub async fn approve(&self, request: &str, rights: u8, not_after: u64) -> Result<(), Notice> {
        if !(1..=3).contains(&rights) || not_after <= now() {
            return Err(DeskError::BadRights.into());
        }
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let (master, facts) = self.fresh_master().await?;
        let request = self.waiting_one(&master, request).await?.request;
        self.must_hold(&master, &request)?;
        let key = self.master_key_of(&facts).await?;
        let (keys, network) = (key.keys, &key.network);
        let own = self.gateway.wrap(&facts.id, &keys.agreement.id()).await?;
        let nonce = self.device_nonce(&request.certificate.device_id()).await?;
        let action = approval(&facts, &request, nonce, rights, not_after);
        let operations = vec![
            Operation::Sign {
                slot: Slot::Signature,
                digest: network.domain.digest(&action),
            },
            Operation::Agree {
                slot: Slot::KeyManagement,
                peer: wrap_peer(&own)?,
            },
        ];
        let purpose = format!(
            "Approve the card of {}, {}",
            request.certificate.holder, request.certificate.role
        );
        let mut answers = self
            .card
            .ask_pin(key.job(&facts.name, "Approve card", &purpose, operations))
            .await?;
        let mut signed = SignedAction::one(action, answers.signature()?);
        signed
            .action
            .verify(&network.domain, &keys.signature, &signed.signatures[0])?;
        let proof = DeviceRequest::typed(&request.certificate, &request.challenge, request.deadline);
        signed.proof = Some(Proof {
            message: proof,
            signature: request.signature,
        });
        let agreement = unseal_agreement(network, &facts.id, &keys.agreement, &own, &*answers.shared()?)?;
        if own.epoch != facts.agreement.epoch || agreement.public() != facts.agreement.key {
            return Err(DeskError::WrongWrap.into());
        }
        let recipient = &request.certificate.agreement;
        let wrap = wrap_for(network, &facts.id, own.epoch, recipient, &agreement)?;
        drop(agreement);
        let to = WrapTo {
            recipient: recipient.id(),
            wrap,
        };
        self.carry_out(&master, &facts, &signed, vec![to]).await?;
        self.tell(&[Topic::Requests, Topic::Devices]);
        Ok(())
    }

    pub(super) async fn waiting_one(&self, master: &Master, request: &str) -> Result<WaitingRequest, Notice> {
        let digest: Digest = request.parse().map_err(|_| DeskError::RequestUnknown)?;
        let found = self
            .waiting(master)
            .await?
            .into_iter()
            .find(|w| w.request.certificate.digest() == digest);
        Ok(found.ok_or(DeskError::RequestUnknown)?)
    }

    /// What must hold before anybody may approve; weaker evidence than a maker's is the holder's to judge.
    pub(super) fn must_hold(&self, master: &Master, request: &DeviceRequest) -> Result<(), Notice> {
        request
            .verify(&master.network.domain)
            .map_err(|_| DeskError::RequestBad)?;
        if request.certificate.institution != master.facts.id {
            return Err(DeskError::RequestBad.into());
        }
        let report = self.evidence_report(request);
        let shown = show(&report, &request.certificate.card);
        match report.overall() {
            Verdict::TestRoot if !self.settings.trust_test_root => Err(DeskError::EvidenceTest.into()),
            Verdict::Invalid(_) => Err(DeskError::EvidenceBad { detail: shown.detail }.into()),
            _ if shown.detail.starts_with("the evidence is of card") => {
                Err(DeskError::EvidenceBad { detail: shown.detail }.into())
            }
            _ => Ok(()),
        }
    }

    /// Nonce of a device's next approval or suspension; the gateway's word, and a false one only makes the chain refuse.
    pub(super) async fn device_nonce(&self, device: &DeviceId) -> Result<u32, Notice> {
        match self.gateway.device(device).await {
            Ok(known) => Ok(known.nonce),
            Err(error) if error.is_missing() => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a request.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn refuse(&self, request: &str, reason: &str) -> Result<(), Notice> {
        let master = self.master()?;
        let digest: Digest = request.parse().map_err(|_| DeskError::RequestUnknown)?;
        self.gateway
            .refuse(master.by(), &master.facts.id, &digest, reason.trim())
            .await
            .map_err(|e| self.heed_master(e))?;
        self.tell(&[Topic::Requests]);
        Ok(())
    }
}

fn approval(
    facts: &InstitutionFacts,
    request: &DeviceRequest,
    nonce: u32,
    rights: u8,
    not_after: u64,
) -> ApproveDevice {
    let certificate = &request.certificate;
    ApproveDevice {
        institution: facts.id.0.into(),
        deviceX: certificate.device.x().into(),
        deviceY: certificate.device.y().into(),
        rights,
        notAfter: not_after,
        certificate: certificate.digest().0.into(),
        masters: facts.history.masters_version(),
        nonce,
        deadline: now() + patience(facts).min(request.deadline.saturating_sub(now())),
    }
}

/// The PEM files of a folder, or the file itself.
fn pem_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries =
        std::fs::read_dir(path).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    entries
        .unwrap_or_default()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "pem"))
        .collect()
}
