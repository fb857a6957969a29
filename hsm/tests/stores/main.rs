//! Every key store keeps one contract: PIV cards and YubiKeys (virtual ones, over a real `pcscd`), PKCS#11 (SoftHSM2, and OpenSC's
//! module over a card), key files. `contract.rs` is the contract; the other files say how each kind is made, emptied and taken away,
//! and what may go wrong with it besides.
//!
//! A real card runs the same with
//!
//!     WARDKEY_REAL_CARD_SERIAL=12345678 cargo test --release --workspace --locked --test stores \
//!         --features wardkey-hsm/dangerous-test-real-card -- real_card --nocapture
//!
//! see `real_card.rs` for what that does to it. It is never part of a normal run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[macro_use]
mod contract;
#[macro_use]
mod softhsm;
mod names;
mod opensc;
mod pkcs11;
mod pkcs11_days;
mod pkcs11_wrong;
#[cfg(feature = "dangerous-test-real-card")]
mod real_card;
mod soft;
mod soft_days;
mod virtual_card;

use wardkey_core::fault::Coded as _;
use wardkey_core::key::{PublicKey, Signature, sha256};
use wardkey_hsm::store::KeyStore;
use wardkey_hsm::{CardError, Keys, Pin, Slot};

pub(crate) fn good_pin() -> Pin {
    Pin::new(b"482913").unwrap()
}

pub(crate) fn wrong_pin() -> Pin {
    Pin::new(b"555777").unwrap()
}

/// The outcome of one step with the PIN.
pub(crate) fn with<T>(
    store: &mut dyn KeyStore,
    pin: &Pin,
    step: impl FnOnce(&mut dyn Keys) -> Result<T, CardError>,
) -> Result<T, CardError> {
    let (mut step, mut out) = (Some(step), None);
    store.with_pin(pin, &mut |keys| {
        out = Some(step.take().unwrap()(keys)?);
        Ok(())
    })?;
    Ok(out.unwrap())
}

pub(crate) fn sign(store: &mut dyn KeyStore, slot: Slot, message: &[u8]) -> Result<Signature, CardError> {
    with(store, &good_pin(), |keys| keys.sign(slot, &sha256(&[message])))
}

pub(crate) fn key(store: &mut dyn KeyStore, slot: Slot) -> PublicKey {
    store.info().unwrap().key(slot).unwrap()
}

pub(crate) fn failed<T>(result: Result<T, CardError>) -> CardError {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error,
    }
}

pub(crate) fn code<T>(result: Result<T, CardError>) -> &'static str {
    failed(result).code()
}
