//! The real card service as a [`StatusSource`].

use super::{Seen, StatusSource};
use crate::CardError;
use crate::piv::transport;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Ends a wait from another thread.
#[derive(Clone, Default)]
pub(super) struct Cancel(Arc<Mutex<Option<pcsc::Context>>>);

impl Cancel {
    pub(super) fn cancel(&self) {
        if let Some(context) = self.current().as_ref() {
            // Fails if nobody waits, which is as good.
            let _ = context.cancel();
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<pcsc::Context>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self) -> Result<pcsc::Context, CardError> {
        self.current().clone().ok_or(CardError::ServiceDown)
    }
}

/// PC/SC.
pub(super) struct Service {
    /// The context, shared with [`super::Watch`].
    cancel: Cancel,
    states: Vec<pcsc::ReaderState>,
}

impl Service {
    pub(super) const fn new(cancel: Cancel) -> Self {
        Self {
            cancel,
            states: Vec::new(),
        }
    }

    /// Forgets readers that are not asked about any more, and takes in those that are new.
    fn track(&mut self, readers: &[String], notified: bool) -> bool {
        let notification = notified.then(|| pcsc::PNP_NOTIFICATION().to_owned());
        let wanted = readers.iter().filter_map(|name| transport::reader_name(name).ok());
        let wanted: Vec<_> = notification.into_iter().chain(wanted).collect();
        self.states
            .retain(|state| wanted.iter().any(|name| name.as_c_str() == state.name()));
        let before = self.states.len();
        for name in wanted {
            if !self.states.iter().any(|state| state.name() == name.as_c_str()) {
                self.states.push(pcsc::ReaderState::new(name, pcsc::State::UNAWARE));
            }
        }
        self.states.len() > before
    }
}

impl StatusSource for Service {
    fn connect(&mut self) -> Result<(), CardError> {
        self.states.clear();
        *self.cancel.current() = None;
        let context = transport::context()?;
        *self.cancel.current() = Some(context);
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<String>, CardError> {
        match self.cancel.context()?.list_readers_owned() {
            Ok(names) => Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect()),
            Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
            Err(error) => Err(transport::error(error)),
        }
    }

    fn wait(&mut self, readers: &[String], notified: bool, at_most: Duration) -> Result<Vec<Seen>, CardError> {
        use pcsc::Error as E;
        let at_most = if self.track(readers, notified) {
            Duration::ZERO
        } else {
            at_most
        };
        if !self.states.is_empty() {
            match self.cancel.context()?.get_status_change(at_most, &mut self.states) {
                Ok(()) | Err(E::Timeout | E::Cancelled | E::UnknownReader | E::NoReadersAvailable) => {}
                Err(error) => return Err(transport::error(error)),
            }
        }
        self.states.iter_mut().for_each(pcsc::ReaderState::sync_current_state);
        Ok(self.states.iter().filter(|state| is_reader(state)).map(seen).collect())
    }
}

fn is_reader(state: &pcsc::ReaderState) -> bool {
    let gone = pcsc::State::UNKNOWN | pcsc::State::IGNORE;
    state.name() != pcsc::PNP_NOTIFICATION() && !state.event_state().intersects(gone)
}

fn seen(state: &pcsc::ReaderState) -> Seen {
    Seen {
        reader: state.name().to_string_lossy().into_owned(),
        card: state.event_state().contains(pcsc::State::PRESENT),
        changes: state.event_count(),
    }
}
