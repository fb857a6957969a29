//! Every text that a person reads, in one catalogue. `{}` is filled by [`filled`]. Faults bring their own words.

use crate::dialog::Note;
use crate::rules::Weakness;
use std::borrow::Cow;

/// The texts of one language.
#[derive(Debug)]
pub struct Texts {
    /// Title of the window: who asks, what.
    pub window: &'static str,
    /// Before the card's serial number.
    pub card: &'static str,
    /// While the card is read.
    pub reading: &'static str,
    /// Tries left, several.
    pub tries: &'static str,
    /// Tries left, one.
    pub one_try: &'static str,
    /// Label of the row.
    pub pin: &'static str,
    /// Label of the first row of two.
    pub new_pin: &'static str,
    /// Label of the second row.
    pub again: &'static str,
    /// What a new PIN must be.
    pub rules: &'static str,
    /// The second row's turn.
    pub type_again: &'static str,
    /// Button.
    pub confirm: &'static str,
    /// Button: on to the second row.
    pub next: &'static str,
    /// Button: set the new PIN.
    pub set: &'static str,
    /// Button.
    pub cancel: &'static str,
    /// Button.
    pub close: &'static str,
    /// Button of the last-try question.
    pub back: &'static str,
    /// Button of the last-try question.
    pub spend: &'static str,
    /// Button that opens the number pad.
    pub pad: &'static str,
    /// Button that closes it.
    pub pad_close: &'static str,
    /// Key of the pad.
    pub clear: &'static str,
    /// The card works.
    pub working: &'static str,
    /// The card may wait for a touch.
    pub touch: &'static str,
    /// The card waits for a touch.
    pub touch_now: &'static str,
    /// The same, more to say.
    pub touch_how: &'static str,
    /// The same, several times.
    pub touch_again: &'static str,
    /// The PIN is typed on the reader.
    pub on_reader: &'static str,
    /// The same, more to say.
    pub on_reader_how: &'static str,
    /// The card takes long.
    pub slow: &'static str,
    /// The last-try question.
    pub last_try: &'static str,
    /// After a wrong PIN, tries unknown.
    pub wrong: &'static str,
    /// After a wrong PIN, several tries left.
    pub wrong_tries: &'static str,
    /// After a wrong PIN, one try left.
    pub wrong_one_try: &'static str,
    /// Fewer than six digits.
    pub too_short: &'static str,
    /// The two differ.
    pub different: &'static str,
    /// Letters typed.
    pub digits_only: &'static str,
    /// Letters typed with Caps Lock on.
    pub caps_lock: &'static str,
    /// One-time password typed by a touched YubiKey.
    pub one_time_password: &'static str,
    /// Weak: factory PIN.
    pub weak_factory: &'static str,
    /// Weak: one digit only.
    pub weak_same: &'static str,
    /// Weak: a run.
    pub weak_run: &'static str,
    /// Weak: a pattern.
    pub weak_pattern: &'static str,
    /// Weak: widely used.
    pub weak_common: &'static str,
}

/// English.
pub const ENGLISH: Texts = Texts {
    window: "{} — {}",
    card: "Card {}",
    reading: "Reading the card…",
    tries: "{} tries left",
    one_try: "1 try left",
    pin: "PIN",
    new_pin: "New PIN",
    again: "Once more",
    rules: "6 to 8 digits. No runs, no repeated digits.",
    type_again: "Type the new PIN once more.",
    confirm: "Confirm",
    next: "Next",
    set: "Set PIN",
    cancel: "Cancel",
    close: "Close",
    back: "Go back",
    spend: "Use my last try",
    pad: "Number pad",
    pad_close: "Hide pad",
    clear: "Clear",
    working: "The card is working…",
    touch: "If your card blinks, touch it now.",
    touch_now: "Touch your card now",
    touch_how: "It blinks and waits for your finger.",
    touch_again: "It waits for your finger {} times: touch it each time it blinks.",
    on_reader: "Type the PIN on the reader",
    on_reader_how: "Then press OK there. The PIN goes straight to the card.",
    slow: "The card does not answer. Another program may be using it.",
    last_try: "This is the last try. If the PIN is wrong, the card is blocked and only IT can unblock it.",
    wrong: "Wrong PIN. Type it again.",
    wrong_tries: "Wrong PIN. {} tries left.",
    wrong_one_try: "Wrong PIN. One try left: after another mistake the card is blocked.",
    too_short: "A PIN has 6 to 8 digits.",
    different: "The two PINs differ. Type the new PIN again.",
    digits_only: "A PIN has digits only.",
    caps_lock: "Caps Lock is on. A PIN has digits only.",
    one_time_password: "Your YubiKey typed a code because it was touched. It was ignored: type your PIN.",
    weak_factory: "This is the PIN of every new card. Choose another.",
    weak_same: "The same digit throughout is too easy to guess. Choose another.",
    weak_run: "Digits in a row are too easy to guess. Choose another.",
    weak_pattern: "A repeated or mirrored pattern is too easy to guess. Choose another.",
    weak_common: "This PIN is among the first that anybody tries. Choose another.",
};

impl Texts {
    /// What a note says.
    #[must_use]
    pub fn note<'a>(&'a self, note: &'a Note, tries_left: Option<u8>) -> Cow<'a, str> {
        match note {
            Note::WrongPin => match tries_left {
                None => self.wrong.into(),
                Some(0 | 1) => self.wrong_one_try.into(),
                Some(n) => filled(self.wrong_tries, &[&n.to_string()]).into(),
            },
            Note::TooShort | Note::Weak(Weakness::Length) => self.too_short.into(),
            Note::Weak(Weakness::Factory) => self.weak_factory.into(),
            Note::Weak(Weakness::AllTheSame) => self.weak_same.into(),
            Note::Weak(Weakness::Run) => self.weak_run.into(),
            Note::Weak(Weakness::Pattern) => self.weak_pattern.into(),
            Note::Weak(Weakness::Common) => self.weak_common.into(),
            Note::Refused(fault) => format!("{}. {}", sentence(&fault.message), fault.action).into(),
            Note::Different => self.different.into(),
            Note::DigitsOnly => self.digits_only.into(),
            Note::CapsLock => self.caps_lock.into(),
            Note::OneTimePassword => self.one_time_password.into(),
        }
    }

    /// How the card wants to be touched.
    #[must_use]
    pub fn touches(&self, times: usize) -> Cow<'_, str> {
        if times > 1 {
            filled(self.touch_again, &[&times.to_string()]).into()
        } else {
            self.touch_how.into()
        }
    }

    /// Tries left in words; nothing if the card does not tell.
    #[must_use]
    pub fn tries_left(&self, tries: Option<u8>) -> Option<Cow<'_, str>> {
        match tries? {
            1 => Some(self.one_try.into()),
            n => Some(filled(self.tries, &[&n.to_string()]).into()),
        }
    }
}

/// Puts the values in the places marked `{}`, in order.
#[must_use]
pub fn filled(template: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut parts = template.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(values.next().unwrap_or(&""));
        out.push_str(part);
    }
    out
}

/// A fault's message as the beginning of a sentence.
#[must_use]
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_order_and_values_are_not_templates() {
        assert_eq!(
            filled(ENGLISH.window, &["{} Hospital", "Sign in"]),
            "{} Hospital — Sign in"
        );
        assert_eq!(filled("{}, {}", &["one"]), "one, ");
    }

    #[test]
    fn tries_are_told_in_words() {
        assert_eq!(ENGLISH.note(&Note::WrongPin, Some(2)), "Wrong PIN. 2 tries left.");
        assert_eq!(ENGLISH.note(&Note::WrongPin, Some(1)), ENGLISH.wrong_one_try);
        assert_eq!(ENGLISH.tries_left(Some(1)).as_deref(), Some("1 try left"));
        assert_eq!(ENGLISH.tries_left(None), None);
    }

    #[test]
    fn a_sentence_begins_with_a_capital() {
        assert_eq!(sentence("the PIN is blocked"), "The PIN is blocked");
        assert_eq!(sentence(""), "");
    }
}
