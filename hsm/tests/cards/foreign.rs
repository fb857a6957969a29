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

/// Another PIV program, in this folder; its words, if it succeeded.
fn tool(bench: &Bench, program: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split(' '))
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program} {arguments}: {text}");
    text
}

#[test]
fn other_piv_software_sees_a_proper_card() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let (ok, text) = piv_tool(&card, &["-a", "status"]);
    assert!(ok && !text.contains("No data available"), "CHUID and CCC: {text}");
    let chuid = text.lines().find_map(|line| line.strip_prefix("CHUID:\t")).unwrap();
    assert!(chuid.starts_with("3019d4e7") && chuid.contains("3410"), "{chuid}");
    assert_eq!(text.matches("Subject DN:\tCN=Wardkey 9").count(), 3, "{text}");

    assert!(tool(&bench, "piv-tool", "-n").contains("Personal Identity Verification Card"));
    let listed = tool(&bench, "pkcs15-tool", "--list-certificates --list-keys");
    for wanted in [
        "[Certificate for PIV Authentication]",
        "[Certificate for Digital Signature]",
        "[Certificate for Key Management]",
        "[PIV AUTH key]",
        "[SIGN key]",
        "[KEY MAN key]",
    ] {
        assert!(listed.contains(wanted), "{wanted} in {listed}");
    }
    assert_eq!(
        listed.matches("X.509 Certificate [").count(),
        3,
        "and no fourth: {listed}"
    );
}

#[test]
fn yubico_piv_tool_agrees_on_a_secret_with_the_prepared_card() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let read = format!("-r|{}|-s|9d|-a|read-certificate|-o|9d.pem", card.reader());
    let run = |arguments: &str| {
        let output = Command::new("yubico-piv-tool")
            .args(arguments.split('|'))
            .current_dir(bench.folder.path())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert!(run(&read).0);
    let agree = format!(
        "-r|{}|-s|9d|-P|482913|-a|verify-pin|-a|test-decipher|-i|9d.pem",
        card.reader()
    );
    let (ok, text) = run(&agree);
    assert!(ok && text.contains("Successfully performed ECDH exchange"), "{text}");
    let (ok, text) = run(&agree.replace("-P|482913|-a|verify-pin|", ""));
    assert!(!ok, "not without the PIN: {text}");
}

#[test]
fn opensc_refuses_a_wrong_pin_and_agrees_with_the_right_one() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let peer = "ecparam -name prime256v1 -genkey -noout -out peer.pem";
    tool(&bench, "openssl", peer);
    tool(&bench, "openssl", "ec -in peer.pem -pubout -outform DER -out peer.der");
    let derive = "--derive -m ECDH1-DERIVE --id 03 --input-file peer.der --output-file shared";
    let wrong = Command::new("pkcs11-tool")
        .args(["--login", "--pin", "555777"])
        .args(derive.split(' '))
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    assert!(!wrong.status.success());
    assert_eq!(
        PivCard::open(card.reader()).unwrap().info().unwrap().tries_left,
        Some(4)
    );
    tool(&bench, "pkcs11-tool", &format!("--login --pin 482913 {derive}"));

    // OpenSSL agrees with the card's public key on the same secret.
    let header = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    std::fs::write(
        bench.state("card.der"),
        [&header, &prepared.key_management.bytes()[..]].concat(),
    )
    .unwrap();
    tool(&bench, "openssl", "pkey -pubin -inform DER -in card.der -out card.pem");
    tool(
        &bench,
        "openssl",
        "pkeyutl -derive -inkey peer.pem -peerkey card.pem -out expected",
    );
    let read = |name: &str| std::fs::read(bench.state(name)).unwrap();
    assert_eq!(read("shared"), read("expected"));
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
