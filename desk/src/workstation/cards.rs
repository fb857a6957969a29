//! Cards that come and go.

use super::Workstation;
use crate::error::DeskError;
use crate::notice::{Notice, Tone};
use crate::view::Topic;
use std::sync::{Arc, PoisonError};
use wardkey_hsm::CardInfo;
use wardkey_hsm::monitor::ReaderEvent;

impl Workstation {
    pub(super) fn watch_readers(self: &Arc<Self>) -> Result<(), Notice> {
        let me = Arc::downgrade(self);
        let heard = move |event| {
            if let Some(this) = me.upgrade() {
                this.heard(event);
            }
        };
        let guard = self.card.watch(self.settings.reader.clone(), Box::new(heard))?;
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(())
    }

    fn heard(self: Arc<Self>, event: ReaderEvent) {
        match event {
            ReaderEvent::CardRemoved { reader } | ReaderEvent::ReaderRemoved { reader } => self.card_removed(&reader),
            ReaderEvent::CardInserted { reader } => self.card_inserted(&reader),
            ReaderEvent::ServiceDown => self.service_notice(true),
            ReaderEvent::ServiceUp => self.service_notice(false),
            ReaderEvent::ReaderAdded { .. } => {}
        }
        // The last owner must not go on this thread: the watch would wait for itself.
        std::thread::spawn(move || drop(self));
    }

    /// Covers at once: nothing here asks a card or the network.
    fn card_removed(&self, reader: &str) {
        let (taken, left) = {
            let mut state = self.state();
            state.readers.retain(|r| r != reader);
            let taken = state.machine.removed(reader).wipe.then(|| {
                state.card = None;
                state.keep_service_notice();
                if !state.machine.covered() {
                    state.user = None;
                }
                state.take_secrets()
            });
            (taken, state.readers.clone())
        };
        let Some(secrets) = taken else {
            return self.clear_two_cards(left.len());
        };
        self.wiped(secrets);
        if let Some(next) = left.first() {
            self.card_inserted(next);
        }
    }

    fn clear_two_cards(&self, left: usize) {
        let shown = self.state().notice.as_ref().is_some_and(|n| n.code == "card-two");
        if left < 2 && shown {
            self.note(None);
        }
    }

    fn card_inserted(&self, reader: &str) {
        let (effect, two) = {
            let mut state = self.state();
            if !state.readers.iter().any(|r| r == reader) {
                state.readers.push(reader.to_owned());
            }
            (state.machine.inserted(reader), state.readers.len() > 1)
        };
        if two {
            self.note(Some(Notice::of(&DeskError::TwoCards).toned(Tone::Warning)));
        }
        if !effect.changed {
            return;
        }
        self.tell(&[Topic::Snapshot]);
        let (me, reader) = (self.me.clone(), reader.to_owned());
        std::thread::spawn(move || {
            let Some(this) = me.upgrade() else { return };
            if let Err(notice) = this.read_card(&reader) {
                this.note(Some(notice));
            }
        });
    }

    /// Reads the card that counts; blocking.
    pub(super) fn read_card(&self, reader: &str) -> Result<CardInfo, Notice> {
        let generation = self.state().machine.generation();
        let info = self.card.info(reader)?;
        let mut state = self.state();
        if state.machine.generation() != generation || state.machine.reader() != Some(reader) {
            return Err(DeskError::CardRemoved.into());
        }
        state.card = Some(info.clone());
        state.notice = state.notice.take().filter(|n| n.code == "card-two");
        drop(state);
        self.tell(&[Topic::Snapshot, Topic::Card]);
        Ok(info)
    }

    /// The card that counts, read before or now.
    pub(super) async fn card_info(&self) -> Result<CardInfo, Notice> {
        let (known, reader, cards) = {
            let state = self.state();
            (
                state.card.clone(),
                state.machine.reader().map(str::to_owned),
                state.readers.len(),
            )
        };
        if cards > 1 {
            return Err(DeskError::TwoCards.into());
        }
        let reader = reader.ok_or(DeskError::NoCard)?;
        match known {
            Some(info) => Ok(info),
            None => self.blocking(move |this| this.read_card(&reader)).await?,
        }
    }
}
