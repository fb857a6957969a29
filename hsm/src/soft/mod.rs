//! Keys in a sealed file, for trials without a card or an HSM. Whoever copies the file may guess its PIN at leisure, so
//! [`crate::store::Capabilities::trial`] is set and every screen says so.

mod capabilities;
mod file;
mod seal;
mod store;
mod verified;

pub use file::TRIES;
pub use store::SoftStore;
