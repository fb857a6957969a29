//! Where the master key is kept, and how jobs reach it.

use super::Workstation;
use super::sign_in::job;
use crate::card::CardKeys;
use crate::error::DeskError;
use crate::gateway::{InstitutionFacts, Network};
use crate::notice::Notice;
use std::sync::Arc;
use wardkey_core::key::PublicKey;
use wardkey_hsm::pinjob::{Operation, PinJob};
use wardkey_hsm::{CardError, CardInfo};

/// The two public keys of a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MasterKeys {
    /// Signs for the institution (9C in PIV's words).
    pub signature: PublicKey,
    /// The institution's agreement key is sealed to it (9D).
    pub agreement: PublicKey,
}

impl From<&CardKeys> for MasterKeys {
    fn from(keys: &CardKeys) -> Self {
        Self {
            signature: keys.signature,
            agreement: keys.agreement,
        }
    }
}

/// A master key that can be used now, wherever it is kept.
pub(super) struct MasterKey {
    pub keys: MasterKeys,
    /// The key that opens a clinician's session, where the store has one: tells a clinician's card from a new master key.
    pub authentication: Option<PublicKey>,
    pub network: Arc<Network>,
    card: CardInfo,
}

impl MasterKey {
    /// A job for the PIN window, sent to where the key is.
    pub fn job(&self, asker: &str, title: &str, purpose: &str, operations: Vec<Operation>) -> PinJob {
        job(&self.card, asker, title, purpose, operations)
    }
}

impl Workstation {
    /// The master key that this terminal uses; no clinician may be signed in.
    pub(super) async fn master_key(&self) -> Result<MasterKey, Notice> {
        if self.state().secrets.session.is_some() {
            return Err(DeskError::NotAMaster.into());
        }
        let card = self.card_info().await?;
        if card.default_pin {
            return Err(CardError::PinDefault.into());
        }
        let keys = CardKeys::of(&card).ok_or(DeskError::NotPrepared)?;
        Ok(MasterKey {
            keys: MasterKeys::from(&keys),
            authentication: Some(keys.authentication),
            network: self.network().await?,
            card,
        })
    }

    /// The same, which must be this institution's.
    pub(super) async fn master_key_of(&self, facts: &InstitutionFacts) -> Result<MasterKey, Notice> {
        let key = self.master_key().await?;
        if key.keys.signature == facts.master {
            Ok(key)
        } else {
            Err(DeskError::NotAMaster.into())
        }
    }
}
