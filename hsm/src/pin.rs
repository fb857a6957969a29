//! A PIN in memory: wiped when dropped, never printed.

use crate::CardError;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

/// Longest PIN (SP 800-73-4 part 2 §2.4.3).
const LONGEST: usize = 8;

/// A PIN of 6 to 8 bytes. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Pin {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Pin {
    /// The PIN of every YubiKey as it leaves the factory; known to everybody.
    #[must_use]
    pub const fn factory() -> Self {
        Self {
            bytes: *b"123456\xff\xff",
            len: 6,
        }
    }

    /// Copies the PIN; the caller wipes its own buffer.
    ///
    /// # Errors
    /// [`CardError::PinMalformed`] unless it has 6 to 8 bytes, none of them the padding byte FF.
    pub fn new(bytes: &[u8]) -> Result<Self, CardError> {
        if !(6..=LONGEST).contains(&bytes.len()) || bytes.contains(&0xff) {
            return Err(CardError::PinMalformed);
        }
        let mut padded = [0xff; LONGEST];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self {
            bytes: padded,
            len: bytes.len(),
        })
    }

    /// The eight bytes as they go to the card, padded with FF.
    pub(crate) const fn padded(&self) -> &[u8; LONGEST] {
        &self.bytes
    }

    /// The bytes as they were typed.
    pub(crate) fn typed(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// True if this is the factory's PIN.
    #[must_use]
    pub fn is_factory(&self) -> bool {
        bool::from(self.bytes.ct_eq(&Self::factory().bytes))
    }

    /// True if it is easily guessed: one byte repeated, or a run such as `234567` or `876543` (the rule of firmware 5.7's PIN
    /// complexity, and runs besides).
    #[must_use]
    pub fn is_too_simple(&self) -> bool {
        let used = self.typed();
        let step = |by: u8| used.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(by));
        step(0) || step(1) || step(255)
    }
}

impl Pin {
    /// Refuses a PIN that nobody may choose.
    pub(crate) fn must_be_choosable(&self) -> Result<(), CardError> {
        if self.is_factory() {
            Err(CardError::PinDefault)
        } else if self.is_too_simple() {
            Err(CardError::PinTooSimple)
        } else {
            Ok(())
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.bytes.zeroize();
        self.len.zeroize();
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn six_to_eight_bytes() {
        for length in [0, 5, 9, 100] {
            assert!(matches!(Pin::new(&vec![b'1'; length]), Err(CardError::PinMalformed)));
        }
        assert!(Pin::new(b"12345\xff").is_err());
        assert_eq!(Pin::new(b"482913").unwrap().padded(), b"482913\xff\xff");
        assert_eq!(Pin::new(b"48291357").unwrap().padded(), b"48291357");
    }

    #[test]
    fn simple_ones_and_the_factory_one_are_known() {
        for simple in ["111111", "123456", "234567", "87654321"] {
            assert!(Pin::new(simple.as_bytes()).unwrap().is_too_simple(), "{simple}");
        }
        assert!(!Pin::new(b"482913").unwrap().is_too_simple());
        assert!(Pin::new(b"123456").unwrap().is_factory());
        assert!(!Pin::new(b"1234567").unwrap().is_factory());
    }

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Pin::new(b"482913").unwrap()), "Pin(…)");
    }
}
