//! The card layer against real `pcscd`, `vpcd` and virtual YubiKeys. The rig makes tests take turns, in this process and others.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod administering;
mod attestation;
mod bad_days;
mod chains;
mod foreign;
mod monitor;
mod odd;
mod pin;
mod power;
mod preparing;
mod reader;
mod sharing;

use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use wardkey_hsm::pinjob::{self, PinAnswer, PinJob, PinJobKind};
use wardkey_hsm::prepare::{PrepareSettings, Prepared, derive_management_key, derive_puk, prepare};
use wardkey_hsm::{CardError, Pin};
use wardkey_virtual_card::rig::{CardHandle, PORTS, READERS, Rig};

pub(crate) const SECRET: [u8; 32] = [0x5a; 32];

/// Readers, a folder for cards, and a way to get prepared ones.
pub(crate) struct Bench {
    // Before the folder: cards must be gone when it goes.
    pub(crate) rig: Rig,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            rig: Rig::start(&folder.path().join("ca")).unwrap(),
            folder,
        }
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn insert(&self, name: &str) -> CardHandle {
        self.rig.insert(PORTS[0], &self.state(name), None).unwrap()
    }

    /// Waits longer than the service's look at its readers takes (400 ms): it shows a card that went during a command as gone
    /// before it has looked, and takes a new one at that moment for the old one.
    pub(crate) fn emptied(&self) {
        self.rig.wait_for_card(READERS[0], false).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }

    /// A card with keys, own PUK and management key, and the factory's PIN.
    pub(crate) fn with_keys(&self, name: &str) -> (CardHandle, Prepared) {
        let card = self.insert(name);
        let prepared = prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
        (card, prepared)
    }

    /// The same, and its holder has chosen [`good_pin`].
    pub(crate) fn ready(&self, name: &str) -> (CardHandle, Prepared) {
        let (card, prepared) = self.with_keys(name);
        let answer = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &good_pin());
        assert_eq!(answer, PinAnswer::Ok(vec![]));
        (card, prepared)
    }
}

pub(crate) fn settings(serial: &str) -> PrepareSettings {
    PrepareSettings {
        puk: derive_puk(&SECRET, serial),
        management_key: derive_management_key(&SECRET, serial),
        retries: (5, 3),
        overwrite: false,
    }
}

pub(crate) fn good_pin() -> Pin {
    Pin::new(b"482913").unwrap()
}

pub(crate) fn wrong_pin() -> Pin {
    Pin::new(b"555777").unwrap()
}

pub(crate) fn job(card: &CardHandle, kind: PinJobKind, operations: Vec<pinjob::Operation>) -> PinJob {
    PinJob {
        reader: card.reader().to_owned(),
        serial: Some(card.serial()),
        title: "Sign in".to_owned(),
        asker: "Summit Clinic".to_owned(),
        purpose: "open a session".to_owned(),
        kind,
        operations,
        factory_pin: None,
        store: None,
        puk: None,
    }
}

/// The error code of a failed answer.
pub(crate) fn code(answer: &PinAnswer) -> &str {
    match answer {
        PinAnswer::Ok(outcomes) => panic!("expected an error, got {outcomes:?}"),
        PinAnswer::Error(fault) => &fault.code,
    }
}

pub(crate) fn failed<T>(result: Result<T, CardError>) -> CardError {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error,
    }
}
