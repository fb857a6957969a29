//! What only a YubiKey does: management with the `yubikey` crate, and evidence of where its keys were made. In daily work it is a
//! PIV card like any other.

mod capabilities;
mod manage;
mod objects;
mod store;
mod verified;

pub(crate) use manage::Management;
pub use store::YubiKeyStore;
