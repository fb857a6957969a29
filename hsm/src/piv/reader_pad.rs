//! PIN pads built into readers: the PIN goes from the reader's keys to the card and never reaches this computer (PC/SC part 10
//! v2.02.09, FEATURE_VERIFY_PIN_DIRECT).
//!
//! Written after the specification; no such reader was at hand. What is tested is every byte that goes to the reader, and every
//! answer that the specification names, with a reader made of code.

use super::apdu::Channel;
use super::commands::pin_error;
use crate::CardError;

/// `FEATURE_VERIFY_PIN_DIRECT` (part 10 §2.3, table 1).
const FEATURE_VERIFY_PIN_DIRECT: u8 = 0x06;
/// Seconds that a reader waits for the first and for every further key.
const PATIENCE: u8 = 60;
/// VERIFY of the PIV PIN with a block of eight padding bytes, which the reader overwrites with the digits (SP 800-73-4 part 2
/// §3.2.1).
const VERIFY: [u8; 13] = [
    0x00, 0x20, 0x00, 0x80, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

/// `CM_IOCTL_GET_FEATURE_REQUEST` on this system (part 10 §2.2).
#[must_use]
pub fn feature_request() -> u32 {
    // A number of 32 bits in a wider type on some systems.
    pcsc::ctl_code(3400) as u32
}

/// A reader's own PIN entry: the control code that starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderPad(u32);

impl ReaderPad {
    /// Asks the reader; `None` if it has no keys, or knows nothing of part 10.
    pub fn find(line: &mut dyn Channel) -> Option<Self> {
        let features = line.control(feature_request(), &[]).ok()?;
        verify_direct(&features).map(Self)
    }

    /// Lets the holder type the PIN on the reader, which sends it to the card. Blocks until that is done or given up.
    ///
    /// # Errors
    /// [`CardError::WrongPin`], [`CardError::PinBlocked`]; [`CardError::Cancelled`] if nobody typed, or the reader's cancel key
    /// was pressed; [`CardError::PinMalformed`] for too few digits; [`CardError::Pulled`].
    pub fn verify(self, line: &mut dyn Channel) -> Result<(), CardError> {
        let answer = line.control(self.0, &verify_structure())?;
        match answer.as_slice() {
            [high, low] => outcome(u16::from_be_bytes([*high, *low])),
            _ => Err(CardError::Pulled),
        }
    }
}

/// The reader's own status words (part 10 §2.5.2) come in the place of the card's.
fn outcome(status: u16) -> Result<(), CardError> {
    match status {
        0x9000 => Ok(()),
        // 6400: nobody typed in time; 6401: the cancel key.
        0x6400 | 0x6401 => Err(CardError::Cancelled),
        // 6402 is for two new PINs that differ; 6403: too short or too long.
        0x6403 => Err(CardError::PinMalformed),
        status => Err(pin_error("VERIFY on the reader", status)),
    }
}

/// The control code of direct verification in the answer to the feature request: a list of tag, length 4, code (big-endian; part
/// 10 §2.2).
#[must_use]
pub fn verify_direct(features: &[u8]) -> Option<u32> {
    let mut rest = features;
    while let [tag, length, after @ ..] = rest {
        let (value, next) = after.split_at_checked(usize::from(*length))?;
        if *tag == FEATURE_VERIFY_PIN_DIRECT {
            return value.try_into().ok().map(u32::from_be_bytes);
        }
        rest = next;
    }
    None
}

/// `PIN_VERIFY_STRUCTURE` (part 10 §2.5.2) for a PIV PIN: 6 to 8 ASCII digits, left-justified in eight bytes padded with FF.
/// Numbers of several bytes are little-endian.
#[must_use]
pub fn verify_structure() -> Vec<u8> {
    const MOST: u8 = 8;
    const FEWEST: u8 = 6;
    let mut out = vec![PATIENCE, PATIENCE];
    out.push(0x82); // bmFormatString: positions in bytes, the PIN at the start of the block, left-justified, ASCII
    out.push(MOST); // bmPINBlockString: no length in the command, a block of eight bytes
    out.push(0x00); // bmPINLengthFormat: the length is inserted nowhere
    out.extend([MOST, FEWEST]); // wPINMaxExtraDigit: the low byte is the most, the high byte the fewest
    out.push(0x02); // bEntryValidationCondition: the reader's OK key ends the entry
    out.push(0xff); // bNumberMessage: the reader's own words
    out.extend([0x09, 0x04]); // wLangId: 0x0409, English
    out.push(0x00); // bMsgIndex
    out.extend([0, 0, 0]); // bTeoPrologue: for T=1 drivers that leave it to the host; none does
    out.extend([VERIFY.len() as u8, 0, 0, 0]); // ulDataLength
    out.extend(VERIFY);
    out
}

#[cfg(test)]
#[path = "reader_pad_tests.rs"]
mod tests;
