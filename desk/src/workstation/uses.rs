//! "What did this card read and write since…": the gateway's sealed lines, opened with the institution's agreement key.

use super::Workstation;
use super::sign_in::{must_be_the_chains, unseal_agreement, wrap_peer};
use super::state::Master;
use crate::clock::now;
use crate::error::DeskError;
use crate::grants::Granted;
use crate::notice::Notice;
use crate::view::{DeviceUses, UseAction, UseRow};
use std::collections::{BTreeSet, HashMap};
use wardkey_client::{InkView, InstitutionFacts};
use wardkey_core::epoch::EpochKeys;
use wardkey_core::hpke::open;
use wardkey_core::id::{DeviceId, PatientId};
use wardkey_core::log::Deed;
use wardkey_core::section::Section;
use wardkey_core::uses::{Use, UseKey, ink_aad, ink_context};
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;
use zeroize::Zeroizing;

/// Name and date of birth, as the newest grant of a patient has them.
type Names = HashMap<PatientId, (String, String)>;

impl Workstation {
    /// What a card read and wrote since a time (seconds since 1970), oldest first. One PIN, because the lines are sealed to the
    /// institution. They are the gateway's word; each also stands in its patient's own log.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], and everything of card, PIN and network.
    pub async fn device_uses(&self, device: &str, since: u64) -> Result<DeviceUses, Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let device: DeviceId = device.parse().map_err(|_| DeskError::RequestUnknown)?;
        let (master, facts) = self.fresh_master().await?;
        let certificate = self.gateway.certificate(&device).await?;
        let purpose = format!("See what the card of {} read and wrote", certificate.holder);
        let agreement = self.open_agreement(&facts, "Use of a card", &purpose).await?;
        let (lines, sealed) = self.lines(&master, &agreement, &device, since).await?;
        let names = self.names(&master, &agreement).await?;
        let patients: BTreeSet<PatientId> = lines.iter().map(|line| line.patient).collect();
        Ok(DeviceUses {
            device: device.to_string(),
            holder: certificate.holder,
            card: certificate.card,
            since,
            until: now(),
            patients: u32::try_from(patients.len()).unwrap_or(u32::MAX),
            sealed,
            lines: lines.into_iter().filter_map(|line| row(line, &names)).collect(),
        })
    }

    /// The institution's agreement keys, out of the master key's own wrap.
    async fn open_agreement(&self, facts: &InstitutionFacts, title: &str, purpose: &str) -> Result<EpochKeys, Notice> {
        let key = self.master_key_of(facts).await?;
        let own = self.gateway.wrap(&facts.id, &key.keys.agreement.id()).await?;
        let operations = vec![Operation::Agree {
            slot: Slot::KeyManagement,
            peer: wrap_peer(&own)?,
        }];
        let shared = self
            .card
            .ask_pin(key.job(&facts.name, title, purpose, operations))
            .await?
            .shared()?;
        let agreement = unseal_agreement(&key.network, &facts.id, &key.keys.agreement, &own, &shared)?;
        must_be_the_chains(facts, &own, &agreement)?;
        self.unrolled(&key.network, facts, agreement).await
    }

    /// The card's lines since a time, and how many days' lines are sealed to another key than this one.
    async fn lines(
        &self,
        master: &Master,
        agreement: &EpochKeys,
        device: &DeviceId,
        since: u64,
    ) -> Result<(Vec<Use>, u32), Notice> {
        let (by, id) = (master.by(), &master.facts.id);
        let (mut lines, mut sealed) = (Vec::new(), 0);
        for ink in self.gateway.inks(by, id, since).await? {
            let Some(key) = open_ink(master, agreement, &ink) else {
                sealed += 1;
                continue;
            };
            let tag = key.tag(device);
            let mut from = 0;
            loop {
                let page = self.gateway.uses(by, id, &ink.id, &tag, from).await?;
                let Some(last) = page.last() else { break };
                from = last.number + 1;
                for line in page {
                    lines.push(key.open(line.number, &tag, &line.ct)?);
                }
            }
        }
        lines.retain(|line| line.time >= since);
        lines.sort_by_key(|line| (line.time, line.index));
        Ok((lines, sealed))
    }

    async fn names(&self, master: &Master, agreement: &EpochKeys) -> Result<Names, Notice> {
        let facts = &master.facts;
        let mut names = Names::new();
        for offer in self.gateway.grants(master.by()).await? {
            let granted = Granted::open(offer, &master.network.domain, &facts.id, agreement);
            if let Ok(granted) = granted
                && !granted.name.is_empty()
            {
                let of = granted.patient();
                names.entry(of).or_insert((granted.name, granted.birth_date));
            }
        }
        Ok(names)
    }
}

fn open_ink(master: &Master, agreements: &EpochKeys, ink: &InkView) -> Option<UseKey> {
    let agreement = agreements.get(&ink.epoch)?;
    let aad = ink_aad(&master.facts.id, ink.epoch, &ink.id);
    let plain = open(agreement, &ink_context(&master.network.domain, &aad), &ink.sealed).ok()?;
    let bytes: [u8; 32] = plain.as_slice().try_into().ok()?;
    Some(UseKey::new(Zeroizing::new(bytes)))
}

/// A line whose section does not exist cannot come from the rule, and is left out.
fn row(line: Use, names: &Names) -> Option<UseRow> {
    let (name, birth_date) = names.get(&line.patient).cloned().unwrap_or_default();
    Some(UseRow {
        time: line.time,
        action: match line.action {
            Deed::Read => UseAction::Read,
            Deed::Write => UseAction::Write,
        },
        patient: line.patient.to_string(),
        name,
        birth_date,
        section: Section::from_number(line.section)?,
        reason: line.reason,
        index: line.index,
    })
}
