//! Unblocks a holder's PIN with the unblocking code that IT holds.

use crate::piv::{commands, inspect};
use crate::prepare::derive_puk;
use crate::{CardError, Pin, PivCard};

/// Sets a new PIN on the card with this serial number. Its PUK is derived from IT's `secret`, as [`crate::prepare`] set it.
///
/// The serial number is compared first: a PUK of another card would cost this one a try. A card whose PUK is blocked says so
/// without costing anything.
///
/// # Errors
/// [`CardError::WrongCard`]; [`CardError::PukBlocked`]; [`CardError::WrongPuk`] with the tries left if the card was prepared
/// under another secret; [`CardError::PinTooSimple`], [`CardError::PinDefault`] for the new PIN; [`CardError::Pulled`].
pub fn unblock(reader: &str, serial: &str, secret: &[u8; 32], new: &Pin) -> Result<(), CardError> {
    let mut card = PivCard::open(reader)?;
    card.expect_serial(serial)?;
    unblock_on(&mut card, derive_puk(secret, serial).as_bytes(), new)
}

/// The same on an open card with its PUK. A blocked PUK costs nothing.
pub(crate) fn unblock_on(card: &mut PivCard, puk: &[u8], new: &Pin) -> Result<(), CardError> {
    if card
        .selected(|line| commands::metadata(line, commands::PUK))?
        .and_then(|puk| puk.tries_left)
        == Some(0)
    {
        return Err(CardError::PukBlocked);
    }
    card.unblock_pin(&inspect::padded(puk), new)
}
