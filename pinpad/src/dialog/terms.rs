//! The words of the dialog: what goes in, what comes out, where it stands.

use crate::card::{CardFacts, Outcome};
use crate::entry::{Digit, PinEntry};
use crate::rules::Weakness;
use std::time::Instant;
use wardkey_core::fault::Fault;
use zeroize::Zeroizing;

/// What the person did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A digit, from the keyboard or the on-screen pad.
    Digit(Digit),
    /// Any other character.
    Letter(char),
    /// A letter whose case says that Caps Lock is on.
    Capital(char),
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
    /// Let the reader take the PIN.
    UseReader,
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
    /// The person types on the reader's own keys.
    OnReader,
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
    /// A letter was typed with Caps Lock on.
    CapsLock,
    /// A YubiKey typed a one-time password.
    OneTimePassword,
}
