//! From a name to a store.

use super::{KeyStore, StoreFault};
use crate::pkcs11::Pkcs11Store;
use crate::soft::SoftStore;
use crate::uri::PivUri;
use crate::yubikey::YubiKeyStore;
use crate::{CardError, KeyUri, PivCard, readers};

/// Opens the store that a URI names. No PIN is asked for, and a key file or token is only looked at when it is used.
///
/// # Errors
/// [`CardError::NoCard`], [`CardError::WrongCard`], [`StoreFault::CardTwice`]; [`StoreFault::ModuleUnset`] and
/// [`StoreFault::ModuleMissing`].
pub fn open(uri: &KeyUri) -> Result<Box<dyn KeyStore>, CardError> {
    match uri {
        KeyUri::Piv(card) => card_store(find(card)?),
        KeyUri::Pkcs11(token) => Ok(Box::new(Pkcs11Store::open(token)?)),
        KeyUri::Soft(file) => Ok(Box::new(SoftStore::at(file.path.clone()))),
    }
}

/// Opens the card in a reader: a YubiKey if it answers as one, a PIV card otherwise.
///
/// # Errors
/// As [`PivCard::open`].
pub fn open_reader(reader: &str) -> Result<Box<dyn KeyStore>, CardError> {
    card_store(PivCard::open(reader)?)
}

fn card_store(mut card: PivCard) -> Result<Box<dyn KeyStore>, CardError> {
    if card.info()?.firmware.is_some() {
        Ok(Box::new(YubiKeyStore::of(card)?))
    } else {
        Ok(Box::new(card))
    }
}

/// The one card that is meant. Readers hold no other kind of card for long, but one of those is passed over.
fn find(wanted: &PivUri) -> Result<PivCard, CardError> {
    let mut found = Vec::new();
    let mut other = None;
    for reader in readers()?.iter().filter(|reader| reader.card_present) {
        let card = PivCard::open(&reader.name).and_then(|mut card| {
            if let Some(serial) = &wanted.serial {
                card.expect_serial(serial)?;
            }
            Ok(card)
        });
        match card {
            Ok(card) => found.push(card),
            Err(error) => other = Some(error),
        }
    }
    match (found.len(), found.pop()) {
        (1, Some(card)) => Ok(card),
        (0, _) => Err(other.unwrap_or(CardError::NoCard)),
        _ => Err(StoreFault::CardTwice.into()),
    }
}
