//! HSMs and tokens behind a PKCS#11 module (OASIS PKCS #11 v2.40), through the `cryptoki` crate.
//!
//! The module runs inside this process, so the program that uses one is the PIN window. The PIN reaches the module and nothing else.

mod capabilities;
mod error;
mod module;
mod objects;
mod point;
mod store;
mod token;
mod verified;

pub use store::Pkcs11Store;
