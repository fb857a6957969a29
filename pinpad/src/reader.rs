//! The reader is watched while the window is open: a pulled card closes it.

use crate::dialog::News;
use crate::window::Companion;
use crate::worker::Teller;
use wardkey_hsm::CardError;
use wardkey_hsm::monitor::{self, ReaderEvent};
use wardkey_hsm::pinjob::PinJob;

/// The reader that a job's card is in; an HSM and a key file are in none.
#[must_use]
pub fn of(job: &PinJob) -> Option<String> {
    Some(job.reader.clone()).filter(|reader| !reader.is_empty())
}

/// Watches one reader until the returned companion is dropped; does nothing without one.
///
/// # Errors
/// [`CardError::Service`] if the system gives no thread.
pub fn watch(reader: Option<String>, tell: Teller) -> Result<Companion, CardError> {
    let Some(reader) = reader else {
        return Ok(Box::new(()));
    };
    let watch = monitor::watch(Some(reader), move |event| {
        if is_removal(&event) {
            tell(News::Removed);
        }
    })?;
    Ok(Box::new(watch))
}

/// A pulled card, a pulled YubiKey (its reader goes with it) and a stopped service all mean that the card is gone.
const fn is_removal(event: &ReaderEvent) -> bool {
    matches!(
        event,
        ReaderEvent::CardRemoved { .. } | ReaderEvent::ReaderRemoved { .. } | ReaderEvent::ServiceDown
    )
}
