//! The window with a card that is no card, to look at every screen without a reader. No job, no secret, no answer kept:
//! `cargo run --release -p wardkey-pinpad --example looks -- use|choose|last|blocked|slow|touch|reader`. The "card" takes 739154.

use std::time::Duration;
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_hsm::CardError;
use wardkey_pinpad::card::{Ask, AskKind, Card, CardFacts, Outcome, Touch};
use wardkey_pinpad::entry::PinEntry;
use wardkey_pinpad::fault::PinpadError;
use wardkey_pinpad::window::{self, Setting};
use zeroize::Zeroizing;

struct Paper {
    tries: u8,
    takes: Duration,
    touch: Touch,
    reader_pad: bool,
}

impl Card for Paper {
    fn look(&mut self) -> Result<CardFacts, Fault> {
        std::thread::sleep(Duration::from_millis(80));
        match self.tries {
            0 => Err(CardError::PinBlocked.fault()),
            n => Ok(CardFacts {
                serial: Some("17402958".into()),
                tries_left: Some(n),
                touch: self.touch,
                reader_pad: self.reader_pad,
            }),
        }
    }

    fn use_reader(&mut self) -> Outcome {
        std::thread::sleep(self.takes);
        Outcome::Stopped(CardError::Cancelled.fault())
    }

    fn use_pin(&mut self, pin: PinEntry) -> Outcome {
        std::thread::sleep(self.takes);
        if pin.digits() == b"739154" {
            return Outcome::Done(Zeroizing::new(r#"{"ok":[]}"#.into()));
        }
        self.tries = self.tries.saturating_sub(1);
        match self.tries {
            0 => Outcome::Stopped(CardError::PinBlocked.fault()),
            n => Outcome::WrongPin { tries_left: Some(n) },
        }
    }

    fn choose(&mut self, _: PinEntry) -> Outcome {
        std::thread::sleep(self.takes);
        Outcome::Done(Zeroizing::new(r#"{"ok":[]}"#.into()))
    }
}

fn main() -> Result<(), PinpadError> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let (kind, title, purpose) = if name == "choose" {
        (
            AskKind::Choose,
            "Choose your PIN",
            "This card is now yours. Choose the PIN that only you know.",
        )
    } else {
        (
            AskKind::Use,
            "Sign in",
            "Type your PIN to open the workstation in Ward 4 East for up to eight hours.",
        )
    };
    let tries = match name.as_str() {
        "blocked" => 0,
        "last" => 1,
        _ => 3,
    };
    let takes = Duration::from_millis(if ["slow", "touch", "reader"].contains(&name.as_str()) {
        30_000
    } else {
        150
    });
    window::open(Setting {
        ask: Ask {
            title: title.into(),
            asker: "Harbour Hospital".into(),
            purpose: purpose.into(),
            serial: Some("17402958".into()),
            kind,
        },
        card: Box::new(Paper {
            tries,
            takes,
            touch: if name == "touch" {
                Touch::Wanted(2)
            } else {
                Touch::Unknown
            },
            reader_pad: name == "reader",
        }),
        watch: Box::new(|_| Ok(Box::new(()))),
        answer: Box::new(|ending| println!("{ending:?}")),
        theme: window::theme_from_environment(),
    })
}
