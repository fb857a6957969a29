//! Which new PINs are refused before the card is asked.

use crate::entry::{FEWEST, MOST};

/// Why a new PIN is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer than six digits or more than eight.
    Length,
    /// The PIN with which cards leave the factory.
    Factory,
    /// One digit only.
    AllTheSame,
    /// A straight run, up or down (`345678`, `210987`).
    Run,
    /// A short block again and again, in pairs, or mirrored (`121212`, `112233`, `123321`).
    Pattern,
    /// Among the first that anybody tries.
    Common,
}

const FACTORY: &[u8] = b"123456";

/// Well-known keypad figures that the other rules do not catch; firmware 5.7 refuses some of them as well
/// (YubiKey technical manual, "PIN complexity").
const COMMON: [&[u8]; 10] = [
    b"123654",
    b"159753",
    b"147258",
    b"258456",
    b"456123",
    b"789456",
    b"741852",
    b"963852",
    b"987456",
    b"14725836",
];

/// Finds the first weakness of a new PIN, given as ASCII digits.
#[must_use]
pub fn weakness(pin: &[u8]) -> Option<Weakness> {
    if !(FEWEST..=MOST).contains(&pin.len()) {
        return Some(Weakness::Length);
    }
    let rules: [(Weakness, bool); 5] = [
        (Weakness::Factory, pin == FACTORY),
        (Weakness::AllTheSame, pin.windows(2).all(|w| w[0] == w[1])),
        (Weakness::Run, steps_by(pin, 1) || steps_by(pin, 9)),
        (Weakness::Pattern, repeats(pin) || in_pairs(pin) || mirrored(pin)),
        (Weakness::Common, COMMON.contains(&pin)),
    ];
    rules
        .into_iter()
        .find_map(|(weakness, holds)| holds.then_some(weakness))
}

/// Each digit is the one before plus `step`, modulo ten.
fn steps_by(pin: &[u8], step: u8) -> bool {
    pin.windows(2).all(|w| (w[0] - b'0' + step) % 10 == w[1] - b'0')
}

fn repeats(pin: &[u8]) -> bool {
    (2..=pin.len() / 2).any(|block| pin.iter().zip(&pin[block..]).all(|(a, b)| a == b))
}

fn in_pairs(pin: &[u8]) -> bool {
    pin.len().is_multiple_of(2) && pin.chunks(2).all(|pair| pair[0] == pair[1])
}

fn mirrored(pin: &[u8]) -> bool {
    pin.iter().eq(pin.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_pins_are_named() {
        for (pin, expected) in [
            ("12345", Weakness::Length),
            ("123456789", Weakness::Length),
            ("123456", Weakness::Factory),
            ("777777", Weakness::AllTheSame),
            ("00000000", Weakness::AllTheSame),
            ("234567", Weakness::Run),
            ("12345678", Weakness::Run),
            ("876543", Weakness::Run),
            ("890123", Weakness::Run),
            ("321098", Weakness::Run),
            ("121212", Weakness::Pattern),
            ("1231231", Weakness::Pattern),
            ("12341234", Weakness::Pattern),
            ("112233", Weakness::Pattern),
            ("123321", Weakness::Pattern),
            ("159753", Weakness::Common),
        ] {
            assert_eq!(weakness(pin.as_bytes()), Some(expected), "{pin}");
        }
    }

    #[test]
    fn ordinary_pins_pass() {
        for pin in [
            "739154",
            "2468135",
            "90210447",
            "135790",
            "224466".replace("66", "67").as_str(),
        ] {
            assert_eq!(weakness(pin.as_bytes()), None, "{pin}");
        }
    }
}
