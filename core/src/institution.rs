//! What an institution is, proved by its own signatures: the actions that made it, played again from the registration on. An
//! institution's id is the hash of its first master key, so nobody else can make such a history. Its newest end can be withheld.

use crate::action::{Action, SignedAction};
use crate::fault::Coded;
use crate::id::InstitutionId;
use crate::key::{PublicKey, Signature};
use crate::typed::{Domain, structs};
use alloy_primitives::B256;

/// Why actions do not prove what they are shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// The first action is no registration, a later one is, or the numbers do not rise by what the contract demands.
    #[error("the institution's signed history is not complete or not in order")]
    Order,
    /// An action is for another institution, or the first master key is not the one that the id stands for.
    #[error("the signed history belongs to another institution")]
    Institution,
    /// A signature does not hold or is missing, or a key is none.
    #[error("the institution's history or a card's approval is not signed by its master key")]
    Signature,
    /// The approval is none, or of another card than the one it is shown for.
    #[error("the card's approval is not the institution's for this card")]
    Approval,
}

impl Coded for Unproved {
    fn code(&self) -> &'static str {
        match self {
            Self::Approval => "device-unproved",
            _ => "institution-unproved",
        }
    }
    fn action(&self) -> &'static str {
        "Do not go on; tell IT: the gateway may be false."
    }
}

/// An institution as its signed actions make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Id of its first master key.
    pub id: InstitutionId,
    /// Registered name.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Newest agreement key.
    pub agreement: PublicKey,
    /// Its epoch, from 1.
    pub epoch: u32,
    /// Master keys with the nonce from which each signs, oldest first.
    masters: Vec<(u64, PublicKey)>,
    /// Smallest nonce that the next action may have; approvals of devices, which are not here, take nonces too.
    next: u64,
}

impl History {
    /// Plays the actions RegisterInstitution, RotateAgreement and RotateMaster in their order on the chain.
    ///
    /// # Errors
    /// [`Unproved`] at the first action that does not hold.
    pub fn replay(domain: &Domain, id: &InstitutionId, actions: &[SignedAction]) -> Result<Self, Unproved> {
        let (first, later) = actions.split_first().ok_or(Unproved::Order)?;
        let mut history = Self::registered(domain, id, first)?;
        for action in later {
            history.apply(domain, action)?;
        }
        Ok(history)
    }

    fn registered(domain: &Domain, id: &InstitutionId, signed: &SignedAction) -> Result<Self, Unproved> {
        let Action::RegisterInstitution(m) = &signed.action else {
            return Err(Unproved::Order);
        };
        let master = key(m.masterX, m.masterY)?;
        if m.institution != id.0 || InstitutionId::from(master.id()) != *id {
            return Err(Unproved::Institution);
        }
        holds(domain, signed, &[master])?;
        Ok(Self {
            id: *id,
            name: m.name.clone(),
            country: m.country.clone(),
            agreement: key(m.agreementX, m.agreementY)?,
            epoch: 1,
            masters: vec![(0, master)],
            next: 0,
        })
    }

    fn apply(&mut self, domain: &Domain, signed: &SignedAction) -> Result<(), Unproved> {
        match &signed.action {
            Action::RotateAgreement(m) => {
                self.governed(m.institution, m.nonce)?;
                if self.epoch.checked_add(1) != Some(m.epoch) {
                    return Err(Unproved::Order);
                }
                holds(domain, signed, &[self.master()])?;
                (self.epoch, self.agreement) = (m.epoch, key(m.agreementX, m.agreementY)?);
                self.next = m.nonce.saturating_add(1);
            }
            Action::RotateMaster(m) => {
                self.governed(m.institution, m.nonce)?;
                let new = key(m.masterX, m.masterY)?;
                holds(domain, signed, &[self.master(), new])?;
                self.next = m.nonce.saturating_add(1);
                self.masters.push((self.next, new));
            }
            _ => return Err(Unproved::Order),
        }
        Ok(())
    }

    fn governed(&self, institution: B256, nonce: u64) -> Result<(), Unproved> {
        if institution != self.id.0 {
            return Err(Unproved::Institution);
        }
        if nonce < self.next {
            return Err(Unproved::Order);
        }
        Ok(())
    }

    /// The newest master key.
    #[must_use]
    pub fn master(&self) -> PublicKey {
        self.master_at(u64::MAX)
    }

    /// The master key that signs the action with this nonce.
    fn master_at(&self, nonce: u64) -> PublicKey {
        let found = self.masters.iter().rev().find(|(from, _)| *from <= nonce);
        found.unwrap_or(&self.masters[0]).1
    }

    /// The approval, if the institution's master key of its time signed it for this device.
    ///
    /// # Errors
    /// [`Unproved`].
    pub fn approval<'a>(
        &self,
        domain: &Domain,
        device: &PublicKey,
        signed: &'a SignedAction,
    ) -> Result<&'a structs::ApproveDevice, Unproved> {
        let Action::ApproveDevice(m) = &signed.action else {
            return Err(Unproved::Approval);
        };
        if m.institution != self.id.0 || key(m.deviceX, m.deviceY)? != *device {
            return Err(Unproved::Approval);
        }
        holds(domain, signed, &[self.master_at(m.nonce)])?;
        Ok(m)
    }
}

/// Exactly these keys signed, in this order.
fn holds(domain: &Domain, signed: &SignedAction, keys: &[PublicKey]) -> Result<(), Unproved> {
    if signed.signatures.len() != keys.len() {
        return Err(Unproved::Signature);
    }
    let verify = |(key, signature): (&PublicKey, &Signature)| signed.action.verify(domain, key, signature);
    keys.iter()
        .zip(&signed.signatures)
        .try_for_each(verify)
        .map_err(|_| Unproved::Signature)
}

fn key(x: B256, y: B256) -> Result<PublicKey, Unproved> {
    PublicKey::from_xy(&x.0, &y.0).map_err(|_| Unproved::Signature)
}
