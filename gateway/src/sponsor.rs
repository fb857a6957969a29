//! The sponsor: verifies an action before paying for it, submits it, and remembers what became of it.

use crate::counts::Counted;
use crate::error::{Problem, Refusal};
use crate::quota::Payee;
use crate::state::Gateway;
use crate::store::Outcome;
use crate::traces::TARGET;
use std::net::IpAddr;
use wardkey_chain::{ChainError, Institution, Refusal as ContractRefusal, must_carry_no_more};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::{Commitment, DeviceId, Digest, InstitutionId, KeyId};
use wardkey_core::institution::by;
use wardkey_core::key::{PublicKey, sha256};
use wardkey_core::masters::{Masters, NotMasters, NotSigned, must_sign_change, must_sign_in_turn};
use wardkey_core::permission::GrantStatus;

impl Gateway {
    /// Brings an action onto the chain. The same action again answers the outcome of the first time. Blocks.
    ///
    /// # Errors
    /// The contract's refusal; [`Refusal::QuotaUsed`]; a failing chain.
    pub fn sponsor(&self, signed: &SignedAction, from: Option<IpAddr>) -> Result<Outcome, Problem> {
        self.sponsor_after(signed, from, None, || Ok(()))
    }

    /// The same for the holder of a key, after `keep`, which is called once the action is verified and counted, before it is on
    /// the chain. Blocks.
    ///
    /// # Errors
    /// Those of [`Gateway::sponsor`], and `keep`'s.
    pub fn sponsor_after(
        &self,
        signed: &SignedAction,
        from: Option<IpAddr>,
        holder: Option<KeyId>,
        keep: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<Outcome, Problem> {
        must_carry_no_more(signed)?;
        let name = self.name_of(signed);
        if let Some(outcome) = self.store.outcome(&name)? {
            keep()?;
            return Ok(outcome);
        }
        self.verify_action(signed)?;
        let _turn = self.charge(signed, from, holder)?;
        keep()?;
        let receipt = tracing::info_span!(target: TARGET, "chain submit", action = signed.action.kind())
            .in_scope(|| self.ledger.chain().submit(signed))?;
        self.meters.paid(receipt.gas);
        // The chain has it: whatever fails from here on must not tell the caller otherwise.
        if let Err(error) = self.look() {
            tracing::warn!(%error, "the chain took an action and then could not be read");
        }
        let outcome = Outcome {
            tx: receipt.tx,
            block: receipt.block,
            gas: receipt.gas,
            digest: receipt.digest,
        };
        if let Err(error) = self.store.put_outcome(&name, &outcome) {
            tracing::warn!(%error, "an action's outcome was not kept; the chain knows it");
        }
        Ok(outcome)
    }

    /// What an action is remembered by: its digest and its keys, because two keys can sign the same Grant or Revoke.
    pub(crate) fn name_of(&self, signed: &SignedAction) -> Digest {
        let digest = signed.action.digest(self.domain());
        let keys = signed.keys.iter().map(|key| key.bytes().as_slice());
        Digest(sha256(
            &[digest.0.as_slice()].into_iter().chain(keys).collect::<Vec<_>>(),
        ))
    }

    /// Every signature, off chain, so that nobody makes the sponsor pay for a failure.
    fn verify_action(&self, signed: &SignedAction) -> Result<(), ChainError> {
        let point = |x: &[u8; 32], y: &[u8; 32]| PublicKey::from_xy(x, y).map_err(|_| ContractRefusal::BadKey);
        match &signed.action {
            Action::RegisterInstitution(m) => self.by(signed, &[point(&m.masterX.0, &m.masterY.0)?], 1),
            Action::SetAccreditation(_) | Action::SetGateway(_) | Action::Checkpoint(_) => {
                self.by(signed, &[self.ledger.network().operator], 1)
            }
            Action::RevokeDevice(m) => self.by(signed, &self.institution(m.institution.0)?.masters, 1),
            Action::RotateAgreement(m) => self.by(signed, &self.institution(m.institution.0)?.masters, 1),
            Action::ApproveDevice(m) => {
                let known = self.institution(m.institution.0)?;
                must_be_version(&known, m.masters)?;
                self.by(signed, &known.masters, known.threshold)?;
                self.verify_proof(signed, &point(&m.deviceX.0, &m.deviceY.0)?)
            }
            Action::SetSuspension(m) => {
                let known = self.institution(m.institution.0)?;
                must_be_version(&known, m.masters)?;
                let needed = if m.suspended { 1 } else { known.threshold };
                self.by(signed, &known.masters, needed)
            }
            Action::SetMasters(m) => {
                let known = self.institution(m.institution.0)?;
                let new = Masters::of_change(m).map_err(not_masters)?;
                let verifies = by(self.domain(), signed);
                Ok(
                    must_sign_change(&known.masters, known.threshold, &new, &signed.signatures, verifies)
                        .map_err(not_signed)?,
                )
            }
            Action::Grant(_) | Action::Revoke(_) => self.by(signed, &signed.keys, 1),
        }
    }

    fn by(&self, signed: &SignedAction, keys: &[PublicKey], needed: u8) -> Result<(), ChainError> {
        Ok(must_sign_in_turn(keys, needed, &signed.signatures, by(self.domain(), signed)).map_err(not_signed)?)
    }

    pub(crate) fn verify_proof(&self, signed: &SignedAction, device: &PublicKey) -> Result<(), ChainError> {
        let proof = signed
            .proof
            .as_ref()
            .ok_or(ChainError::Malformed("ApproveDevice needs the device's proof"))?;
        Ok(self
            .domain()
            .verify(device, &proof.message, &proof.signature)
            .map_err(|_| ContractRefusal::BadProof)?)
    }

    pub(crate) fn institution(&self, id: [u8; 32]) -> Result<Institution, ContractRefusal> {
        let view = self.ledger.view();
        view.institution_state(&InstitutionId(id))
            .cloned()
            .ok_or(ContractRefusal::InstitutionUnknown)
    }

    /// Counts the action against who asks. A revocation or suspension that changes something is never counted: it
    /// must not fail.
    fn charge(
        &self,
        signed: &SignedAction,
        from: Option<IpAddr>,
        holder: Option<KeyId>,
    ) -> Result<Option<Counted<Payee>>, Problem> {
        let limits = self.settings.limits;
        let institution = match &signed.action {
            Action::SetAccreditation(_) | Action::SetGateway(_) | Action::Checkpoint(_) => return Ok(None),
            Action::RevokeDevice(m) if self.may_act(m.institution.0, m.device.0) => return Ok(None),
            Action::SetSuspension(m) if m.suspended && self.may_act(m.institution.0, m.device.0) => return Ok(None),
            Action::Revoke(m) if self.ends_a_grant(Commitment(m.commitment.0), &signed.keys)? => return Ok(None),
            Action::RevokeDevice(m) => Payee::Revoking(InstitutionId(m.institution.0)),
            Action::ApproveDevice(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::RotateAgreement(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::SetMasters(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::SetSuspension(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::RegisterInstitution(_) | Action::Grant(_) | Action::Revoke(_) => {
                self.charge_address(from)?;
                return self.charge_key(holder.or_else(|| signed.keys.first().map(PublicKey::id)));
            }
        };
        self.charge_payee(institution, limits.actions_per_institution).map(Some)
    }

    fn charge_key(&self, key: Option<KeyId>) -> Result<Option<Counted<Payee>>, Problem> {
        let limit = self.settings.limits.actions_per_key;
        key.map(|key| self.charge_payee(Payee::Key(key), limit)).transpose()
    }

    /// Takes a turn, then counts: who is told to wait has used up nothing.
    fn charge_payee(&self, who: Payee, limit: u32) -> Result<Counted<Payee>, Problem> {
        let turn = self.quota.begin(who, self.settings.limits.actions_at_once)?;
        self.quota.take(&*self.store, who, limit, self.clock.now())?;
        Ok(turn)
    }

    /// A turn for an address, before any thread works for it: one that asks for much at once leaves threads and chain to others.
    /// What takes rights away needs no turn.
    ///
    /// # Errors
    /// [`Refusal::SponsorBusy`].
    pub fn begin_sponsoring(
        &self,
        signed: &SignedAction,
        from: Option<IpAddr>,
    ) -> Result<Option<Counted<Payee>>, Refusal> {
        let takes_away = match &signed.action {
            Action::Revoke(_) | Action::RevokeDevice(_) => true,
            Action::SetSuspension(m) => m.suspended,
            _ => false,
        };
        let limit = self.settings.limits.actions_at_once;
        from.filter(|_| !takes_away)
            .map(|address| self.quota.begin(Payee::address(address), limit))
            .transpose()
    }

    /// Whether a card of the institution may act now, so that stopping it changes something.
    fn may_act(&self, institution: [u8; 32], device: [u8; 32]) -> bool {
        self.ledger
            .view()
            .device_state(&DeviceId(device))
            .is_some_and(|known| known.institution.0 == institution && !known.revoked && !known.suspended)
    }

    /// Whether a grant that this network keeps would be revoked by the key that granted it. A stranger's key revokes nothing.
    fn ends_a_grant(&self, commitment: Commitment, keys: &[PublicKey]) -> Result<bool, Problem> {
        let Some(stored) = self.store.grant(&commitment)? else {
            return Ok(false);
        };
        let key = stored.grant.document.key;
        let state = self.ledger.view().grant_state(&commitment, &key);
        Ok(keys == [key] && state.status != GrantStatus::Revoked)
    }

    fn charge_address(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        let limit = self.settings.limits.actions_per_address;
        from.map_or(Ok(()), |address| {
            let payee = Payee::address(address);
            self.quota.take(&*self.store, payee, limit, self.clock.now())
        })
    }

    /// Counts something that is not sponsored but costs room.
    ///
    /// # Errors
    /// [`Refusal::QuotaUsed`]; a failing store.
    pub async fn charge_caller(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        if from.is_none() {
            return Ok(());
        }
        self.blocking(move |g| g.charge_address(from)).await
    }
}

/// That an action was signed for the current list of master keys.
pub(crate) const fn must_be_version(institution: &Institution, masters: u32) -> Result<(), ContractRefusal> {
    if institution.masters_version == masters {
        Ok(())
    } else {
        Err(ContractRefusal::MastersChanged(institution.masters_version))
    }
}

/// The contract's word for a list that is none.
pub(crate) const fn not_masters(not: NotMasters) -> ContractRefusal {
    match not {
        NotMasters::List => ContractRefusal::BadMasters,
        NotMasters::Threshold => ContractRefusal::BadThreshold,
        NotMasters::Key => ContractRefusal::BadKey,
    }
}

const fn not_signed(not: NotSigned) -> ContractRefusal {
    match not {
        NotSigned::Count { needed, given } => ContractRefusal::SignatureCount {
            needed: needed as u64,
            given: given as u64,
        },
        NotSigned::Signature => ContractRefusal::BadSignature,
    }
}
