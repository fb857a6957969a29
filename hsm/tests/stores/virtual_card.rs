//! PIV cards and YubiKeys: the virtual card in a private `pcscd`.

use super::contract::Harness;
use super::*;
use std::path::PathBuf;
use tempfile::TempDir;
use wardkey_hsm::pinjob::{self, PinAnswer, PinJob, PinJobKind};
use wardkey_hsm::prepare::{PrepareSettings, derive_management_key, derive_puk, prepare};
use wardkey_hsm::{PivCard, store};
use wardkey_virtual_card::rig::{CardHandle, PORTS, READERS, Rig};

const SECRET: [u8; 32] = [0x5a; 32];

pub(crate) struct Desk {
    // Before rig and folder: cards must be gone when those go.
    card: Option<CardHandle>,
    rig: Rig,
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::start(&folder.path().join("ca")).unwrap();
        let mut desk = Self {
            card: None,
            rig,
            folder,
        };
        desk.restore();
        ready(READERS[0]);
        desk
    }

    fn state(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn remove(&mut self) {
        self.card = None;
        self.rig.wait_for_card(READERS[0], false).unwrap();
    }

    pub(crate) fn restore(&mut self) {
        self.card = Some(self.rig.insert(PORTS[0], &self.state("card"), None).unwrap());
    }

    /// A factory-fresh card with its PIN chosen, and no keys.
    fn put_an_empty_one(&mut self) {
        self.remove();
        self.card = Some(self.rig.insert(PORTS[0], &self.state("empty"), None).unwrap());
        let mut card = PivCard::open(READERS[0]).unwrap();
        card.change_pin(&Pin::factory(), &good_pin()).unwrap();
    }
}

/// Makes keys on a factory-fresh card and chooses its PIN.
pub(crate) fn ready(reader: &str) {
    let serial = PivCard::open(reader).unwrap().info().unwrap().serial.unwrap();
    let settings = PrepareSettings {
        puk: derive_puk(&SECRET, &serial),
        management_key: derive_management_key(&SECRET, &serial),
        retries: (5, 3),
        overwrite: false,
    };
    prepare(reader, &settings, &mut |_| {}).unwrap();
    let job = PinJob {
        reader: reader.to_owned(),
        serial: Some(serial),
        title: "Choose a PIN".to_owned(),
        asker: "Test".to_owned(),
        purpose: "test".to_owned(),
        kind: PinJobKind::Choose,
        operations: vec![],
        factory_pin: None,
        puk: None,
        store: None,
    };
    assert_eq!(pinjob::choose(&job, &good_pin()), PinAnswer::Ok(vec![]));
}

pub(crate) fn unblock(store: &mut dyn KeyStore) -> Result<(), CardError> {
    let puk = derive_puk(&SECRET, &store.info()?.serial.unwrap());
    store.unblock_pin(puk.as_bytes().try_into().unwrap(), &good_pin())
}

/// The own command layer, which takes a card of any maker.
struct Piv(Desk);

impl Harness for Piv {
    const TRIES: Option<u8> = Some(5);
    const EMPTY: &'static str = "slot-empty";

    fn new() -> Self {
        Self(Desk::new())
    }
    fn open(&self) -> Result<Box<dyn KeyStore>, CardError> {
        Ok(Box::new(PivCard::open(READERS[0])?))
    }
    fn empty(&mut self) -> Option<Box<dyn KeyStore>> {
        self.0.put_an_empty_one();
        Some(self.open().unwrap())
    }
    fn remove(&mut self) {
        self.0.remove();
    }
    fn restore(&mut self) {
        self.0.restore();
    }
    fn unblock(&self, store: &mut dyn KeyStore) -> Result<(), CardError> {
        unblock(store)
    }
}

/// The same card as the YubiKey that it is.
struct YubiKey(Desk);

impl Harness for YubiKey {
    const TRIES: Option<u8> = Some(5);
    const EMPTY: &'static str = "slot-empty";

    fn new() -> Self {
        Self(Desk::new())
    }
    fn open(&self) -> Result<Box<dyn KeyStore>, CardError> {
        store::open_reader(READERS[0])
    }
    fn empty(&mut self) -> Option<Box<dyn KeyStore>> {
        self.0.put_an_empty_one();
        Some(self.open().unwrap())
    }
    fn remove(&mut self) {
        self.0.remove();
    }
    fn restore(&mut self) {
        self.0.restore();
    }
    fn unblock(&self, store: &mut dyn KeyStore) -> Result<(), CardError> {
        unblock(store)
    }
}

mod piv {
    key_store_contract!(super::Piv);
}

mod yubikey {
    key_store_contract!(super::YubiKey);
}
