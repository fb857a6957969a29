//! Real readers and cards.

use super::pinpad::ask;
use super::{Answers, CardPort, WatchGuard};
use crate::notice::Notice;
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wardkey_core::key::{PublicKey, Signature};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::monitor::{ReaderEvent, watch};
use wardkey_hsm::pinjob::PinJob;
use wardkey_hsm::prepare::{PrepareSettings, Prepared, Step, prepare};
use wardkey_hsm::{CardError, CardInfo, PivCard, Slot};
use zeroize::Zeroizing;

/// How long another program may hold the card before the person is told.
const PATIENCE: Duration = Duration::from_secs(5);

/// Readers of the PC/SC service, and the PIN window as a program of its own.
pub struct PcscPort {
    pinpad: PathBuf,
    held: Mutex<Option<PivCard>>,
}

impl PcscPort {
    /// With the PIN window's program.
    #[must_use]
    pub const fn new(pinpad: PathBuf) -> Self {
        Self {
            pinpad,
            held: Mutex::new(None),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<PivCard>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CardPort for PcscPort {
    fn watch(&self, only: Option<String>, heard: Box<dyn Fn(ReaderEvent) + Send>) -> Result<WatchGuard, CardError> {
        Ok(Box::new(watch(only, heard)?))
    }

    fn info(&self, reader: &str) -> Result<CardInfo, CardError> {
        PivCard::open_within(reader, PATIENCE)?.info()
    }

    fn hold(&self, reader: &str) -> Result<(), CardError> {
        let card = PivCard::attach(reader)?;
        *self.held() = Some(card);
        Ok(())
    }

    fn release(&self) {
        let held = self.held().take();
        if let Some(mut card) = held {
            // A pulled card has forgotten it already.
            let _ = card.forget_pin();
        }
    }

    fn sign_unlocked(&self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.held()
            .as_mut()
            .ok_or(CardError::PinRequired)?
            .sign_unlocked(slot, digest)
    }

    fn agree_unlocked(&self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.held()
            .as_mut()
            .ok_or(CardError::PinRequired)?
            .agree_unlocked(slot, peer)
    }

    fn prepare(
        &self,
        reader: &str,
        settings: &PrepareSettings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Prepared, CardError> {
        prepare(reader, settings, progress)
    }

    fn evidence(&self, reader: &str) -> Result<Evidence, CardError> {
        PivCard::open_within(reader, PATIENCE)?.evidence()
    }

    fn ask_pin(&self, job: PinJob) -> BoxFuture<'_, Result<Answers, Notice>> {
        Box::pin(ask(&self.pinpad, job))
    }
}
