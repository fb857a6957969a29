//! Key files.

use super::contract::Harness;
use super::*;
use std::path::PathBuf;
use tempfile::TempDir;
use wardkey_hsm::KeyUri;
use wardkey_hsm::soft::{SoftStore, TRIES};
use wardkey_hsm::store;
use wardkey_hsm::uri::SoftUri;

pub(crate) struct KeyFile {
    folder: TempDir,
}

impl KeyFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("master.keys")
    }

    fn aside(&self) -> PathBuf {
        self.folder.path().join("elsewhere")
    }
}

impl Harness for KeyFile {
    const TRIES: Option<u8> = Some(TRIES);
    const EMPTY: &'static str = "slot-empty";

    fn new() -> Self {
        let harness = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut store = SoftStore::at(harness.path());
        store.create(&good_pin()).unwrap();
        with(&mut store, &good_pin(), |keys| {
            Slot::ALL.into_iter().try_for_each(|slot| keys.generate(slot).map(drop))
        })
        .unwrap();
        harness
    }
    fn open(&self) -> Result<Box<dyn KeyStore>, CardError> {
        store::open(&KeyUri::Soft(SoftUri { path: self.path() }))
    }
    fn empty(&mut self) -> Option<Box<dyn KeyStore>> {
        let mut store = SoftStore::at(self.folder.path().join("empty.keys"));
        store.create(&good_pin()).unwrap();
        Some(Box::new(store))
    }
    fn remove(&mut self) {
        std::fs::rename(self.path(), self.aside()).unwrap();
    }
    fn restore(&mut self) {
        std::fs::rename(self.aside(), self.path()).unwrap();
    }
}

key_store_contract!(KeyFile);
