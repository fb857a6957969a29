//! A real YubiKey under the same contract. **It is changed**: a factory-fresh card gets new keys in 9A, 9C and 9D, a PUK and a
//! management key that stand in this file's test secret, and the PIN 482913; its PIN is blocked and unblocked on the way. Reset its
//! PIV application before each run (`ykman piv reset`) and after; a card that is not as the factory made it is refused untouched.
//!
//! It runs only behind `--features wardkey-hsm/dangerous-test-real-card`, on the one card whose serial number is in
//! `WARDKEY_REAL_CARD_SERIAL`, and refuses every other. A person pulls and inserts the card when the test says so.

use super::contract::Harness;
use super::virtual_card::{ready, unblock};
use super::*;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use wardkey_hsm::{PivCard, readers, store};

const SERIAL: &str = "WARDKEY_REAL_CARD_SERIAL";
/// How long the person has.
const PATIENCE: Duration = Duration::from_secs(120);
static ONE: Mutex<()> = Mutex::new(());
/// The card is prepared once in a run, and only if it is as the factory made it.
static PREPARED: OnceLock<()> = OnceLock::new();

struct RealCard {
    serial: String,
    reader: String,
    _turn: MutexGuard<'static, ()>,
}

/// The reader that holds the card with this serial number and no other.
fn reader_of(serial: &str) -> Option<String> {
    let readers = readers().unwrap();
    let mut present = readers.iter().filter(|reader| reader.card_present);
    let found = present.find(|reader| {
        PivCard::open(&reader.name)
            .and_then(|mut card| card.expect_serial(serial))
            .is_ok()
    });
    found.map(|reader| reader.name.clone())
}

fn wait(what: &str, done: impl Fn() -> bool) {
    eprintln!(">>> {what}");
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "nobody did it: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Harness for RealCard {
    const TRIES: Option<u8> = Some(5);
    const EMPTY: &'static str = "slot-empty";

    fn new() -> Self {
        let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let serial = std::env::var(SERIAL)
            .unwrap_or_else(|_| panic!("name the card that may be changed: {SERIAL}=<its serial number>"));
        let reader = reader_of(&serial).unwrap_or_else(|| panic!("card {serial} is in no reader; no other is touched"));
        let info = PivCard::open(&reader).unwrap().info().unwrap();
        PREPARED.get_or_init(|| {
            assert!(
                info.default_pin,
                "card {serial} is in use: no PIN is tried on it; reset its PIV application first"
            );
            eprintln!(">>> card {serial}: new keys in 9A, 9C, 9D; new PUK and management key; PIN 482913");
            ready(&reader);
        });
        Self {
            serial,
            reader,
            _turn: turn,
        }
    }
    fn open(&self) -> Result<Box<dyn KeyStore>, CardError> {
        let mut store = store::open_reader(&self.reader)?;
        assert_eq!(
            store.info()?.serial.as_ref(),
            Some(&self.serial),
            "another card was inserted"
        );
        Ok(store)
    }
    fn empty(&mut self) -> Option<Box<dyn KeyStore>> {
        // Its slots cannot be emptied without a reset.
        None
    }
    fn remove(&mut self) {
        wait("pull the card now", || reader_of(&self.serial).is_none());
    }
    fn restore(&mut self) {
        wait("insert the card again", || reader_of(&self.serial).is_some());
        self.reader = reader_of(&self.serial).unwrap();
    }
    fn unblock(&self, store: &mut dyn KeyStore) -> Result<(), CardError> {
        unblock(store)
    }
}

key_store_contract!(RealCard);
