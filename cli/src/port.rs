//! Cards without the workstation's eye on the readers. A workstation reads every card that comes in, and a SELECT in the middle
//! of a preparation ends it; here each reader is used by name, one command at a time.

use futures::future::BoxFuture;
use std::path::PathBuf;
use wardkey_core::key::{PublicKey, Signature};
use wardkey_desk::Notice;
use wardkey_desk::card::{Answers, CardPort, PcscPort, WatchGuard, Zeroizing};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::monitor::ReaderEvent;
use wardkey_hsm::pinjob::PinJob;
use wardkey_hsm::prepare::{PrepareSettings, Prepared, Step};
use wardkey_hsm::{CardError, CardInfo, Slot};

/// Real readers and cards; nobody is told who comes and goes.
pub struct Unwatched(PcscPort);

impl Unwatched {
    /// With the PIN window's program.
    #[must_use]
    pub const fn new(pinpad: PathBuf) -> Self {
        Self(PcscPort::new(pinpad))
    }
}

impl CardPort for Unwatched {
    fn watch(&self, _: Option<String>, _: Box<dyn Fn(ReaderEvent) + Send>) -> Result<WatchGuard, CardError> {
        Ok(Box::new(()))
    }

    fn info(&self, reader: &str) -> Result<CardInfo, CardError> {
        self.0.info(reader)
    }

    fn hold(&self, reader: &str) -> Result<(), CardError> {
        self.0.hold(reader)
    }

    fn release(&self) {
        self.0.release();
    }

    fn sign_unlocked(&self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.0.sign_unlocked(slot, digest)
    }

    fn agree_unlocked(&self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.0.agree_unlocked(slot, peer)
    }

    fn prepare(
        &self,
        reader: &str,
        settings: &PrepareSettings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Prepared, CardError> {
        self.0.prepare(reader, settings, progress)
    }

    fn evidence(&self, reader: &str) -> Result<Evidence, CardError> {
        self.0.evidence(reader)
    }

    fn ask_pin(&self, job: PinJob) -> BoxFuture<'_, Result<Answers, Notice>> {
        self.0.ask_pin(job)
    }
}
