//! Brings the PIV application of a YubiKey back to the factory's state; every key and certificate in it is destroyed.

use crate::piv::{commands, inspect};
use crate::{CardError, PivCard};

/// Blocks PIN and PUK on purpose, then resets the application: a YubiKey resets only when both are blocked. May be repeated
/// when the card was pulled on the way. `serial` is what a person typed after reading it from the card: nothing is touched
/// unless this very card is in the reader.
///
/// # Errors
/// [`CardError::WrongCard`] if another serial number was typed; [`CardError::NotYubiKey`] for other cards, which are left alone;
/// [`CardError::Pulled`], after which the card may have a blocked PIN: see [`crate::status::CardStage`].
pub fn reset(reader: &str, serial: &str) -> Result<(), CardError> {
    let mut card = PivCard::open(reader)?;
    card.expect_serial(serial)?;
    card.selected(|line| {
        if commands::firmware(line)?.is_none() {
            return Err(CardError::NotYubiKey);
        }
        inspect::block_pin(line)?;
        inspect::block_puk(line)?;
        inspect::reset(line)?;
        commands::select(line)
    })
}
