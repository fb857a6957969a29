//! PINs of key stores that are no cards: an HSM (SoftHSM2) and a key file.

use super::bench::{Bench, PIN};
use super::code;
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use wardkey_core::key::{PublicKey, Signature, sha256};

fn job(store: &str, kind: &str, operations: Value) -> Value {
    json!({
        "store": store, "title": "Make the master key", "asker": "Harbour Hospital", "kind": kind, "operations": operations,
        "purpose": "Make the institution's master key (SoftHSM v2, hospital)",
    })
}

fn sign(message: &[u8]) -> Value {
    json!({"op": "sign", "slot": "9c", "digest": super::to_hex(&sha256(&[message]))})
}

fn key_of(answer: &Value, place: usize) -> PublicKey {
    serde_json::from_value(answer["ok"][place]["key"].clone()).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn signature_of(answer: &Value, place: usize) -> Signature {
    serde_json::from_value(answer["ok"][place]["signature"].clone()).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// A fresh SoftHSM2; its folder and the settings that say where it is.
fn softhsm() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let path = folder.path().join("softhsm2.conf");
    let settings = format!("directories.tokendir = {}/tokens\n", folder.path().display());
    std::fs::write(&path, settings).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

const URI: &str = "pkcs11:token=hospital;object=master?module-path=/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn the_pin_of_an_hsm_is_typed_here_and_makes_and_uses_keys() {
    let bench = Bench::new();
    let (_folder, settings) = softhsm();
    let environment = [("SOFTHSM2_CONF", settings.as_str())];
    let mut window = bench.open_with(&job(URI, "use", json!([])), &environment);
    window.pause(700);
    window.key("Return");
    assert_eq!(code(&window.answer()), "hsm-token-missing");

    let init = [
        "--init-token",
        "--free",
        "--label",
        "hospital",
        "--so-pin",
        "73105529",
        "--pin",
        PIN,
    ];
    let output = Command::new("softhsm2-util")
        .env(environment[0].0, environment[0].1)
        .args(init)
        .output();
    assert!(output.unwrap().status.success());
    let make = json!([{"op": "generate", "slot": "9c"}, {"op": "generate", "slot": "9d"}, sign(b"first")]);
    let mut window = bench.open_with(&job(URI, "use", make), &environment);
    window.enter("111222");
    window.pause(500);
    assert!(
        window.is_open(),
        "a wrong PIN may be typed again, as often as the HSM takes it"
    );
    window.enter(PIN);
    let made = window.answer();
    let key = key_of(&made, 0);
    key.verify(b"first", &signature_of(&made, 2)).unwrap();
    assert_ne!(key_of(&made, 1), key);

    // Another window, another process: the same keys.
    let mut window = bench.open_with(&job(URI, "use", json!([sign(b"later")])), &environment);
    window.enter(PIN);
    key.verify(b"later", &signature_of(&window.answer(), 0)).unwrap();
    let again = json!([{"op": "generate", "slot": "9c"}]);
    let mut window = bench.open_with(&job(URI, "use", again), &environment);
    window.enter(PIN);
    window.pause(700);
    window.key("Return");
    assert_eq!(code(&window.answer()), "slot-filled");
}

#[test]
fn a_key_file_is_made_under_a_pin_that_its_holder_chooses() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("soft:{}", folder.path().join("master.keys").display());
    let make = json!([{"op": "generate", "slot": "9c"}]);
    let mut window = bench.open(&job(&uri, "choose", make));
    window.enter(PIN);
    window.enter(PIN);
    let key = key_of(&window.answer(), 0);
    let text = std::fs::read_to_string(folder.path().join("master.keys")).unwrap();
    assert!(text.contains("for trials only") && text.contains(&key.to_string()) && !text.contains(PIN));

    let mut window = bench.open(&job(&uri, "use", json!([sign(b"later")])));
    window.enter("111222");
    window.enter(PIN);
    key.verify(b"later", &signature_of(&window.answer(), 0)).unwrap();
}
