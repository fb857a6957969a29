//! The dialog as a state machine: keys, news from the card and time go in, [`Step`]s come out. No window, no card, no clock.

mod terms;

pub use terms::{Ending, Field, Key, News, Note, Phase, Step};

use crate::card::{Ask, AskKind, CardFacts, Outcome, Touch};
use crate::entry::PinEntry;
use crate::fault::PinpadError;
use crate::keystrokes::{Keystrokes, Typed};
use crate::rules::{self, Weakness};
use std::time::{Duration, Instant};
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_hsm::CardError;

/// The window closes after this long without a key.
pub const IDLE: Duration = Duration::from_secs(120);
/// After this long a working card that does not tell its policy may be waiting for a touch.
pub const TOUCH_HINT: Duration = Duration::from_millis(1200);
/// After this long a card whose keys want to be touched has looked at the PIN and waits. A wrong PIN is told before.
pub const TOUCH_WAIT: Duration = Duration::from_millis(250);
/// After this long another program may hold the card; cancelling is offered again.
pub const SLOW_CARD: Duration = Duration::from_secs(10);
/// An Enter this soon after the last-try warning appeared was not meant for it.
const STEADY: Duration = Duration::from_millis(500);

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
            (Phase::Typing | Phase::OnReader, Key::Cancel) => self.finish(CardError::Cancelled.fault()),
            (Phase::Typing, key) => self.edit(key, now),
            (Phase::LastTry { since }, Key::Confirm) if now.saturating_duration_since(*since) >= STEADY => {
                self.submit(now)
            }
            (Phase::LastTry { .. }, Key::Cancel) if self.is_on_reader() => self.finish(CardError::Cancelled.fault()),
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
                self.retype(Some(Note::WrongPin));
                self.hand_to_reader(now)
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

    /// Touches that the card waits for, once that is sure: known before the operation, asked for while it runs.
    #[must_use]
    pub fn touches(&self, now: Instant) -> Option<usize> {
        let (Phase::Working { since }, Some(facts)) = (&self.phase, &self.facts) else {
            return None;
        };
        match facts.touch {
            Touch::Wanted(times) if now.saturating_duration_since(*since) >= TOUCH_WAIT => Some(times),
            _ => None,
        }
    }

    /// True if the card may wait for a touch, and it does not tell whether it wants one.
    #[must_use]
    pub fn may_want_touch(&self, now: Instant) -> bool {
        let unknown = self.facts.as_ref().is_none_or(|facts| facts.touch == Touch::Unknown);
        matches!(&self.phase, Phase::Working { since } if unknown && now.saturating_duration_since(*since) >= TOUCH_HINT)
    }

    /// True if the PIN is typed on the reader. A new PIN is chosen in the window: readers differ too much in how they change one.
    #[must_use]
    pub fn is_on_reader(&self) -> bool {
        self.ask.kind == AskKind::Use && self.facts.as_ref().is_some_and(|facts| facts.reader_pad)
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
            Phase::Working { .. } | Phase::OnReader | Phase::Finished => false,
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
            Key::Letter(c) | Key::Capital(c) => {
                self.note = Some(match self.strokes.letter(c, now) {
                    Typed::Letters if matches!(key, Key::Capital(_)) => Note::CapsLock,
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

    /// If the reader has keys, the PIN is typed there; the last try is asked for before.
    fn hand_to_reader(&mut self, now: Instant) -> Step {
        if !self.is_on_reader() {
            return Step::Wait;
        }
        if self.tries_left() == Some(1) {
            self.phase = Phase::LastTry { since: now };
            return Step::Wait;
        }
        self.phase = Phase::OnReader;
        Step::UseReader
    }

    fn submit(&mut self, now: Instant) -> Step {
        if self.is_on_reader() {
            self.phase = Phase::OnReader;
            return Step::UseReader;
        }
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
        if self.is_on_reader() {
            self.retype(None);
            return self.hand_to_reader(now);
        }
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
