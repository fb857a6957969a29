//! A virtual YubiKey: the PIV application (SP 800-73-4) with Yubico's extensions, P-256 only, behind the real `pcscd` and
//! `vpcd`. A connected process (or [`rig::CardHandle`]) is an inserted card; its end is the card being pulled.
//!
//! For trials and tests only: keys lie in a file, and the finger that a touch policy waits for is a call ([`Finger`]) or a line on a
//! socket ([`control`]).
//! Judged by foreign clients (`yubico-piv-tool`, OpenSC, the `yubikey` crate), not by our own card layer alone.
#![forbid(unsafe_code)]

mod apdu;
pub mod applet;
mod attest;
mod authenticate;
pub mod control;
mod error;
mod keys;
mod management;
mod objects;
pub mod rig;
mod secrets;
mod state;
mod tlv;
mod touch;
mod wire;

pub use applet::Applet;
pub use attest::TestCa;
pub use error::CardFault;
pub use state::CardState;
pub use touch::Finger;
pub use wire::{Card, Fault, Moment};
