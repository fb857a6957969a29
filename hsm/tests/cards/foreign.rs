//! Foreign programs accept the card that we prepared, and the card refuses them what it should.

use super::*;
use std::process::Command;
use wardkey_hsm::{PivCard, Slot};

fn piv_tool(card: &CardHandle, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("yubico-piv-tool")
        .args(["-r", card.reader()])
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn yubico_piv_tool_accepts_the_prepared_card() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let (ok, text) = piv_tool(&card, &["-a", "status"]);
    assert!(ok, "{text}");
    for wanted in [
        &card.serial(),
        "5.4.3",
        "Slot 9a",
        "Slot 9c",
        "Slot 9d",
        "ECCP256",
        "PIN tries left:\t5",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let file = bench.folder.path().join("certificate.pem");
    for slot in ["9a", "9c"] {
        let path = file.to_str().unwrap();
        let (ok, text) = piv_tool(&card, &["-s", slot, "-a", "read-certificate", "-o", path]);
        assert!(ok, "{text}");
        let signing = [
            "-s",
            slot,
            "-P",
            "482913",
            "-a",
            "verify-pin",
            "-a",
            "test-signature",
            "-i",
            path,
        ];
        let (ok, text) = piv_tool(&card, &signing);
        assert!(ok && text.contains("Successful ECDSA verification"), "{text}");
    }
    let (ok, text) = piv_tool(&card, &["-s", "9a", "-a", "attest"]);
    assert!(ok && text.contains("BEGIN CERTIFICATE"), "{text}");

    // Neither the factory's management key nor its PUK work any more.
    let (ok, text) = piv_tool(&card, &["-s", "9a", "-a", "generate", "-A", "ECCP256"]);
    assert!(!ok, "{text}");
    let (ok, text) = piv_tool(&card, &["-a", "unblock-pin", "-P", "12345678", "-N", "654321"]);
    assert!(!ok, "{text}");
    assert_eq!(
        PivCard::open(card.reader())
            .unwrap()
            .public_key(Slot::Authentication)
            .unwrap(),
        prepared.authentication
    );
}

#[test]
fn opensc_signs_with_the_prepared_card() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let digest = wardkey_core::key::sha256(&[b"message"]);
    let (input, output) = (
        bench.folder.path().join("digest"),
        bench.folder.path().join("signature"),
    );
    std::fs::write(&input, digest).unwrap();
    let run = Command::new("pkcs11-tool")
        .args([
            "--login",
            "--pin",
            "482913",
            "--sign",
            "--id",
            "01",
            "--mechanism",
            "ECDSA",
            "--input-file",
        ])
        .arg(&input)
        .arg("--output-file")
        .arg(&output)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let signature = wardkey_core::key::Signature::normalised(&std::fs::read(&output).unwrap()).unwrap();
    prepared.authentication.verify(b"message", &signature).unwrap();
    drop(card);
}
