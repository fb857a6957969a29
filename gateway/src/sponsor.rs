//! The sponsor: verifies an action before paying for it, submits it, and remembers what became of it.

use crate::error::{Problem, Refusal};
use crate::quota::Payee;
use crate::state::Gateway;
use crate::store::Outcome;
use std::net::IpAddr;
use wardkey_chain::{ChainError, Refusal as ContractRefusal};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::{Commitment, Digest, InstitutionId};
use wardkey_core::key::{PublicKey, sha256};

impl Gateway {
    /// Brings an action onto the chain. The same action again answers the outcome of the first time. Blocks.
    ///
    /// # Errors
    /// The contract's refusal; [`Refusal::QuotaUsed`]; a failing chain.
    pub fn sponsor(&self, signed: &SignedAction, from: Option<IpAddr>) -> Result<Outcome, Problem> {
        let name = self.name_of(signed);
        if let Some(outcome) = self.store.outcome(&name)? {
            return Ok(outcome);
        }
        self.verify_action(signed)?;
        self.charge(&signed.action, from)?;
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

    /// Counts the action against who asks. Revoking what this network knows is never counted: it must not fail.
    fn charge(&self, action: &Action, from: Option<IpAddr>) -> Result<(), Problem> {
        let (limits, now) = (self.settings.limits, self.clock.now());
        let institution = match action {
            Action::RevokeDevice(_) | Action::SetAccreditation(_) | Action::SetGateway(_) | Action::Checkpoint(_) => {
                return Ok(());
            }
            Action::Revoke(m) if self.store.grant(&Commitment(m.commitment.0))?.is_some() => return Ok(()),
            Action::ApproveDevice(m) => Some(m.institution),
            Action::RotateAgreement(m) => Some(m.institution),
            Action::RotateMaster(m) => Some(m.institution),
            Action::RegisterInstitution(_) | Action::Grant(_) | Action::Revoke(_) => None,
        };
        if let Some(id) = institution {
            self.quota.take(
                Payee::Institution(InstitutionId(id.0)),
                limits.actions_per_institution,
                now,
            )?;
        } else if let Some(address) = from {
            self.quota
                .take(Payee::Address(address), limits.actions_per_address, now)?;
        }
        Ok(())
    }

    /// Counts something that is not sponsored but costs room.
    ///
    /// # Errors
    /// [`Refusal::QuotaUsed`].
    pub fn charge_address(&self, from: Option<IpAddr>) -> Result<(), Refusal> {
        let limit = self.settings.limits.actions_per_address;
        from.map_or(Ok(()), |address| {
            self.quota.take(Payee::Address(address), limit, self.clock.now())
        })
    }
}
