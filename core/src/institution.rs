//! What an institution is, proved by its own signatures: the actions that made it, played again from the registration on. An
//! institution's id is the hash of its first master key, so nobody else can make such a history. Its newest end can be withheld.

use crate::action::{Action, SignedAction};
use crate::fault::Coded;
use crate::id::InstitutionId;
use crate::key::{PublicKey, Signature};
use crate::masters::{MasterKey, Masters, NotMasters, NotSigned};
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
    #[error("the institution's history or a card's approval is not signed by its master keys")]
    Signature,
    /// The approval is none, of another card than the one it is shown for, or names master keys that the institution never had.
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

impl From<NotMasters> for Unproved {
    fn from(not: NotMasters) -> Self {
        match not {
            NotMasters::List | NotMasters::Threshold => Self::Order,
            NotMasters::Key => Self::Signature,
        }
    }
}

impl From<NotSigned> for Unproved {
    fn from(_: NotSigned) -> Self {
        Self::Signature
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
    /// Agreement keys of the epochs before, oldest first.
    older: Vec<PublicKey>,
    /// Every version of the list of master keys, oldest first; never empty.
    versions: Vec<Masters>,
    /// Nonce of the next action.
    next: u64,
}

impl History {
    /// Plays the actions RegisterInstitution, RotateAgreement and SetMasters in their order on the chain.
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
        let masters = Masters::of_registration(m)?;
        let first = masters.keys().first().map(|k| InstitutionId::from(k.key.id()));
        if m.institution != id.0 || first != Some(*id) {
            return Err(Unproved::Institution);
        }
        masters.must_sign(1, &signed.signatures, by(domain, signed))?;
        Ok(Self {
            id: *id,
            name: m.name.clone(),
            country: m.country.clone(),
            agreement: key(m.agreementX, m.agreementY)?,
            epoch: 1,
            older: vec![],
            versions: vec![masters],
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
                self.masters().must_sign(1, &signed.signatures, by(domain, signed))?;
                self.older.push(self.agreement);
                (self.epoch, self.agreement) = (m.epoch, key(m.agreementX, m.agreementY)?);
            }
            Action::SetMasters(m) => {
                self.governed(m.institution, m.nonce)?;
                let new = Masters::of_change(m)?;
                self.masters()
                    .must_sign_change(&new, &signed.signatures, by(domain, signed))?;
                self.versions.push(new);
            }
            _ => return Err(Unproved::Order),
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    fn governed(&self, institution: B256, nonce: u64) -> Result<(), Unproved> {
        if institution != self.id.0 {
            return Err(Unproved::Institution);
        }
        if nonce != self.next {
            return Err(Unproved::Order);
        }
        Ok(())
    }

    /// The newest list of master keys.
    #[must_use]
    pub fn masters(&self) -> &Masters {
        self.versions.last().unwrap_or(&self.versions[0])
    }

    /// Keys of earlier lists that are not in the newest one.
    pub fn former_masters(&self) -> impl Iterator<Item = &MasterKey> {
        let earlier = self.versions.iter().flat_map(|list| list.keys());
        earlier.filter(|k| self.masters().find(&k.key).is_none())
    }

    /// Version of that list, from 1.
    #[must_use]
    pub fn masters_version(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    /// Nonce of the institution's next RotateAgreement or SetMasters.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.next
    }

    /// The list of a version, if there was one.
    fn masters_at(&self, version: u32) -> Option<&Masters> {
        let place = usize::try_from(version).ok()?.checked_sub(1)?;
        self.versions.get(place)
    }

    /// The agreement key of an epoch, if there was one.
    #[must_use]
    pub fn agreement_at(&self, epoch: u32) -> Option<PublicKey> {
        if epoch == self.epoch {
            return Some(self.agreement);
        }
        let place = usize::try_from(epoch).ok()?.checked_sub(1)?;
        self.older.get(place).copied()
    }

    /// The approval, if enough of the master keys of the version that it names signed it for this device.
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
        let masters = self.masters_at(m.masters).ok_or(Unproved::Approval)?;
        masters.must_sign(masters.threshold(), &signed.signatures, by(domain, signed))?;
        Ok(m)
    }
}

/// Whether a key signed the action.
pub fn by<'a>(domain: &'a Domain, signed: &'a SignedAction) -> impl Fn(&PublicKey, &Signature) -> bool + 'a {
    |key, signature| signed.action.verify(domain, key, signature).is_ok()
}

fn key(x: B256, y: B256) -> Result<PublicKey, Unproved> {
    PublicKey::from_xy(&x.0, &y.0).map_err(|_| Unproved::Signature)
}
