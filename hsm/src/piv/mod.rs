//! Any PIV card (SP 800-73-4) over PC/SC, through an own thin command layer. Capabilities are probed; the reader's name and
//! the card's maker never matter.

pub mod apdu;
pub(crate) mod capabilities;
mod card;
pub(crate) mod commands;
mod info;
pub(crate) mod inspect;
#[cfg(test)]
mod lies;
pub mod metadata;
pub mod reader_pad;
mod store;
pub mod tlv;
pub(crate) mod transport;
mod verified;

pub use card::PivCard;
pub use info::{CardInfo, SlotInfo};
pub use verified::Verified;
