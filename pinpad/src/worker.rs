//! The card's own thread: the window never waits for a card.

use crate::card::Card;
use crate::dialog::News;
use crate::entry::PinEntry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// What the card is asked for.
#[derive(Debug)]
pub enum Task {
    /// Serial and tries.
    Look,
    /// The job with the PIN.
    Use(PinEntry),
    /// The job with the PIN from the reader's keys.
    UseReader,
    /// The new PIN.
    Choose(PinEntry),
}

/// Where news goes; it also wakes the window.
pub type Teller = Arc<dyn Fn(News) + Send + Sync>;

/// Starts the card's thread. It ends when the sender is dropped; a card that hangs holds nobody but the thread.
///
/// # Errors
/// The system gives no thread.
pub fn start(mut card: Box<dyn Card>, tell: Teller) -> std::io::Result<Sender<Task>> {
    let (sender, tasks) = channel();
    thread::Builder::new().name("card".into()).spawn(move || {
        let served = catch_unwind(AssertUnwindSafe(|| serve(card.as_mut(), &tasks, &tell)));
        if served.is_err() {
            tell(News::Failed);
        }
    })?;
    Ok(sender)
}

fn serve(card: &mut dyn Card, tasks: &Receiver<Task>, tell: &Teller) {
    for task in tasks {
        tell(match task {
            Task::Look => News::Looked(card.look()),
            Task::Use(pin) => News::Outcome(card.use_pin(pin)),
            Task::UseReader => News::Outcome(card.use_reader()),
            Task::Choose(new) => News::Outcome(card.choose(new)),
        });
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::card::{CardFacts, Outcome};
    use std::time::Duration;
    use wardkey_core::fault::Fault;

    struct Strange;

    impl Card for Strange {
        fn look(&mut self) -> Result<CardFacts, Fault> {
            Ok(CardFacts {
                serial: None,
                tries_left: Some(3),
                touch: crate::card::Touch::Unknown,
                reader_pad: false,
            })
        }
        fn use_pin(&mut self, _: PinEntry) -> Outcome {
            panic!("a fault in a driver")
        }
        fn use_reader(&mut self) -> Outcome {
            Outcome::WrongPin { tries_left: Some(1) }
        }
        fn choose(&mut self, _: PinEntry) -> Outcome {
            Outcome::WrongPin { tries_left: None }
        }
    }

    #[test]
    fn tasks_are_answered_in_order_and_a_panic_is_told() {
        let (news, heard) = channel();
        let tasks = start(Box::new(Strange), Arc::new(move |n| news.send(n).unwrap())).unwrap();
        for task in [
            Task::Look,
            Task::Choose(PinEntry::default()),
            Task::Use(PinEntry::default()),
        ] {
            tasks.send(task).unwrap();
        }
        let next = || heard.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(matches!(next(), News::Looked(Ok(_))));
        assert!(matches!(next(), News::Outcome(Outcome::WrongPin { tries_left: None })));
        assert!(matches!(next(), News::Failed));
    }
}
