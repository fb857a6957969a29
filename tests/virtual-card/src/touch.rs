//! The card's gold contact: a key made with a touch policy waits for a finger, as the real one does.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a YubiKey blinks before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a touch counts for a key with the policy "cached".
const CACHED: Duration = Duration::from_secs(15);

/// Touches the card from outside, and tells whether it waits for that. Clones are the same finger.
#[derive(Clone, Debug, Default)]
pub struct Finger(Arc<(Mutex<Contact>, Condvar)>);

#[derive(Debug)]
struct Contact {
    waiting: bool,
    touched: bool,
    /// The card is out: nobody will touch it any more.
    pulled: bool,
    /// The last touch that was waited for.
    last: Option<Instant>,
    patience: Duration,
}

impl Default for Contact {
    fn default() -> Self {
        Self {
            waiting: false,
            touched: false,
            pulled: false,
            last: None,
            patience: PATIENCE,
        }
    }
}

impl Finger {
    /// Touches the card; true if it was waiting for it. A touch at another time does nothing, as with the real one (which types
    /// an OTP then).
    pub fn touch(&self) -> bool {
        let mut contact = self.contact();
        contact.touched = contact.waiting;
        self.0.1.notify_all();
        contact.waiting
    }

    /// Waits until the card blinks; false if it does not within this time.
    #[must_use]
    pub fn sees_blinking(&self, within: Duration) -> bool {
        let wait = |contact: &mut Contact| !contact.waiting;
        let outcome = self.0.1.wait_timeout_while(self.contact(), within, wait);
        outcome.is_ok_and(|(contact, _)| contact.waiting)
    }

    /// How long the card waits from now on, instead of 15 seconds.
    pub fn set_patience(&self, patience: Duration) {
        self.contact().patience = patience;
    }

    /// What a command does before it uses a key with this touch policy (1 never, 2 always, 3 cached).
    pub(crate) fn ask(&self, policy: u8) -> Result<(), u16> {
        let mut contact = self.contact();
        let counts = policy == 3 && contact.last.is_some_and(|last| last.elapsed() < CACHED);
        if policy == 1 || counts {
            return Ok(());
        }
        contact.waiting = true;
        contact.touched = false;
        self.0.1.notify_all();
        let patience = contact.patience;
        let wait = |contact: &mut Contact| !contact.touched && !contact.pulled;
        let (mut contact, _) = self
            .0
            .1
            .wait_timeout_while(contact, patience, wait)
            .map_err(|_| 0x6f00u16)?;
        contact.waiting = false;
        if !std::mem::take(&mut contact.touched) {
            return Err(0x6982);
        }
        contact.last = Some(Instant::now());
        Ok(())
    }

    /// Ends the waiting of a card that is pulled.
    pub(crate) fn pull(&self) {
        self.contact().pulled = true;
        self.0.1.notify_all();
    }

    /// Power off: no touch counts any more.
    pub(crate) fn forget(&self) {
        self.contact().last = None;
    }

    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
