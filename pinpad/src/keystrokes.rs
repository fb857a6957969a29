//! Letters where digits belong: a slip of the hand, or a YubiKey touched by accident.

use std::time::{Duration, Instant};

/// Letters a YubiKey types in a one-time password (modhex, the same on all Latin keyboard layouts).
const MODHEX: &str = "cbdefghijklnrtuv";
/// A YubiKey's one-time password is 44 letters; shorter ones exist (32 without a public id).
const OTP_LETTERS: usize = 32;
/// A burst of this many letters is no person typing: the Enter at its end is not theirs either.
const BURST_LETTERS: usize = 8;
/// Letters further apart do not belong to one burst.
const BURST_GAP: Duration = Duration::from_millis(600);

/// What a letter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Somebody types letters.
    Letters,
    /// A YubiKey typed a one-time password.
    OneTimePassword,
}

/// Counts letters; keeps none of them.
#[derive(Debug, Default)]
pub struct Keystrokes {
    letters: usize,
    modhex: bool,
    last: Option<Instant>,
}

impl Keystrokes {
    /// A character that is no digit was typed at `now`.
    pub fn letter(&mut self, c: char, now: Instant) -> Typed {
        if !self.in_burst(now) {
            (self.letters, self.modhex) = (0, true);
        }
        self.letters += 1;
        self.modhex &= MODHEX.contains(c.to_ascii_lowercase());
        self.last = Some(now);
        if self.modhex && self.letters >= OTP_LETTERS {
            Typed::OneTimePassword
        } else {
            Typed::Letters
        }
    }

    /// A digit was typed: no one-time password has any, so the next Enter is a person's.
    pub fn digit(&mut self) {
        *self = Self::default();
    }

    /// True if an Enter at `now` ends a burst of letters and is to be ignored; the burst is over then.
    pub fn swallows_enter(&mut self, now: Instant) -> bool {
        let swallowed = self.in_burst(now) && self.letters >= BURST_LETTERS;
        *self = Self::default();
        swallowed
    }

    fn in_burst(&self, now: Instant) -> bool {
        self.last
            .is_some_and(|last| now.saturating_duration_since(last) <= BURST_GAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTP: &str = "cccccbcvbhkhkgjhnlurrbkdhicghrdkfiunlkdbbnhu";

    fn type_all(strokes: &mut Keystrokes, text: &str, start: Instant, gap_ms: u64) -> (Typed, Instant) {
        let mut now = start;
        let mut typed = Typed::Letters;
        for c in text.chars() {
            now += Duration::from_millis(gap_ms);
            typed = strokes.letter(c, now);
        }
        (typed, now)
    }

    #[test]
    fn a_one_time_password_is_recognised_also_with_caps_lock() {
        for text in [OTP.to_owned(), OTP.to_uppercase()] {
            let mut strokes = Keystrokes::default();
            let (typed, end) = type_all(&mut strokes, &text, Instant::now(), 8);
            assert_eq!((text.len(), typed), (44, Typed::OneTimePassword));
            assert!(strokes.swallows_enter(end + Duration::from_millis(8)));
            assert!(
                !strokes.swallows_enter(end + Duration::from_millis(9)),
                "the next Enter is the person's"
            );
        }
    }

    #[test]
    fn slow_or_other_letters_are_just_letters() {
        let mut strokes = Keystrokes::default();
        let (typed, end) = type_all(&mut strokes, OTP, Instant::now(), 700);
        assert_eq!(typed, Typed::Letters);
        assert!(!strokes.swallows_enter(end));
        let (typed, _) = type_all(&mut strokes, &"password".repeat(6), end, 8);
        assert_eq!(typed, Typed::Letters);
    }

    #[test]
    fn digits_after_a_burst_make_the_enter_a_persons() {
        let mut strokes = Keystrokes::default();
        let (_, end) = type_all(&mut strokes, OTP, Instant::now(), 8);
        strokes.digit();
        assert!(!strokes.swallows_enter(end));
    }

    #[test]
    fn a_late_enter_is_the_persons() {
        let mut strokes = Keystrokes::default();
        let (_, end) = type_all(&mut strokes, OTP, Instant::now(), 8);
        assert!(!strokes.swallows_enter(end + Duration::from_secs(1)));
    }
}
