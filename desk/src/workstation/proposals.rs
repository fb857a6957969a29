//! Actions that need the signatures of several master keys: proposed by one holder, signed by the others at their own terminals.

use super::Workstation;
use super::master::DEADLINE;
use super::state::Master;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{ProposalKind, ProposalRow, ProposalState, RequestRow, SignatureRow, Topic};
use crate::words::words;
use std::collections::HashSet;
use wardkey_client::{InstitutionFacts, Proposed, WrapTo};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::{DeviceId, Digest};
use wardkey_core::key::PublicKey;
use wardkey_core::masters::Masters;
use wardkey_core::typed::structs::{ApproveDevice, SetSuspension};
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// How long a proposal may gather signatures, seconds.
const WEEK: u64 = 7 * 86_400;

/// How long an action of several masters may take from the first card to the chain.
pub(super) fn patience(facts: &InstitutionFacts) -> u64 {
    if facts.history.masters().threshold() > 1 {
        WEEK
    } else {
        DEADLINE
    }
}

/// A master key's short name, the same on every terminal.
pub(super) fn short(key: &PublicKey) -> String {
    key.id().to_string().chars().take(8).collect()
}

impl Workstation {
    /// Brings an action onto the chain, or before the other masters if more of them must sign.
    pub(super) async fn carry_out(
        &self,
        master: &Master,
        facts: &InstitutionFacts,
        signed: &SignedAction,
        wraps: Vec<WrapTo>,
    ) -> Result<(), Notice> {
        if facts.history.masters().threshold() > 1 {
            let proposed = self.gateway.propose(master.by(), &facts.id, signed, &wraps).await;
            proposed.map_err(|e| self.heed_master(e))?;
            return Ok(());
        }
        // The wraps first: a card that is approved can then always sign in.
        for to in &wraps {
            let put = self
                .gateway
                .put_wrap(master.by(), &facts.id, &to.recipient, &to.wrap)
                .await;
            put.map_err(|e| self.heed_master(e))?;
        }
        self.gateway.act(signed).await?;
        Ok(())
    }

    async fn all_proposals(&self, master: &Master) -> Result<Vec<Proposed>, Notice> {
        let listed = self.gateway.proposals(master.by(), &master.facts.id).await;
        listed.map_err(|e| self.heed_master(e))
    }

    /// Certificates whose approval waits for further signatures.
    pub(super) async fn proposed_approvals(&self, master: &Master) -> Result<HashSet<Digest>, Notice> {
        let open = self
            .all_proposals(master)
            .await?
            .into_iter()
            .filter(|p| p.state == "open");
        Ok(open
            .filter_map(|p| match p.action {
                Action::ApproveDevice(m) => Some(Digest(m.certificate.0)),
                _ => None,
            })
            .collect())
    }

    /// What waits for the masters' signatures, and what ended lately; only what is as it was signed.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn proposals(&self) -> Result<Vec<ProposalRow>, Notice> {
        let (master, facts) = self.fresh_master().await?;
        let proposals = self.all_proposals(&master).await?;
        let waiting = self.waiting(&master).await?;
        let devices = self.devices().await?;
        let waiting: Vec<_> = waiting
            .iter()
            .map(|w| (w.request.certificate.digest(), self.row(&master, w, &devices)))
            .collect();
        let mut rows = Vec::new();
        for proposal in &proposals {
            match self.proposal_row(&master, &facts, &waiting, proposal).await {
                Ok(row) => rows.push(row),
                Err(notice) => tracing::warn!(code = %notice.code, "a proposal from the gateway does not hold"),
            }
        }
        Ok(rows)
    }

    async fn proposal_row(
        &self,
        master: &Master,
        facts: &InstitutionFacts,
        waiting: &[(Digest, RequestRow)],
        proposed: &Proposed,
    ) -> Result<ProposalRow, Notice> {
        let digest = proposed.action.digest(&master.network.domain);
        if digest != proposed.proposal {
            return Err(DeskError::ProposalFalse.into());
        }
        let signatures = proposed.signatures.iter();
        let holds = |s: &&wardkey_client::ProposedSignature| {
            proposed
                .action
                .verify(&master.network.domain, &s.key, &s.signature)
                .is_ok()
        };
        let blank = ProposalRow {
            proposal: digest.to_string(),
            kind: ProposalKind::Masters,
            holder: String::new(),
            role: String::new(),
            card: String::new(),
            rights: 0,
            not_after: 0,
            evidence: None,
            words: words(&digest),
            masters: vec![],
            threshold: 0,
            proposer: short(&proposed.proposer),
            proposed: proposed.proposed,
            signatures: signatures
                .filter(holds)
                .map(|s| SignatureRow {
                    name: short(&s.key),
                    own: s.key == master.key,
                    at: s.at,
                })
                .collect(),
            needed: facts.history.masters().threshold(),
            deadline: proposed.action.deadline(),
            state: match proposed.state.as_str() {
                "open" => ProposalState::Open,
                "done" => ProposalState::Done,
                "withdrawn" => ProposalState::Withdrawn,
                _ => ProposalState::Stale,
            },
            reason: proposed.reason.clone().unwrap_or_default(),
        };
        match &proposed.action {
            Action::ApproveDevice(m) => self.approval_row(waiting, m, blank).await,
            Action::SetSuspension(m) => self.suspension_row(m, blank).await,
            Action::SetMasters(m) => {
                let new = Masters::of_change(m).map_err(|_| DeskError::ProposalFalse)?;
                let current: Vec<_> = facts.history.masters().keys().iter().map(|k| k.key).collect();
                let added = u8::try_from(new.new_to(&current).len()).unwrap_or(u8::MAX);
                Ok(ProposalRow {
                    masters: new.keys().iter().map(|k| short(&k.key)).collect(),
                    threshold: new.threshold(),
                    needed: blank.needed.saturating_add(added),
                    ..blank
                })
            }
            _ => Err(DeskError::ProposalFalse.into()),
        }
    }

    async fn approval_row(
        &self,
        waiting: &[(Digest, RequestRow)],
        m: &ApproveDevice,
        blank: ProposalRow,
    ) -> Result<ProposalRow, Notice> {
        let row = waiting
            .iter()
            .find(|(id, _)| id.0 == m.certificate.0)
            .map(|(_, row)| row);
        let (holder, role, card) = match row {
            Some(row) => (row.holder.clone(), row.role.clone(), row.card.clone()),
            // It was approved or refused meanwhile.
            None => {
                let device = PublicKey::from_xy(&m.deviceX.0, &m.deviceY.0)?.id().into();
                let known = self.gateway.certificate(&device).await.ok();
                known.map(|c| (c.holder, c.role, c.card)).unwrap_or_default()
            }
        };
        Ok(ProposalRow {
            kind: ProposalKind::Approve,
            holder,
            role,
            card,
            rights: m.rights,
            not_after: m.notAfter,
            words: words(&Digest(m.certificate.0)),
            evidence: row.map(|r| r.evidence.clone()),
            ..blank
        })
    }

    async fn suspension_row(&self, m: &SetSuspension, blank: ProposalRow) -> Result<ProposalRow, Notice> {
        let certificate = self.gateway.certificate(&DeviceId(m.device.0)).await?;
        Ok(ProposalRow {
            kind: if m.suspended {
                ProposalKind::Suspend
            } else {
                ProposalKind::Resume
            },
            holder: certificate.holder,
            role: certificate.role,
            card: certificate.card,
            needed: if m.suspended { 1 } else { blank.needed },
            ..blank
        })
    }

    /// Signs what another master proposed, after the same checks as if it were proposed here.
    ///
    /// # Errors
    /// [`DeskError::ProposalUnknown`], [`DeskError::ProposalFalse`], those of an approval, and everything of card, PIN and network.
    pub async fn cosign(&self, proposal: &str) -> Result<(), Notice> {
        let (master, facts) = self.fresh_master().await?;
        let id: Digest = proposal.parse().map_err(|_| DeskError::ProposalUnknown)?;
        let found = self.all_proposals(&master).await?.into_iter();
        let open = found.filter(|p| p.state == "open").find(|p| p.proposal == id);
        let proposed = open.ok_or(DeskError::ProposalUnknown)?;
        if proposed.action.digest(&master.network.domain) != id {
            return Err(DeskError::ProposalFalse.into());
        }
        let what = self.must_be_right(&master, &proposed).await?;
        let signed = self
            .sign_as_master(&facts, proposed.action, "Second signature", &what)
            .await?;
        let signature = &signed.signatures[0];
        let added = self.gateway.sign_proposal(master.by(), &facts.id, &id, signature).await;
        added.map_err(|e| self.heed_master(e))?;
        self.tell(&[Topic::Requests, Topic::Devices, Topic::Snapshot]);
        Ok(())
    }

    /// The words of a proposal for the PIN window, if a master may sign it.
    async fn must_be_right(&self, master: &Master, proposed: &Proposed) -> Result<String, Notice> {
        match &proposed.action {
            Action::ApproveDevice(m) => {
                let digest = Digest(m.certificate.0);
                let request = self.waiting_one(master, &digest.to_string()).await?.request;
                self.must_hold(master, &request)?;
                let device = request.certificate.device;
                if m.deviceX.0 != device.x() || m.deviceY.0 != device.y() {
                    return Err(DeskError::ProposalFalse.into());
                }
                let c = &request.certificate;
                Ok(format!("Approve the card of {}, {}", c.holder, c.role))
            }
            Action::SetSuspension(m) => {
                let holder = self.holder_of(&DeviceId(m.device.0)).await;
                let verb = if m.suspended { "Suspend" } else { "Resume" };
                Ok(format!("{verb} the card of {holder}"))
            }
            Action::SetMasters(m) => {
                let new = Masters::of_change(m).map_err(|_| DeskError::ProposalFalse)?;
                Ok(change_words(&new))
            }
            _ => Err(DeskError::ProposalFalse.into()),
        }
    }

    pub(super) async fn holder_of(&self, device: &DeviceId) -> String {
        let known = self.gateway.certificate(device).await;
        known.map_or_else(|_| device.to_string(), |c| c.holder)
    }

    /// One PIN: the master card's signature over an action.
    pub(super) async fn sign_as_master(
        &self,
        facts: &InstitutionFacts,
        action: impl Into<Action>,
        title: &str,
        purpose: &str,
    ) -> Result<SignedAction, Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let key = self.master_key_of(facts).await?;
        let action = action.into();
        let operations = vec![Operation::Sign {
            slot: Slot::Signature,
            digest: action.digest(&key.network.domain).0,
        }];
        let asked = self.card.ask_pin(key.job(&facts.name, title, purpose, operations));
        let signature = asked.await?.signature()?;
        action.verify(&key.network.domain, &key.keys.signature, &signature)?;
        Ok(SignedAction::one(action, signature))
    }

    /// Withdraws a proposal, whoever made it.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn withdraw(&self, proposal: &str, reason: &str) -> Result<(), Notice> {
        let master = self.master()?;
        let id: Digest = proposal.parse().map_err(|_| DeskError::ProposalUnknown)?;
        let reason = reason.trim();
        let withdrawn = self
            .gateway
            .withdraw_proposal(master.by(), &master.facts.id, &id, reason)
            .await;
        withdrawn.map_err(|e| self.heed_master(e))?;
        self.tell(&[Topic::Requests, Topic::Devices]);
        Ok(())
    }

    /// Suspends a card, or lets it act again (for which as many masters must sign as for an approval).
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], and everything of card, PIN and network.
    pub async fn set_suspension(&self, device: &str, suspended: bool) -> Result<(), Notice> {
        let device: DeviceId = device.parse().map_err(|_| DeskError::RequestUnknown)?;
        let (master, facts) = self.fresh_master().await?;
        let action = SetSuspension {
            institution: facts.id.0.into(),
            device: device.0.into(),
            suspended,
            masters: facts.history.masters_version(),
            nonce: self.device_nonce(&device).await?,
            deadline: now() + if suspended { DEADLINE } else { patience(&facts) },
        };
        let holder = self.holder_of(&device).await;
        let (title, purpose) = if suspended {
            ("Suspend card", format!("Suspend the card of {holder}"))
        } else {
            ("Resume card", format!("Let the card of {holder} act again"))
        };
        let signed = self.sign_as_master(&facts, action, title, &purpose).await?;
        if suspended {
            self.gateway.act(&signed).await?;
        } else {
            self.carry_out(&master, &facts, &signed, vec![]).await?;
        }
        self.tell(&[Topic::Devices, Topic::Requests]);
        Ok(())
    }
}

/// A change of master keys in words.
pub(super) fn change_words(new: &Masters) -> String {
    let names: Vec<_> = new.keys().iter().map(|k| short(&k.key)).collect();
    let (threshold, all) = (new.threshold(), names.len());
    format!(
        "Master keys from now on: {}; {threshold} of {all} must sign",
        names.join(", ")
    )
}
