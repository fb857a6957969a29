//! The sponsor: verifies an action before paying for it, submits it, and remembers what became of it.

use crate::error::{Problem, Refusal};
use crate::quota::Payee;
use crate::state::Gateway;
use crate::store::Outcome;
use std::net::IpAddr;
use wardkey_chain::{ChainError, Refusal as ContractRefusal, must_carry_no_more};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::{Commitment, DeviceId, Digest, InstitutionId};
use wardkey_core::key::{PublicKey, sha256};
use wardkey_core::permission::GrantStatus;
use wardkey_core::typed::structs;

impl Gateway {
    /// Brings an action onto the chain. The same action again answers the outcome of the first time. Blocks.
    ///
    /// # Errors
    /// The contract's refusal; [`Refusal::QuotaUsed`]; a failing chain.
    pub fn sponsor(&self, signed: &SignedAction, from: Option<IpAddr>) -> Result<Outcome, Problem> {
        self.sponsor_after(signed, from, || Ok(()))
    }

    /// The same, after `keep`, which is called once the action is verified and counted, before it is on the chain. Blocks.
    ///
    /// # Errors
    /// Those of [`Gateway::sponsor`], and `keep`'s.
    pub fn sponsor_after(
        &self,
        signed: &SignedAction,
        from: Option<IpAddr>,
        keep: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<Outcome, Problem> {
        must_carry_no_more(signed)?;
        let name = self.name_of(signed);
        if let Some(outcome) = self.store.outcome(&name)? {
            keep()?;
            return Ok(outcome);
        }
        self.verify_action(signed)?;
        self.charge(signed, from)?;
        keep()?;
        let receipt = self.ledger.chain().submit(signed)?;
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
    fn name_of(&self, signed: &SignedAction) -> Digest {
        let digest = signed.action.digest(self.domain());
        let keys = signed.keys.iter().map(|key| key.bytes().as_slice());
        Digest(sha256(
            &[digest.0.as_slice()].into_iter().chain(keys).collect::<Vec<_>>(),
        ))
    }

    /// Every signature, off chain, so that nobody makes the sponsor pay for a failure.
    fn verify_action(&self, signed: &SignedAction) -> Result<(), ChainError> {
        let keys = self.signers(signed)?;
        if keys.len() != signed.signatures.len() {
            return Err(ChainError::Malformed(
                "it has not the number of signatures that its type needs",
            ));
        }
        for (key, signature) in keys.iter().zip(&signed.signatures) {
            signed
                .action
                .verify(self.domain(), key, signature)
                .map_err(|_| ContractRefusal::BadSignature)?;
        }
        if let Action::ApproveDevice(m) = &signed.action {
            let proof = signed
                .proof
                .as_ref()
                .ok_or(ChainError::Malformed("ApproveDevice needs the device's proof"))?;
            let device = PublicKey::from_xy(&m.deviceX.0, &m.deviceY.0).map_err(|_| ContractRefusal::BadKey)?;
            self.domain()
                .verify(&device, &proof.message, &proof.signature)
                .map_err(|_| ContractRefusal::BadProof)?;
        }
        Ok(())
    }

    fn signers(&self, signed: &SignedAction) -> Result<Vec<PublicKey>, ChainError> {
        let point = |x: &[u8; 32], y: &[u8; 32]| PublicKey::from_xy(x, y).map_err(|_| ContractRefusal::BadKey);
        Ok(match &signed.action {
            Action::RegisterInstitution(m) => vec![point(&m.masterX.0, &m.masterY.0)?],
            Action::SetAccreditation(_) | Action::SetGateway(_) | Action::Checkpoint(_) => {
                vec![self.ledger.network().operator]
            }
            Action::ApproveDevice(m) => vec![self.master(m.institution.0)?],
            Action::RevokeDevice(m) => vec![self.master(m.institution.0)?],
            Action::RotateAgreement(m) => vec![self.master(m.institution.0)?],
            Action::RotateMaster(m) => vec![self.master(m.institution.0)?, point(&m.masterX.0, &m.masterY.0)?],
            Action::Grant(_) | Action::Revoke(_) => signed.keys.clone(),
        })
    }

    fn master(&self, institution: [u8; 32]) -> Result<PublicKey, ContractRefusal> {
        let view = self.ledger.view();
        view.institution_state(&InstitutionId(institution))
            .map(|i| i.master)
            .ok_or(ContractRefusal::InstitutionUnknown)
    }

    /// Counts the action against who asks. A revocation that changes something is never counted: it must not fail.
    fn charge(&self, signed: &SignedAction, from: Option<IpAddr>) -> Result<(), Problem> {
        let limits = self.settings.limits;
        let institution = match &signed.action {
            Action::SetAccreditation(_) | Action::SetGateway(_) | Action::Checkpoint(_) => return Ok(()),
            Action::RevokeDevice(m) if self.ends_a_device(m) => return Ok(()),
            Action::Revoke(m) if self.ends_a_grant(Commitment(m.commitment.0), &signed.keys)? => return Ok(()),
            Action::RevokeDevice(m) => Payee::Revoking(InstitutionId(m.institution.0)),
            Action::ApproveDevice(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::RotateAgreement(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::RotateMaster(m) => Payee::Institution(InstitutionId(m.institution.0)),
            Action::RegisterInstitution(_) | Action::Grant(_) | Action::Revoke(_) => {
                return Ok(self.charge_address(from)?);
            }
        };
        Ok(self
            .quota
            .take(institution, limits.actions_per_institution, self.clock.now())?)
    }

    /// Whether a card of the institution is active and would no longer be.
    fn ends_a_device(&self, m: &structs::RevokeDevice) -> bool {
        self.ledger
            .view()
            .device_state(&DeviceId(m.device.0))
            .is_some_and(|device| device.institution.0 == m.institution.0 && !device.revoked)
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

    /// Counts something that is not sponsored but costs room.
    ///
    /// # Errors
    /// [`Refusal::QuotaUsed`].
    pub fn charge_address(&self, from: Option<IpAddr>) -> Result<(), Refusal> {
        let limit = self.settings.limits.actions_per_address;
        from.map_or(Ok(()), |address| {
            self.quota.take(Payee::address(address), limit, self.clock.now())
        })
    }
}
