//! What the dialog needs from a card. The real one is [`crate::hsm_card::HsmCard`].

use crate::entry::PinEntry;
use wardkey_core::fault::Fault;
use zeroize::Zeroizing;

/// What the pinpad is asked for, as shown to the person. All texts are clean for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is going on, a few words: "Sign in".
    pub title: String,
    /// Who asks: the institution.
    pub asker: String,
    /// What for, one or two lines.
    pub purpose: String,
    /// Serial number of the card that is expected.
    pub serial: Option<String>,
    /// Use the PIN or choose a new one.
    pub kind: AskKind,
}

/// The two kinds of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskKind {
    /// Type the PIN; the operations follow.
    Use,
    /// Choose a new PIN and type it twice.
    Choose,
}

/// What the card tells before the PIN is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFacts {
    /// Serial number, where the card has one.
    pub serial: Option<String>,
    /// Tries before the PIN is blocked, where the card tells.
    pub tries_left: Option<u8>,
    /// Whether the job's keys want to be touched.
    pub touch: Touch,
    /// True if the reader has keys of its own: the PIN is typed there.
    pub reader_pad: bool,
}

/// Whether the card will wait for a finger, as its keys' metadata say before any of them is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touch {
    /// The card does not tell.
    #[default]
    Unknown,
    /// It will not.
    Never,
    /// It will, so many times.
    Wanted(usize),
}

/// How the card took a PIN.
#[derive(Debug)]
pub enum Outcome {
    /// All done; the line to answer. It may hold shared secrets.
    Done(Zeroizing<String>),
    /// Not the PIN of this card.
    WrongPin {
        /// Tries before it is blocked, where the card tells.
        tries_left: Option<u8>,
    },
    /// The card refuses the new PIN (too simple); another may do.
    Refused(Fault),
    /// Nothing more can be done in this window.
    Stopped(Fault),
}

/// A card in a reader. Calls block; they are made on the card's own thread.
pub trait Card: Send {
    /// Reads serial and tries.
    ///
    /// # Errors
    /// What stops the job before a PIN is typed: no card, another card, PIN blocked.
    fn look(&mut self) -> Result<CardFacts, Fault>;
    /// Verifies the PIN and does all operations of the job in one transaction.
    fn use_pin(&mut self, pin: PinEntry) -> Outcome;
    /// The same with the PIN typed on the reader's own keys; blocks until it was.
    fn use_reader(&mut self) -> Outcome;
    /// Replaces the factory PIN.
    fn choose(&mut self, new: PinEntry) -> Outcome;
}
