//! Preparing cards and requesting their approval (IT).

use super::Workstation;
use super::master_key::{MasterKeys, store_of};
use super::sign_in::job;
pub(super) use super::sign_in::job as asked_for;
use super::state::PreparedCard;
use crate::card::CardKeys;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::store::ItSecret;
use crate::view::{
    CardDevice, CardDeviceStatus, CardSlot, CardStatus, DeviceRequested, EvidenceVerdict, Progress, SlotState, Task,
    Topic,
};
use crate::words::words;
use std::collections::BTreeMap;
use wardkey_core::device::{Attestation, DeviceCertificate, DeviceRequest};
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::pinjob::{Operation, PinJobKind};
use wardkey_hsm::prepare::{PrepareSettings, Step, derive_management_key, derive_puk};
use wardkey_hsm::{CardError, CardInfo, Slot};

/// PIN and PUK tries of a new card.
const TRIES: (u8, u8) = (5, 5);
/// Steps that are reported, the choice of the PIN included.
const STEPS: u32 = 8;
/// How long a request may wait for approval, seconds.
pub(super) const REQUEST_LIFE: u64 = 14 * 24 * 3600;
/// Longest name and role, bytes.
const LONGEST: usize = 100;

const fn use_of(slot: Slot) -> &'static str {
    match slot {
        Slot::Authentication => "sign-in",
        Slot::Signature => "signature",
        Slot::KeyManagement => "agreement",
    }
}

fn attestation(evidence: &Evidence) -> Attestation {
    Attestation {
        leaf9a: evidence.leaf9a.clone(),
        leaf9c: evidence.leaf9c.clone(),
        leaf9d: evidence.leaf9d.clone(),
        issuer: evidence.issuer.clone(),
    }
}

/// Name and role as they are kept.
///
/// # Errors
/// [`DeskError::NoHolder`] if one is empty, or longer than 100 bytes.
pub fn named<'a>(holder: &'a str, role: &'a str) -> Result<(&'a str, &'a str), DeskError> {
    let (holder, role) = (holder.trim(), role.trim());
    if [holder, role].iter().all(|text| (1..=LONGEST).contains(&text.len())) {
        Ok((holder, role))
    } else {
        Err(DeskError::NoHolder)
    }
}

impl Workstation {
    /// The card in the reader, or `None`.
    ///
    /// # Errors
    /// The card cannot be read.
    pub async fn card_status(&self) -> Result<Option<CardStatus>, Notice> {
        let info = match self.card_info().await {
            Ok(info) => info,
            Err(notice) if notice.code == "card-absent" => return Ok(None),
            Err(notice) => return Err(notice),
        };
        let prepared = self
            .state()
            .prepared
            .clone()
            .filter(|p| Some(&p.serial) == info.serial.as_ref());
        let verdicts = prepared
            .map(|p| self.verdicts(&p.evidence, &p.keys))
            .unwrap_or_default();
        let slots = info.keys.iter().map(|slot| CardSlot {
            slot: slot.slot.to_string(),
            purpose: use_of(slot.slot).to_owned(),
            state: if slot.public_key.is_some() {
                SlotState::Key
            } else {
                SlotState::Empty
            },
            evidence: verdicts.get(&slot.slot).copied().unwrap_or(EvidenceVerdict::None),
        });
        let slots = slots.collect();
        Ok(Some(CardStatus {
            slots,
            device: self.card_device(&info).await,
            reader: info.reader.clone(),
            serial: info.serial.clone().unwrap_or_default(),
            firmware: info.firmware.clone().unwrap_or_default(),
            prepared: CardKeys::of(&info).is_some() && !info.default_pin,
            pin_tries: info.tries_left,
        }))
    }

    fn verdicts(&self, evidence: &Evidence, keys: &CardKeys) -> BTreeMap<Slot, EvidenceVerdict> {
        let report = self.examine(evidence, keys);
        report
            .slots
            .iter()
            .map(|slot| (slot.slot, super::approvals::verdict(&slot.verdict)))
            .collect()
    }

    async fn card_device(&self, info: &CardInfo) -> Option<CardDevice> {
        let keys = CardKeys::of(info)?;
        let id: DeviceId = keys.authentication.id().into();
        let requested = self.state().requested;
        let mut device = CardDevice {
            id: id.to_string(),
            holder: String::new(),
            role: String::new(),
            status: CardDeviceStatus::Unknown,
        };
        let prepared = self.state().prepared.clone().filter(|p| p.keys == keys);
        if let Some(prepared) = &prepared {
            device.holder.clone_from(&prepared.holder);
            device.role.clone_from(&prepared.role);
        }
        match self.gateway.device(&id).await {
            Ok(facts) => {
                device.status = match facts.status.as_str() {
                    "active" => CardDeviceStatus::Active,
                    "expired" => CardDeviceStatus::Expired,
                    "suspended" => CardDeviceStatus::Suspended,
                    _ => CardDeviceStatus::Revoked,
                };
                if let Ok(certificate) = self.gateway.certificate(&id).await {
                    (device.holder, device.role) = (certificate.holder, certificate.role);
                }
            }
            Err(_) if prepared.is_some() => {
                if let Some(request) = requested
                    && let Ok(state) = self.gateway.device_request(&request).await
                    && state.state == "waiting"
                {
                    device.status = CardDeviceStatus::Waiting;
                }
            }
            Err(_) => {}
        }
        Some(device)
    }

    /// Replaces PUK and management key of a clinician's card, makes its keys, and lets the holder choose a PIN. Goes on with a card
    /// whose preparation was broken off.
    ///
    /// # Errors
    /// Name or role missing, a PIN chosen before, slots in use, no YubiKey, and everything else of [`CardError`].
    pub async fn prepare_card(&self, holder: &str, role: &str) -> Result<(), Notice> {
        let (holder, role) = named(holder, role)?;
        self.prepare(Task::PrepareCard, holder, role).await
    }

    /// The same for the card that is to hold a master key; or makes the master key where the settings say that it is kept.
    ///
    /// # Errors
    /// As [`Workstation::prepare_card`].
    pub async fn prepare_master(&self) -> Result<(), Notice> {
        if let Some(uri) = store_of(&self.settings).cloned() {
            return self.make_master_in(uri).await;
        }
        self.prepare(Task::PrepareMaster, "", "").await?;
        let keys = self.state().prepared.as_ref().map(|p| p.keys);
        if let Some(keys) = keys {
            self.show_unregistered(&MasterKeys::from(&keys));
        }
        Ok(())
    }

    async fn prepare(&self, task: Task, holder: &str, role: &str) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        if self.state().secrets.session.is_some() {
            return Err(DeskError::AlreadySigningIn.into());
        }
        let info = self.card_info().await?;
        // Also when the keys are there: whether PUK and management key were replaced too is for the card to say.
        let open = self.it_secret()?;
        let prepared = self.make_card(task, &info, &open.secret, holder, role).await?;
        self.report(task, "choosePin", STEPS - 1);
        self.first_pin(&info, holder).await?;
        self.report(task, "done", STEPS);
        self.state().prepared = Some(prepared);
        let reader = info.reader.clone();
        self.blocking(move |this| this.read_card(&reader)).await??;
        Ok(())
    }

    /// Everything of a preparation that needs no person.
    pub(super) async fn make_card(
        &self,
        task: Task,
        info: &CardInfo,
        secret: &ItSecret,
        holder: &str,
        role: &str,
    ) -> Result<PreparedCard, Notice> {
        let serial = info.serial.clone().ok_or(CardError::NotYubiKey)?;
        let (evidence, keys) = self.make_keys(task, info, secret, &serial).await?;
        Ok(PreparedCard {
            serial,
            holder: holder.to_owned(),
            role: role.to_owned(),
            evidence,
            keys,
        })
    }

    /// The holder replaces the factory's PIN.
    pub(super) async fn first_pin(&self, info: &CardInfo, holder: &str) -> Result<(), Notice> {
        let asker = self.state().home_name.clone();
        let title = if holder.is_empty() {
            "Choose the master card's PIN".to_owned()
        } else {
            format!("Choose a PIN, {holder}")
        };
        let purpose = "Choose your PIN; nobody else may know it";
        let mut choose = job(info, &asker, &title, purpose, vec![]);
        choose.kind = PinJobKind::Choose;
        self.card.ask_pin(choose).await?;
        Ok(())
    }

    async fn make_keys(
        &self,
        task: Task,
        info: &CardInfo,
        secret: &ItSecret,
        serial: &str,
    ) -> Result<(Evidence, CardKeys), Notice> {
        let (reader, serial, secret) = (info.reader.clone(), serial.to_owned(), secret.clone());
        let made = self
            .blocking(move |this| -> Result<_, Notice> {
                let settings = PrepareSettings {
                    puk: derive_puk(&secret, &serial),
                    management_key: derive_management_key(&secret, &serial),
                    retries: TRIES,
                    overwrite: false,
                };
                let mut done = 0;
                let mut progress = |step: Step| {
                    this.report(task, name(step), done);
                    done += 1;
                };
                Ok(this.card.prepare(&reader, &settings, &mut progress)?)
            })
            .await??;
        let keys = CardKeys {
            authentication: made.authentication,
            signature: made.signature,
            agreement: made.key_management,
        };
        Ok((made.evidence, keys))
    }

    fn report(&self, task: Task, step: &str, done: u32) {
        self.tell_progress(&Progress {
            task,
            step: step.to_owned(),
            done: done.min(STEPS),
            total: STEPS,
        });
    }

    /// Requests approval of the card prepared last: its new key signs a fresh challenge.
    ///
    /// # Errors
    /// No card prepared in this run, another card in the reader, no institution, and everything of card and network.
    pub async fn request_device(&self) -> Result<DeviceRequested, Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let info = self.card_info().await?;
        let prepared = self
            .state()
            .prepared
            .clone()
            .filter(|p| !p.holder.is_empty())
            .ok_or(DeskError::NoHolder)?;
        if info.serial.as_ref() != Some(&prepared.serial) || CardKeys::of(&info) != Some(prepared.keys) {
            let found = info.serial.clone().unwrap_or_default();
            return Err(CardError::WrongCard {
                expected: prepared.serial,
                found,
            }
            .into());
        }
        self.request_for(&info, &prepared).await
    }

    /// The request of a card that is in its reader; opens the PIN window.
    pub(super) async fn request_for(
        &self,
        info: &CardInfo,
        prepared: &PreparedCard,
    ) -> Result<DeviceRequested, Notice> {
        let (network, home) = (self.network().await?, self.home().await?);
        let attestation = attestation(&prepared.evidence);
        let certificate = certificate(&home.id, prepared, info, &attestation);
        let challenge = self.gateway.challenge().await?.challenge;
        let deadline = now() + REQUEST_LIFE;
        let typed = DeviceRequest::typed(&certificate, &challenge, deadline);
        let operations = vec![Operation::Sign {
            slot: Slot::Authentication,
            digest: network.domain.digest(&typed),
        }];
        let purpose = format!("Request approval of this card for {}", prepared.holder);
        let signature = self
            .card
            .ask_pin(job(info, &home.name, "Request approval", &purpose, operations))
            .await?
            .signature()?;
        let request = DeviceRequest {
            certificate,
            challenge,
            deadline,
            signature,
            attestation,
        };
        request.verify(&network.domain)?;
        self.gateway.request_device(&request).await?;
        let digest = request.certificate.digest();
        self.state().requested = Some(digest);
        self.tell(&[Topic::Card, Topic::Requests]);
        Ok(DeviceRequested {
            request: digest.to_string(),
            words: words(&digest),
        })
    }
}

fn certificate(
    institution: &InstitutionId,
    prepared: &PreparedCard,
    info: &CardInfo,
    attestation: &Attestation,
) -> DeviceCertificate {
    DeviceCertificate {
        institution: *institution,
        holder: prepared.holder.clone(),
        role: prepared.role.clone(),
        card: prepared.serial.clone(),
        firmware: info.firmware.clone().unwrap_or_default(),
        device: prepared.keys.authentication,
        signature: prepared.keys.signature,
        agreement: prepared.keys.agreement,
        evidence: attestation.digest(),
    }
}

const fn name(step: Step) -> &'static str {
    match step {
        Step::Checking => "checking",
        Step::SettingRetries => "settingRetries",
        Step::ReplacingSecrets => "replacingSecrets",
        Step::Generating {
            slot: Slot::Authentication,
        } => "generating9a",
        Step::Generating { slot: Slot::Signature } => "generating9c",
        Step::Generating {
            slot: Slot::KeyManagement,
        } => "generating9d",
        Step::Attesting => "attesting",
    }
}
