//! Actions that need the signatures of several master keys: they wait here until enough of them signed, then go to the chain.
//! The gateway can neither forge nor alter one: each signature is over the whole action, and the contract judges them again.

use crate::error::{Problem, Refusal};
use crate::news::News;
use crate::sponsor::{must_be_version, not_masters};
use crate::state::Gateway;
use crate::store::{Proposal, ProposalEnd, ProposalSignature};
use wardkey_chain::{ChainError, Institution, Refusal as ContractRefusal};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::fault::Coded as _;
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::institution::by;
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::masters::Masters;

/// How long an ended proposal is still shown, seconds.
const SHOWN: u64 = 86_400;

/// Who must sign an action, with the current keys of its institution.
struct Signers {
    masters: Vec<PublicKey>,
    /// How many of them.
    needed: u8,
    /// Each of these too.
    new: Vec<PublicKey>,
}

impl Signers {
    fn of(institution: &Institution, action: &Action) -> Result<Self, Problem> {
        let new = match action {
            Action::SetMasters(m) => Masters::of_change(m)
                .map_err(|e| ChainError::from(not_masters(e)))?
                .new_to(&institution.masters),
            _ => vec![],
        };
        let needed = match action {
            Action::SetSuspension(m) if m.suspended => 1,
            _ => institution.threshold,
        };
        Ok(Self {
            masters: institution.masters.clone(),
            needed,
            new,
        })
    }

    /// The signatures in the contract's order, once there are enough.
    fn complete(&self, proposal: &Proposal) -> Option<Vec<Signature>> {
        let masters = self.masters.iter().filter_map(|key| proposal.by(key));
        let mut signatures: Vec<_> = masters.take(usize::from(self.needed)).collect();
        if signatures.len() < usize::from(self.needed) {
            return None;
        }
        for key in &self.new {
            signatures.push(proposal.by(key)?);
        }
        Some(signatures)
    }
}

/// The institution of an action that several master keys may have to sign.
fn institution_of(action: &Action) -> Result<InstitutionId, Refusal> {
    match action {
        Action::ApproveDevice(m) => Ok(InstitutionId(m.institution.0)),
        Action::SetSuspension(m) => Ok(InstitutionId(m.institution.0)),
        Action::SetMasters(m) => Ok(InstitutionId(m.institution.0)),
        _ => Err(Refusal::ProposalKind),
    }
}

impl Gateway {
    /// A proposal of an institution.
    ///
    /// # Errors
    /// [`Refusal::ProposalNotFound`].
    pub fn proposal_of(&self, institution: InstitutionId, digest: &Digest) -> Result<Proposal, Problem> {
        let found = self.store.proposal(digest)?.filter(|p| p.institution == institution);
        Ok(found.ok_or(Refusal::ProposalNotFound)?)
    }

    /// An institution's proposals, oldest first. What ended more than a day ago is dropped; what has enough signatures, as after a
    /// crash, is carried out; what the chain would refuse is ended as stale. Blocks.
    ///
    /// # Errors
    /// A failing store.
    pub fn proposals(&self, institution: InstitutionId) -> Result<Vec<Proposal>, Problem> {
        let (mut shown, mut dropped) = (Vec::new(), Vec::new());
        for mut proposal in self.store.proposals_of(&institution)? {
            if proposal.end.is_none() {
                // One that fails for now must not hide the others; the next look tries again.
                proposal.end = self.settle(&proposal).unwrap_or_else(|problem| {
                    tracing::warn!(%problem.fault, "a proposal with all signatures was not carried out");
                    None
                });
            }
            let gone = |end: &ProposalEnd| self.clock.now() > end.at().saturating_add(SHOWN);
            if proposal.end.as_ref().is_some_and(gone) {
                dropped.push(proposal.digest);
            } else {
                shown.push(proposal);
            }
        }
        if !dropped.is_empty() {
            self.store.drop_proposals(&dropped)?;
        }
        Ok(shown)
    }

    /// Takes a proposal in with its first signatures, and carries it out if they are enough. Blocks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn propose(&self, signed: &SignedAction, mut proposal: Proposal) -> Result<Option<ProposalEnd>, Problem> {
        let institution = institution_of(&signed.action)?;
        if institution != proposal.institution || !signed.keys.is_empty() {
            return Err(Refusal::ProposalKind.into());
        }
        self.must_be_whole(signed)?;
        let known = self.institution(institution.0).map_err(ChainError::from)?;
        let (now, mut by_master) = (self.clock.now(), false);
        for signature in &signed.signatures {
            let (key, master) = self.signer(&known, &proposal, *signature)?;
            by_master |= master;
            if proposal.by(&key).is_none() {
                proposal.signatures.push(ProposalSignature {
                    key,
                    signature: *signature,
                    at: now,
                });
            }
        }
        if !by_master {
            return Err(ChainError::from(ContractRefusal::BadSignature).into());
        }
        self.must_be_fresh(&proposal)?;
        // What is over makes room first.
        self.proposals(institution)?;
        self.store.put_proposal(&proposal)?;
        self.told(&proposal)
    }

    /// Adds a signature, and carries the proposal out if it was the last one needed. Blocks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn sign_proposal(&self, proposal: &Proposal, signature: Signature) -> Result<Option<ProposalEnd>, Problem> {
        if proposal.end.is_some() {
            return Err(Refusal::ProposalEnded.into());
        }
        self.must_be_fresh(proposal)?;
        let known = self.institution(proposal.institution.0).map_err(ChainError::from)?;
        let (key, _) = self.signer(&known, proposal, signature)?;
        let signature = ProposalSignature {
            key,
            signature,
            at: self.clock.now(),
        };
        let proposal = self.store.sign_proposal(&proposal.digest, &signature)?;
        self.told(&proposal.ok_or(Refusal::ProposalNotFound)?)
    }

    /// Withdraws a proposal. Blocks.
    ///
    /// # Errors
    /// [`Refusal::ProposalEnded`].
    pub fn withdraw_proposal(&self, proposal: &Proposal, by: PublicKey, reason: String) -> Result<(), Problem> {
        if proposal.end.is_some() {
            return Err(Refusal::ProposalEnded.into());
        }
        let at = self.clock.now();
        let end = ProposalEnd::Withdrawn { by, reason, at };
        self.store.end_proposal(&proposal.digest, &end)?;
        self.tell_masters(proposal);
        Ok(())
    }

    fn told(&self, proposal: &Proposal) -> Result<Option<ProposalEnd>, Problem> {
        let end = self.settle(proposal);
        self.tell_masters(proposal);
        end
    }

    fn tell_masters(&self, proposal: &Proposal) {
        let news = News::Proposal {
            proposal: proposal.digest,
        };
        self.tell(proposal.institution, news);
    }

    /// Ends a proposal that is stale, and carries one out that has enough signatures; how it ended, if it did. The wraps come
    /// first: a card that is approved can then always sign in.
    fn settle(&self, proposal: &Proposal) -> Result<Option<ProposalEnd>, Problem> {
        let at = self.clock.now();
        let end = if let Some(refusal) = self.stale(proposal) {
            // A crash may have come between the chain and this note of it.
            match self.outcome_of(proposal)? {
                Some(block) => ProposalEnd::Done { block, at },
                None => ProposalEnd::Stale {
                    code: refusal.code().to_owned(),
                    at,
                },
            }
        } else {
            let known = self.institution(proposal.institution.0).map_err(ChainError::from)?;
            let Some(signatures) = Signers::of(&known, &proposal.action)?.complete(proposal) else {
                return Ok(None);
            };
            self.store.put_wraps(&proposal.institution, &proposal.wraps)?;
            let block = self.sponsor(&proposal.with(signatures), None)?.block;
            ProposalEnd::Done { block, at }
        };
        self.store.end_proposal(&proposal.digest, &end)?;
        Ok(Some(end))
    }

    fn outcome_of(&self, proposal: &Proposal) -> Result<Option<u64>, Problem> {
        let name = self.name_of(&proposal.with(vec![]));
        Ok(self.store.outcome(&name)?.map(|outcome| outcome.block))
    }

    /// Whose signature it is, and whether a current master's.
    fn signer(
        &self,
        known: &Institution,
        proposal: &Proposal,
        signature: Signature,
    ) -> Result<(PublicKey, bool), Problem> {
        let signers = Signers::of(known, &proposal.action)?;
        let signed = proposal.with(vec![]);
        let verifies = by(self.domain(), &signed);
        let all = signers.masters.iter().chain(&signers.new);
        let key = all.copied().find(|key| verifies(key, &signature));
        let key = key.ok_or(ChainError::from(ContractRefusal::BadSignature))?;
        Ok((key, signers.masters.contains(&key)))
    }

    fn must_be_whole(&self, signed: &SignedAction) -> Result<(), Problem> {
        wardkey_chain::must_carry_no_more(signed)?;
        if let Action::ApproveDevice(m) = &signed.action {
            let device = PublicKey::from_xy(&m.deviceX.0, &m.deviceY.0);
            let device = device.map_err(|_| ChainError::from(ContractRefusal::BadKey))?;
            self.verify_proof(signed, &device)?;
        }
        Ok(())
    }

    fn must_be_fresh(&self, proposal: &Proposal) -> Result<(), Problem> {
        match self.stale(proposal) {
            Some(refusal) => Err(ChainError::from(refusal).into()),
            None => Ok(()),
        }
    }

    /// Why the contract would refuse it whoever signs.
    fn stale(&self, proposal: &Proposal) -> Option<ContractRefusal> {
        let deadline = proposal.action.deadline();
        if self.clock.now() > deadline {
            return Some(ContractRefusal::DeadlinePassed(deadline));
        }
        let known = match self.institution(proposal.institution.0) {
            Ok(known) => known,
            Err(refusal) => return Some(refusal),
        };
        match &proposal.action {
            Action::ApproveDevice(m) => {
                let device = PublicKey::from_xy(&m.deviceX.0, &m.deviceY.0).ok()?.id().into();
                must_be_version(&known, m.masters)
                    .err()
                    .or_else(|| self.device_moved(device, m.nonce))
            }
            Action::SetSuspension(m) => must_be_version(&known, m.masters)
                .err()
                .or_else(|| self.device_moved(DeviceId(m.device.0), m.nonce)),
            Action::SetMasters(m) if m.nonce != known.nonce => Some(ContractRefusal::BadNonce(known.nonce)),
            _ => None,
        }
    }

    fn device_moved(&self, device: DeviceId, nonce: u32) -> Option<ContractRefusal> {
        let view = self.ledger.view();
        let known = view.device_state(&device);
        if known.is_some_and(|d| d.revoked) {
            return Some(ContractRefusal::DeviceIsRevoked);
        }
        let expected = known.map_or(0, |d| d.nonce);
        (expected != nonce).then(|| ContractRefusal::BadNonce(expected.into()))
    }
}
