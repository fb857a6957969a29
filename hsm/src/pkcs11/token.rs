//! Which token a URI means (RFC 7512 §2.3: every attribute must match).

use super::module::Module;
use crate::CardError;
use crate::store::StoreFault;
use crate::uri::{KeyUri, Pkcs11Uri};
use cryptoki::context::Info;
use cryptoki::slot::{Slot, SlotInfo, TokenInfo};

/// The one token that is meant. A token that came after the module was loaded is found too. The caller has the module's turn.
pub(super) fn find(module: &Module, uri: &Pkcs11Uri) -> Result<(Slot, TokenInfo), CardError> {
    let mut found = matching(module, uri)?;
    if found.is_empty() {
        module.begin_anew()?;
        found = matching(module, uri)?;
    }
    let wanted = || wanted(uri);
    match (found.len(), found.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) => Err(StoreFault::TokenMissing { wanted: wanted() }.into()),
        (count, _) => Err(StoreFault::TokenTwice {
            wanted: wanted(),
            count,
        }
        .into()),
    }
}

fn matching(module: &Module, uri: &Pkcs11Uri) -> Result<Vec<(Slot, TokenInfo)>, CardError> {
    let library = module.ask(|context| context.get_library_info())?;
    if !is_library(uri, &library) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for slot in module.ask(|context| context.get_slots_with_token())? {
        // A slot whose token went this moment is no reason to miss the others.
        let Ok(token) = module.ask(|context| context.get_token_info(slot)) else {
            continue;
        };
        let place = module.ask(|context| context.get_slot_info(slot))?;
        if token.token_initialized() && is_slot(uri, slot, &place) && is_token(uri, &token) {
            found.push((slot, token));
        }
    }
    Ok(found)
}

/// True if nothing else is asked for.
fn fits(wanted: Option<&String>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.trim_end() == found.trim_end())
}

fn is_token(uri: &Pkcs11Uri, token: &TokenInfo) -> bool {
    fits(uri.token.as_ref(), token.label())
        && fits(uri.manufacturer.as_ref(), token.manufacturer_id())
        && fits(uri.model.as_ref(), token.model())
        && fits(uri.serial.as_ref(), token.serial_number())
}

fn is_slot(uri: &Pkcs11Uri, slot: Slot, place: &SlotInfo) -> bool {
    uri.slot_id.is_none_or(|id| id == slot.id())
        && fits(uri.slot_description.as_ref(), place.slot_description())
        && fits(uri.slot_manufacturer.as_ref(), place.manufacturer_id())
}

fn is_library(uri: &Pkcs11Uri, library: &Info) -> bool {
    let version = library.library_version();
    uri.library_version
        .is_none_or(|wanted| wanted == (version.major(), version.minor()))
        && fits(uri.library_description.as_ref(), library.library_description())
        && fits(uri.library_manufacturer.as_ref(), library.manufacturer_id())
}

/// What was asked for, without the keys and the module.
fn wanted(uri: &Pkcs11Uri) -> String {
    let token = Pkcs11Uri {
        object: None,
        id: None,
        module_path: None,
        kdf: None,
        ids: None,
        ..uri.clone()
    };
    KeyUri::Pkcs11(Box::new(token)).to_string()
}

/// Tries left, as far as a token tells: its flags say that none is left, or one.
pub(super) const fn tries_left(locked: bool, last: bool) -> Option<u8> {
    match (locked, last) {
        (true, _) => Some(0),
        (false, true) => Some(1),
        (false, false) => None,
    }
}

/// A refused PIN, with what the token's flags say about the tries that are left.
pub(super) fn refused(locked: bool, last: bool, few: bool) -> CardError {
    match tries_left(locked, last) {
        Some(0) => StoreFault::PinLocked.into(),
        Some(tries_left) => CardError::WrongPin { tries_left },
        None => StoreFault::PinWrong { few }.into(),
    }
}
