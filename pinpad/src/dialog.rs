//! The dialog as a state machine: keys, news from the card and time go in, [`Step`]s come out. No window, no card, no clock.

use crate::card::{Ask, AskKind, CardFacts, Outcome};
use crate::entry::{Digit, PinEntry};
use crate::fault::PinpadError;
use crate::keystrokes::{Keystrokes, Typed};
use crate::rules::{self, Weakness};
use std::time::{Duration, Instant};
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_hsm::CardError;
use zeroize::Zeroizing;

/// The window closes after this long without a key.
pub const IDLE: Duration = Duration::from_secs(120);
/// After this long a working card may be waiting for a touch.
pub const TOUCH_HINT: Duration = Duration::from_millis(1200);
/// After this long another program may hold the card; cancelling is offered again.
pub const SLOW_CARD: Duration = Duration::from_secs(10);
/// An Enter this soon after the last-try warning appeared was not meant for it.
const STEADY: Duration = Duration::from_millis(500);

/// What the person did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A digit, from the keyboard or the on-screen pad.
    Digit(Digit),
    /// Any other character.
    Letter(char),
    /// Take back one digit.
    Erase,
    /// Take back all digits.
    Clear,
    /// Enter, or the button on the right.
    Confirm,
    /// Esc, or the button on the left; also closing the window.
    Cancel,
}

/// What happened outside.
#[derive(Debug)]
pub enum News {
    /// The card's serial and tries, or why there is nothing to type a PIN for.
    Looked(Result<CardFacts, Fault>),
    /// The card took the PIN, or not.
    Outcome(Outcome),
    /// The card or its reader is gone.
    Removed,
    /// The card thread is gone.
    Failed,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Nothing; show what there is.
    Wait,
    /// Give the PIN to the card.
    Use(PinEntry),
    /// Give the new PIN to the card.
    Choose(PinEntry),
    /// Answer and close.
    Finish(Ending),
}

/// How the dialog ends.
#[derive(Debug)]
pub enum Ending {
    /// The card's answer, one JSON line; may hold secrets.
    Answered(Zeroizing<String>),
    /// No answer from the card.
    Failed(Fault),
}

/// Where the dialog stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The person types.
    Typing,
    /// One try is left: the person is asked whether to spend it.
    LastTry {
        /// Since when the question stands.
        since: Instant,
    },
    /// The card works.
    Working {
        /// Since when.
        since: Instant,
    },
    /// Nothing more can be done here; the person reads why.
    Stopped(Fault),
    /// The answer is out.
    Finished,
}

/// Which row of dots takes the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The PIN, or the new PIN.
    First,
    /// The new PIN again.
    Again,
}

/// What the line under the dots says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The card refused the PIN.
    WrongPin,
    /// Too few digits.
    TooShort,
    /// The new PIN is refused by our rules.
    Weak(Weakness),
    /// The new PIN is refused by the card.
    Refused(Fault),
    /// The two new PINs differ.
    Different,
    /// A letter was typed.
    DigitsOnly,
    /// A YubiKey typed a one-time password.
    OneTimePassword,
}

/// One PIN dialog from opening to answer.
pub struct Dialog {
    ask: Ask,
    phase: Phase,
    field: Field,
    first: PinEntry,
    again: PinEntry,
    note: Option<Note>,
    facts: Option<CardFacts>,
    /// The PIN was confirmed before the card had told its tries.
    waiting: bool,
    strokes: Keystrokes,
    opened: Instant,
    touched: Instant,
}

impl Dialog {
    /// A dialog opened at `now`.
    #[must_use]
    pub fn new(ask: Ask, now: Instant) -> Self {
        Self {
            ask,
            phase: Phase::Typing,
            field: Field::First,
            first: PinEntry::default(),
            again: PinEntry::default(),
            note: None,
            facts: None,
            waiting: false,
            strokes: Keystrokes::default(),
            opened: now,
            touched: now,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key, now: Instant) -> Step {
        self.touched = now;
        if key == Key::Confirm && self.strokes.swallows_enter(now) {
            return Step::Wait;
        }
        match (&self.phase, key) {
            (Phase::Typing, Key::Confirm) => self.confirm(now),
            (Phase::Typing, Key::Cancel) => self.finish(CardError::Cancelled.fault()),
            (Phase::Typing, key) => self.edit(key, now),
            (Phase::LastTry { since }, Key::Confirm) if now.saturating_duration_since(*since) >= STEADY => {
                self.submit(now)
            }
            (Phase::LastTry { .. }, Key::Cancel | Key::Erase | Key::Clear) => self.retype(None),
            (Phase::Working { since }, Key::Cancel) if now.saturating_duration_since(*since) >= SLOW_CARD => {
                self.finish(CardError::Cancelled.fault())
            }
            (Phase::Stopped(fault), Key::Confirm | Key::Cancel) => {
                let fault = fault.clone();
                self.finish(fault)
            }
            _ => Step::Wait,
        }
    }

    /// Takes news from the card.
    pub fn hear(&mut self, news: News, now: Instant) -> Step {
        match (news, &self.phase) {
            (_, Phase::Finished) => Step::Wait,
            (News::Removed, Phase::Stopped(fault)) => {
                let fault = fault.clone();
                self.finish(fault)
            }
            // Before the card was read, its own error says more: no service, no reader, no card.
            (News::Removed, Phase::Typing) if self.facts.is_none() => Step::Wait,
            (News::Removed, _) => self.finish(PinpadError::CardRemoved.fault()),
            (News::Failed, _) => self.stop(PinpadError::Failed.fault()),
            (News::Looked(Err(fault)) | News::Outcome(Outcome::Stopped(fault)), _) => self.stop(fault),
            (News::Looked(Ok(facts)), _) => self.looked(facts, now),
            (News::Outcome(Outcome::Done(line)), _) => self.end(Ending::Answered(line)),
            (News::Outcome(Outcome::WrongPin { tries_left }), _) => {
                if let Some(facts) = &mut self.facts {
                    facts.tries_left = tries_left;
                }
                self.touched = now;
                self.retype(Some(Note::WrongPin))
            }
            (News::Outcome(Outcome::Refused(fault)), _) => self.retype(Some(Note::Refused(fault))),
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) -> Step {
        let idle = now.saturating_duration_since(self.touched) >= IDLE;
        match &self.phase {
            Phase::Typing | Phase::LastTry { .. } if idle => self.finish(PinpadError::TimedOut.fault()),
            Phase::Stopped(fault) if idle => {
                let fault = fault.clone();
                self.finish(fault)
            }
            _ => Step::Wait,
        }
    }

    /// What the person is asked.
    #[must_use]
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Where the dialog stands.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Which row takes the digits.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Number of digits in a row.
    #[must_use]
    pub const fn typed(&self, field: Field) -> usize {
        match field {
            Field::First => self.first.len(),
            Field::Again => self.again.len(),
        }
    }

    /// What the line under the dots says.
    #[must_use]
    pub const fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// Tries left, once the card told.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        self.facts.as_ref().and_then(|facts| facts.tries_left)
    }

    /// True once the card has told about itself.
    #[must_use]
    pub const fn has_looked(&self) -> bool {
        self.facts.is_some()
    }

    /// True if the card has told nothing for long.
    #[must_use]
    pub fn is_slow_to_look(&self, now: Instant) -> bool {
        self.facts.is_none() && now.saturating_duration_since(self.opened) >= SLOW_CARD
    }

    /// The card's serial number: as found, else as expected.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.facts
            .as_ref()
            .and_then(|facts| facts.serial.as_deref())
            .or(self.ask.serial.as_deref())
    }

    /// True if Confirm would do something.
    #[must_use]
    pub fn can_confirm(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Typing if self.field == Field::Again => self.again.is_long_enough(),
            Phase::Typing => self.first.is_long_enough(),
            Phase::LastTry { since } => now.saturating_duration_since(*since) >= STEADY,
            Phase::Stopped(_) => true,
            Phase::Working { .. } | Phase::Finished => false,
        }
    }

    /// True if Cancel would do something.
    #[must_use]
    pub fn can_cancel(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Working { since } => now.saturating_duration_since(*since) >= SLOW_CARD,
            Phase::Finished => false,
            _ => true,
        }
    }

    fn edit(&mut self, key: Key, now: Instant) -> Step {
        let entry = match self.field {
            Field::First => &mut self.first,
            Field::Again => &mut self.again,
        };
        self.note = None;
        match key {
            Key::Digit(digit) => {
                self.strokes.digit();
                entry.push(digit);
            }
            Key::Erase if entry.is_empty() && self.field == Field::Again => {
                self.field = Field::First;
                self.first.clear();
            }
            Key::Erase => entry.erase(),
            Key::Clear => entry.clear(),
            Key::Letter(c) => {
                self.note = Some(match self.strokes.letter(c, now) {
                    Typed::Letters => Note::DigitsOnly,
                    Typed::OneTimePassword => Note::OneTimePassword,
                });
            }
            Key::Confirm | Key::Cancel => {}
        }
        Step::Wait
    }

    fn confirm(&mut self, now: Instant) -> Step {
        match (self.ask.kind, self.field) {
            (AskKind::Use, _) if !self.first.is_long_enough() => self.remark(Note::TooShort),
            (AskKind::Use, _) if self.facts.is_none() => {
                self.waiting = true;
                self.work(now)
            }
            (AskKind::Use, _) if self.tries_left() == Some(1) => {
                self.phase = Phase::LastTry { since: now };
                Step::Wait
            }
            (AskKind::Use, _) => self.submit(now),
            (AskKind::Choose, Field::First) => match rules::weakness(self.first.digits()) {
                Some(Weakness::Length) => self.remark(Note::TooShort),
                Some(weakness) => self.retype(Some(Note::Weak(weakness))),
                None => {
                    (self.field, self.note) = (Field::Again, None);
                    Step::Wait
                }
            },
            (AskKind::Choose, Field::Again) if self.again.digits() != self.first.digits() => {
                self.retype(Some(Note::Different))
            }
            (AskKind::Choose, Field::Again) => self.submit(now),
        }
    }

    fn submit(&mut self, now: Instant) -> Step {
        self.work(now);
        self.again.clear();
        let pin = self.first.take();
        match self.ask.kind {
            AskKind::Use => Step::Use(pin),
            AskKind::Choose => Step::Choose(pin),
        }
    }

    fn work(&mut self, now: Instant) -> Step {
        (self.phase, self.note) = (Phase::Working { since: now }, None);
        Step::Wait
    }

    fn looked(&mut self, facts: CardFacts, now: Instant) -> Step {
        self.facts = Some(facts);
        if std::mem::take(&mut self.waiting) {
            self.confirm(now)
        } else {
            Step::Wait
        }
    }

    fn remark(&mut self, note: Note) -> Step {
        self.note = Some(note);
        Step::Wait
    }

    /// Empties everything and lets the person type again.
    fn retype(&mut self, note: Option<Note>) -> Step {
        self.wipe();
        (self.phase, self.field, self.note) = (Phase::Typing, Field::First, note);
        Step::Wait
    }

    fn stop(&mut self, fault: Fault) -> Step {
        self.wipe();
        self.phase = Phase::Stopped(fault);
        Step::Wait
    }

    fn finish(&mut self, fault: Fault) -> Step {
        self.end(Ending::Failed(fault))
    }

    fn end(&mut self, ending: Ending) -> Step {
        self.wipe();
        self.phase = Phase::Finished;
        Step::Finish(ending)
    }

    fn wipe(&mut self) {
        self.first.clear();
        self.again.clear();
    }
}

#[cfg(test)]
#[path = "dialog_tests.rs"]
mod tests;
