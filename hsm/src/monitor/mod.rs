//! Reports readers and cards that come and go, on a thread of its own with a service context of its own: no card call is ever
//! waited for.
//!
//! A pulled YubiKey is a *reader* that goes, a pulled ID-1 card a *card* that goes: here both end in
//! [`ReaderEvent::CardRemoved`], so that a listener need watch for one event only. After any insertion compare serial number
//! and key: it may be another card.

mod changes;
mod rule;
mod service;
#[cfg(test)]
mod tests;

pub use changes::Seen;
pub use rule::{Rule, StatusSource};

use crate::CardError;
use rule::Follower;
use serde::Serialize;
use service::{Cancel, Service};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

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

/// Watches until it is dropped. Dropping waits for the thread to end, so never drop it inside its own callback.
pub struct Watch {
    stop: Arc<AtomicBool>,
    cancel: Cancel,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Watches the card service by this system's rule. With `only`, events of other readers are left out.
///
/// # Errors
/// [`CardError::Service`] if the system gives no thread.
pub fn watch(only: Option<String>, on_event: impl Fn(ReaderEvent) + Send + 'static) -> Result<Watch, CardError> {
    let cancel = Cancel::default();
    let source = Service::new(cancel.clone());
    watch_source(source, Rule::here(), cancel, only, on_event)
}

fn watch_source(
    source: impl StatusSource,
    rule: Rule,
    cancel: Cancel,
    only: Option<String>,
    on_event: impl Fn(ReaderEvent) + Send + 'static,
) -> Result<Watch, CardError> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let mut follower = Follower::new(source, rule);
    let thread = std::thread::Builder::new()
        .name("card-monitor".to_owned())
        .spawn(move || {
            let mut known = None;
            while !stopped.load(Ordering::SeqCst) {
                let new = follower.look().ok().map(|mut seen| {
                    seen.retain(|one| only.as_ref().is_none_or(|wanted| *wanted == one.reader));
                    seen
                });
                let waiting = new.is_none();
                changes::between(known.as_ref(), new.as_deref())
                    .into_iter()
                    .for_each(&on_event);
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
        cancel,
        thread: Some(thread),
    })
}
