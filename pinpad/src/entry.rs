//! The digits while they are typed: a fixed buffer on the heap that is wiped, never a `String`.

use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// Fewest digits of a PIV PIN (SP 800-73-5 part 2, §2.4.3).
pub const FEWEST: usize = 6;
/// Most digits of a PIV PIN.
pub const MOST: usize = 8;

/// One decimal digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// From a typed character: `0`–`9`, also full-width as a Japanese input method sends them.
    #[must_use]
    pub fn typed(c: char) -> Option<Self> {
        let ascii = match c {
            '0'..='9' => c as u32 - '0' as u32,
            '０'..='９' => c as u32 - '０' as u32,
            _ => return None,
        };
        u8::try_from(ascii).ok().map(|n| Self(b'0' + n))
    }

    /// From 0–9; the on-screen pad uses it.
    #[must_use]
    pub const fn number(n: u8) -> Option<Self> {
        if n < 10 { Some(Self(b'0' + n)) } else { None }
    }
}

/// Up to eight typed digits; wiped when erased, taken or dropped. Never moves in memory: only the box does.
pub struct PinEntry {
    digits: Box<Zeroizing<[u8; MOST]>>,
    len: usize,
}

impl Default for PinEntry {
    fn default() -> Self {
        Self {
            digits: Box::new(Zeroizing::new([0; MOST])),
            len: 0,
        }
    }
}

impl PinEntry {
    /// Adds a digit; `false` if the entry is full.
    pub fn push(&mut self, digit: Digit) -> bool {
        let Some(place) = self.digits.get_mut(self.len) else {
            return false;
        };
        *place = digit.0;
        self.len += 1;
        true
    }

    /// Takes back the last digit.
    pub fn erase(&mut self) {
        self.len = self.len.saturating_sub(1);
        if let Some(place) = self.digits.get_mut(self.len) {
            place.zeroize();
        }
    }

    /// Wipes everything.
    pub fn clear(&mut self) {
        self.digits.as_mut().zeroize();
        self.len = 0;
    }

    /// How many digits there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if nothing was typed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if a card could accept that many digits.
    #[must_use]
    pub const fn is_long_enough(&self) -> bool {
        self.len >= FEWEST
    }

    /// The ASCII digits.
    #[must_use]
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// Hands the digits over and leaves an empty entry.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl fmt::Debug for PinEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinEntry(…)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    fn typed(text: &str) -> PinEntry {
        let mut entry = PinEntry::default();
        text.chars().for_each(|c| assert!(entry.push(Digit::typed(c).unwrap())));
        entry
    }

    #[test]
    fn holds_eight_digits_and_no_more() {
        let mut entry = typed("12345678");
        assert!(!entry.push(Digit::number(9).unwrap()));
        assert_eq!(entry.digits(), b"12345678");
    }

    #[test]
    fn erasing_wipes_the_byte() {
        let mut entry = typed("987");
        entry.erase();
        assert_eq!(entry.digits(), b"98");
        assert_eq!(**entry.digits, [b'9', b'8', 0, 0, 0, 0, 0, 0]);
        entry.clear();
        entry.erase();
        assert!(entry.is_empty());
        assert_eq!(**entry.digits, [0; 8]);
    }

    #[test]
    fn taking_moves_the_box_and_leaves_nothing() {
        let mut entry = typed("246810");
        let place = entry.digits.as_ptr();
        let taken = entry.take();
        assert_eq!((taken.digits(), taken.digits.as_ptr()), (&b"246810"[..], place));
        assert!(entry.is_empty());
    }

    #[test]
    fn only_digits_count_also_full_width() {
        assert!(Digit::typed('７').is_some_and(|d| d.0 == b'7'));
        assert!(
            ['a', ' ', '-', '٣', '\n']
                .into_iter()
                .all(|c| Digit::typed(c).is_none())
        );
        assert!(Digit::number(10).is_none());
    }

    #[test]
    fn nothing_is_printed() {
        assert_eq!(format!("{:?}", typed("123987")), "PinEntry(…)");
    }
}
