//! PKCS#11: keys that Wardkey made in a SoftHSM2 token.

use super::contract::Harness;
use super::softhsm::{apart, init_token, make_keys, open, tokens, uri};
use super::*;
use std::path::PathBuf;
use wardkey_hsm::store;

pub(crate) struct Token;

fn aside() -> PathBuf {
    tokens().with_extension("aside")
}

const KEYS: &str = "token=hospital;object=master";

impl Harness for Token {
    // SoftHSM2 counts no tries; `opensc.rs` has a module that does.
    const TRIES: Option<u8> = None;
    const EMPTY: &'static str = "hsm-key-missing";

    fn new() -> Self {
        init_token("hospital");
        init_token("empty");
        make_keys(&mut *open(KEYS));
        Self
    }
    fn run(name: &str, test: fn(&mut Self)) {
        apart(name, || test(&mut Self::new()));
    }
    fn open(&self) -> Result<Box<dyn KeyStore>, CardError> {
        store::open(&uri(KEYS))
    }
    fn empty(&mut self) -> Option<Box<dyn KeyStore>> {
        Some(open("token=empty;object=master"))
    }
    fn remove(&mut self) {
        std::fs::rename(tokens(), aside()).unwrap();
        std::fs::create_dir(tokens()).unwrap();
    }
    fn restore(&mut self) {
        std::fs::remove_dir(tokens()).unwrap();
        std::fs::rename(aside(), tokens()).unwrap();
    }
}

key_store_contract!(Token);
