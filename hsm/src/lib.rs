//! Key stores behind one trait ([`store`]): PIV cards of any maker, YubiKeys, HSMs behind PKCS#11, sealed files for trials; and
//! what belongs to cards: YubiKey management, attestation, reader monitor.
//!
//! Blocking by design: one thread per reader, no async, no window, no network. Daily work with cards goes through an own thin APDU
//! layer over PC/SC ([`PivCard`]); a YubiKey is prepared through the `yubikey` crate ([`prepare`]).
//!
//! Nothing secret is logged here: commands appear as class, instruction and status only. Programs that install a log
//! subscriber must cap the targets in [`QUIET_LOG_TARGETS`], because the `yubikey` crate prints PINs at trace level.
#![forbid(unsafe_code)]

pub mod attestation;
mod error;
pub mod holder;
pub mod monitor;
pub mod pin;
pub mod pinjob;
pub mod piv;
pub mod pkcs11;
pub mod prepare;
mod reader;
pub mod reset;
mod slot;
pub mod soft;
pub mod status;
pub mod store;
pub mod unblock;
pub mod uri;
mod yubikey;

pub use error::CardError;
pub use pin::Pin;
pub use piv::{CardInfo, PivCard, SlotInfo, Verified};
pub use reader::{ReaderState, readers};
pub use slot::{PinPolicy, Slot, TouchPolicy};
pub use store::{KeyStore, Keys, StoreInfo};
pub use uri::KeyUri;

/// Log targets that must stay at `warn` or above: they print whole commands, PIN included, at `trace`.
pub const QUIET_LOG_TARGETS: [&str; 3] = ["yubikey", "pcsc", "cryptoki"];
