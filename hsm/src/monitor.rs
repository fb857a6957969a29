//! Reports readers and cards that come and go, on a thread of its own with a service context of its own.
//!
//! A pulled YubiKey is a *reader* that goes, a pulled ID-1 card a *card* that goes: here both end in
//! [`ReaderEvent::CardRemoved`], so that a listener need watch for one event only. After any insertion compare serial number
//! and key: it may be another card.

use crate::CardError;
use crate::piv::transport;
use serde::Serialize;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time until a stop or a system without reader notifications is noticed.
const ROUND: Duration = Duration::from_millis(500);
/// Time between two tries to reach the service.
const RETRY: Duration = Duration::from_millis(300);

/// What happened. The state at the start is reported as if it had just come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum ReaderEvent {
    /// A card was inserted, or there was one at the start.
    CardInserted {
        /// The reader's name.
        reader: String,
    },
    /// A card was pulled, by itself or with its reader, or the service went away.
    CardRemoved {
        /// The reader's name.
        reader: String,
    },
    /// A reader was plugged in.
    ReaderAdded {
        /// The reader's name.
        reader: String,
    },
    /// A reader was unplugged.
    ReaderRemoved {
        /// The reader's name.
        reader: String,
    },
    /// The service stopped answering.
    ServiceDown,
    /// The service answers (again).
    ServiceUp,
}

/// One reader in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The reader's name.
    pub reader: String,
    /// True if a card is in it.
    pub card: bool,
    /// Counts insertions and removals where the service does, so that a quick exchange between two looks is not missed.
    pub changes: u32,
}

/// Where snapshots come from: the card service, or a list in tests.
pub trait StatusSource: Send + 'static {
    /// Waits until something may have changed, at most about half a second, then tells all readers.
    ///
    /// # Errors
    /// Any error counts as the service being down; the next call tries to reach it again.
    fn next(&mut self) -> Result<Vec<Seen>, CardError>;
}

/// Watches until it is dropped. Dropping waits for the thread to end, so never drop it inside its own callback.
pub struct Watch {
    stop: Arc<AtomicBool>,
    current: Arc<Mutex<Option<pcsc::Context>>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(context) = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // Fails if nobody waits, which is as good.
            let _ = context.cancel();
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Watches the card service. With `only`, events of other readers are left out.
///
/// # Errors
/// [`CardError::Service`] if the system gives no thread.
pub fn watch(only: Option<String>, on_event: impl Fn(ReaderEvent) + Send + 'static) -> Result<Watch, CardError> {
    let current = Arc::new(Mutex::new(None));
    let source = Service {
        current: Arc::clone(&current),
        states: Vec::new(),
    };
    watch_source(source, current, only, on_event)
}

fn watch_source(
    mut source: impl StatusSource,
    current: Arc<Mutex<Option<pcsc::Context>>>,
    only: Option<String>,
    on_event: impl Fn(ReaderEvent) + Send + 'static,
) -> Result<Watch, CardError> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::Builder::new()
        .name("card-monitor".to_owned())
        .spawn(move || {
            let mut known = None;
            while !stopped.load(Ordering::SeqCst) {
                let new = source.next().ok().map(|mut seen| {
                    seen.retain(|one| only.as_ref().is_none_or(|wanted| *wanted == one.reader));
                    seen
                });
                let waiting = new.is_none();
                changes(known.as_ref(), new.as_deref()).into_iter().for_each(&on_event);
                known = Some(new);
                if waiting && !stopped.load(Ordering::SeqCst) {
                    std::thread::sleep(RETRY);
                }
            }
        })
        .map_err(|error| CardError::Service {
            detail: error.to_string(),
        })?;
    Ok(Watch {
        stop,
        current,
        thread: Some(thread),
    })
}

/// What happened between two snapshots. `None` inside is "service down"; `None` outside is "nothing known yet".
fn changes(old: Option<&Option<Vec<Seen>>>, new: Option<&[Seen]>) -> Vec<ReaderEvent> {
    let mut events = Vec::new();
    if new.is_some() && !matches!(old, Some(Some(_))) {
        events.push(ReaderEvent::ServiceUp);
    }
    let before = old.and_then(Option::as_deref).unwrap_or_default();
    let after = new.unwrap_or_default();
    for one in before {
        let now = after.iter().find(|now| now.reader == one.reader);
        let exchanged = now.is_some_and(|now| now.card && now.changes != one.changes);
        if one.card && (now.is_none_or(|now| !now.card) || exchanged) {
            events.push(ReaderEvent::CardRemoved {
                reader: one.reader.clone(),
            });
        }
        if now.is_none() {
            events.push(ReaderEvent::ReaderRemoved {
                reader: one.reader.clone(),
            });
        }
    }
    for now in after {
        let one = before.iter().find(|one| one.reader == now.reader);
        if one.is_none() {
            events.push(ReaderEvent::ReaderAdded {
                reader: now.reader.clone(),
            });
        }
        if now.card && one.is_none_or(|one| !one.card || one.changes != now.changes) {
            events.push(ReaderEvent::CardInserted {
                reader: now.reader.clone(),
            });
        }
    }
    if new.is_none() && !matches!(old, Some(None)) {
        events.push(ReaderEvent::ServiceDown);
    }
    events
}

/// The real card service.
struct Service {
    /// Shared with [`Watch`], which cancels a wait on it.
    current: Arc<Mutex<Option<pcsc::Context>>>,
    states: Vec<pcsc::ReaderState>,
}

impl StatusSource for Service {
    fn next(&mut self) -> Result<Vec<Seen>, CardError> {
        let outcome = self.look();
        if outcome.is_err() {
            // The old context never recovers; Windows stops the service with the last reader.
            self.states.clear();
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        outcome
    }
}

impl Service {
    fn look(&mut self) -> Result<Vec<Seen>, CardError> {
        let context = self.context()?;
        if !self.states.is_empty() {
            match context.get_status_change(ROUND, &mut self.states) {
                Ok(()) | Err(pcsc::Error::Timeout | pcsc::Error::Cancelled | pcsc::Error::UnknownReader) => {}
                Err(error) => return Err(transport::error(error)),
            }
        }
        let names = match context.list_readers_owned() {
            Ok(names) => names,
            Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
            Err(error) => return Err(transport::error(error)),
        };
        self.follow(&context, names)?;
        Ok(self
            .states
            .iter()
            .filter(|state| state.name() != pcsc::PNP_NOTIFICATION())
            .map(seen)
            .collect())
    }

    fn context(&self) -> Result<pcsc::Context, CardError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.as_ref() {
            Some(context) => Ok(context.clone()),
            None => Ok(current.insert(transport::context()?).clone()),
        }
    }

    /// Brings the list of states up to date with the readers that exist. macOS ignores the notification reader; there the
    /// round's length decides how fast a new reader shows.
    fn follow(&mut self, context: &pcsc::Context, names: Vec<CString>) -> Result<(), CardError> {
        let notification = pcsc::PNP_NOTIFICATION().to_owned();
        self.states.retain(|state| {
            state.name() == notification.as_c_str() || names.iter().any(|name| name.as_c_str() == state.name())
        });
        let mut fresh: Vec<_> = std::iter::once(notification)
            .chain(names)
            .filter(|name| !self.states.iter().any(|state| state.name() == name.as_c_str()))
            .map(|name| pcsc::ReaderState::new(name, pcsc::State::UNAWARE))
            .collect();
        if !fresh.is_empty() {
            match context.get_status_change(Duration::ZERO, &mut fresh) {
                Ok(()) | Err(pcsc::Error::Timeout | pcsc::Error::UnknownReader) => {}
                Err(error) => return Err(transport::error(error)),
            }
            self.states.extend(fresh);
        }
        self.states.iter_mut().for_each(pcsc::ReaderState::sync_current_state);
        Ok(())
    }
}

fn seen(state: &pcsc::ReaderState) -> Seen {
    Seen {
        reader: state.name().to_string_lossy().into_owned(),
        card: state.event_state().contains(pcsc::State::PRESENT),
        changes: state.event_count(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn one(reader: &str, card: bool, changes: u32) -> Seen {
        Seen {
            reader: reader.to_owned(),
            card,
            changes,
        }
    }

    struct Script(std::vec::IntoIter<Result<Vec<Seen>, CardError>>);

    impl StatusSource for Script {
        fn next(&mut self) -> Result<Vec<Seen>, CardError> {
            match self.0.next() {
                Some(step) => step,
                None => {
                    std::thread::sleep(Duration::from_millis(20));
                    Err(CardError::ServiceDown)
                }
            }
        }
    }

    fn play(steps: Vec<Result<Vec<Seen>, CardError>>, only: Option<&str>) -> Vec<String> {
        let count = steps.len();
        let (send, receive) = mpsc::channel();
        let watch = watch_source(
            Script(steps.into_iter()),
            Arc::default(),
            only.map(str::to_owned),
            move |event| {
                drop(send.send(event));
            },
        )
        .unwrap();
        let mut events = Vec::new();
        while let Ok(event) = receive.recv_timeout(Duration::from_secs(2)) {
            let last = event == ReaderEvent::ServiceDown;
            events.push(short(&event));
            if last && events.iter().filter(|event| *event == "down").count() >= count.min(2) {
                break;
            }
        }
        drop(watch);
        events
    }

    fn short(event: &ReaderEvent) -> String {
        match event {
            ReaderEvent::CardInserted { reader } => format!("card+{reader}"),
            ReaderEvent::CardRemoved { reader } => format!("card-{reader}"),
            ReaderEvent::ReaderAdded { reader } => format!("reader+{reader}"),
            ReaderEvent::ReaderRemoved { reader } => format!("reader-{reader}"),
            ReaderEvent::ServiceDown => "down".to_owned(),
            ReaderEvent::ServiceUp => "up".to_owned(),
        }
    }

    #[test]
    fn a_pulled_reader_is_a_pulled_card_as_well() {
        let events = play(
            vec![Err(CardError::ServiceDown), Ok(vec![one("A", true, 1)]), Ok(vec![])],
            None,
        );
        assert_eq!(
            events,
            ["down", "up", "reader+A", "card+A", "card-A", "reader-A", "down"]
        );
    }

    #[test]
    fn a_service_that_dies_takes_the_cards_with_it() {
        let events = play(
            vec![
                Ok(vec![one("A", true, 1)]),
                Err(CardError::ServiceDown),
                Ok(vec![one("A", false, 0)]),
            ],
            None,
        );
        assert_eq!(
            events,
            [
                "up", "reader+A", "card+A", "card-A", "reader-A", "down", "up", "reader+A", "reader-A", "down"
            ]
        );
    }

    #[test]
    fn a_quick_exchange_is_two_events() {
        let old = Some(vec![one("A", true, 1)]);
        let events: Vec<_> = changes(Some(&old), Some(&[one("A", true, 3)]))
            .iter()
            .map(short)
            .collect();
        assert_eq!(events, ["card-A", "card+A"]);
    }

    #[test]
    fn other_readers_are_left_out() {
        let both = vec![one("A", true, 1), one("B", true, 1)];
        let events = play(vec![Err(CardError::ServiceDown), Ok(both)], Some("B"));
        assert_eq!(
            events,
            ["down", "up", "reader+B", "card+B", "card-B", "reader-B", "down"]
        );
    }
}
