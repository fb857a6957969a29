//! Where the master key is kept, and how jobs reach it.

use super::Workstation;
use super::sign_in::job;
use crate::card::CardKeys;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::view::MasterPlace;
use std::sync::Arc;
use wardkey_client::{InstitutionFacts, Network};
use wardkey_core::key::PublicKey;
use wardkey_hsm::pinjob::{Operation, PinJob, PinJobKind};
use wardkey_hsm::store::StoreFault;
use wardkey_hsm::{CardError, CardInfo, KeyUri, Slot, StoreInfo};

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
    at: Place,
}

enum Place {
    Card(CardInfo),
    Store(KeyUri, StoreInfo),
}

impl MasterKey {
    /// The reader and the three keys, if it is on a card.
    pub fn on_card(&self) -> Option<(String, CardKeys)> {
        match &self.at {
            Place::Card(card) => Some((card.reader.clone(), CardKeys::of(card)?)),
            Place::Store(..) => None,
        }
    }

    /// Serial number of the card or HSM; empty if it has none.
    pub fn serial(&self) -> String {
        let serial = match &self.at {
            Place::Card(card) => &card.serial,
            Place::Store(_, info) => &info.serial,
        };
        serial.clone().unwrap_or_default()
    }

    /// A job for the PIN window, sent to where the key is.
    pub fn job(&self, asker: &str, title: &str, purpose: &str, operations: Vec<Operation>) -> PinJob {
        match &self.at {
            Place::Card(card) => job(card, asker, title, purpose, operations),
            Place::Store(uri, info) => store_job(uri, info, asker, title, purpose, operations),
        }
    }
}

/// A job for a key store that is no card in a reader. Its name stands in the purpose: nothing was inserted that a person could see.
pub(super) fn store_job(
    uri: &KeyUri,
    info: &StoreInfo,
    asker: &str,
    title: &str,
    purpose: &str,
    operations: Vec<Operation>,
) -> PinJob {
    PinJob {
        reader: String::new(),
        store: Some(uri.clone()),
        serial: info.serial.clone(),
        title: title.to_owned(),
        asker: asker.to_owned(),
        purpose: format!("{purpose} ({})", info.capabilities.name),
        kind: PinJobKind::Use,
        operations,
        factory_pin: None,
        puk: None,
    }
}

/// The key store that keeps the master key, if that is no card.
pub(super) const fn store_of(settings: &Settings) -> Option<&KeyUri> {
    match &settings.master_key {
        Some(uri @ (KeyUri::Pkcs11(_) | KeyUri::Soft(_))) => Some(uri),
        Some(KeyUri::Piv(_)) | None => None,
    }
}

/// What the window is told about it.
pub(super) const fn place_of(settings: &Settings) -> MasterPlace {
    match &settings.master_key {
        Some(KeyUri::Pkcs11(_)) => MasterPlace::Hsm,
        Some(KeyUri::Soft(_)) => MasterPlace::File,
        Some(KeyUri::Piv(_)) | None => MasterPlace::Card,
    }
}

impl Workstation {
    /// The master key that this terminal uses; no clinician may be signed in.
    pub(super) async fn master_key(&self) -> Result<MasterKey, Notice> {
        if self.state().secrets.session.is_some() {
            return Err(DeskError::NotAMaster.into());
        }
        match store_of(&self.settings).cloned() {
            None => self.master_card().await,
            Some(uri) => self.master_in(uri).await,
        }
    }

    async fn master_card(&self) -> Result<MasterKey, Notice> {
        let card = self.card_info().await?;
        if let Some(KeyUri::Piv(named)) = &self.settings.master_key {
            must_be(named.serial.as_ref(), card.serial.as_ref())?;
        }
        if card.default_pin {
            return Err(CardError::PinDefault.into());
        }
        let keys = CardKeys::of(&card).ok_or(DeskError::NotPrepared)?;
        Ok(MasterKey {
            keys: MasterKeys::from(&keys),
            authentication: Some(keys.authentication),
            network: self.network().await?,
            at: Place::Card(card),
        })
    }

    async fn master_in(&self, uri: KeyUri) -> Result<MasterKey, Notice> {
        let info = self.store_info(&uri).await?;
        let keys = MasterKeys {
            signature: info.key(Slot::Signature).ok_or(DeskError::MasterNotMade)?,
            agreement: info.key(Slot::KeyManagement).ok_or(DeskError::MasterNotMade)?,
        };
        Ok(MasterKey {
            keys,
            authentication: None,
            network: self.network().await?,
            at: Place::Store(uri, info),
        })
    }

    /// A key store that can keep a master key.
    pub(super) async fn store_info(&self, uri: &KeyUri) -> Result<StoreInfo, Notice> {
        let asked = uri.clone();
        let info = self.blocking(move |this| this.card.store(&asked)).await??;
        // Without the agreed secret as it is nothing that was sealed to the key is ever opened again.
        if !info.capabilities.agrees {
            return Err(CardError::from(StoreFault::KdfRefused).into());
        }
        Ok(info)
    }

    /// The same, which must be this institution's.
    pub(super) async fn master_key_of(&self, facts: &InstitutionFacts) -> Result<MasterKey, Notice> {
        let key = self.master_key().await?;
        if facts.history.masters().find(&key.keys.signature).is_some() {
            Ok(key)
        } else {
            Err(DeskError::NotAMaster.into())
        }
    }
}

fn must_be(expected: Option<&String>, found: Option<&String>) -> Result<(), CardError> {
    match expected {
        Some(expected) if Some(expected) != found => Err(CardError::WrongCard {
            expected: expected.clone(),
            found: found.cloned().unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}
