//! Attestation in Yubico's form: leaf ← the card's own certificate (F9) ← the test root.

use super::*;
use wardkey_virtual_card::rig::READERS;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const FIRMWARE: &str = "1.3.6.1.4.1.41482.3.3";
const SERIAL: &str = "1.3.6.1.4.1.41482.3.7";
const POLICY: &str = "1.3.6.1.4.1.41482.3.8";
const FORM: &str = "1.3.6.1.4.1.41482.3.9";

fn pem(bench: &Bench, name: &str) -> Vec<u8> {
    let text = std::fs::read(bench.path(name)).unwrap();
    x509_parser::pem::parse_x509_pem(&text).unwrap().1.contents
}

fn extension<'a>(certificate: &X509Certificate<'a>, oid: &str) -> &'a [u8] {
    let found = certificate
        .extensions()
        .iter()
        .find(|one| one.oid.to_id_string() == oid);
    found.unwrap_or_else(|| panic!("no {oid}")).value
}

#[test]
fn the_leaf_says_what_the_key_is_and_chains_to_the_root() {
    let bench = Bench::new();
    let card = bench
        .rig
        .insert(PORTS[0], &bench.path("card"), Some(0x00c0_ffee))
        .unwrap();
    bench.generate(&card, "9c", "--pin-policy=once --touch-policy=cached");
    let (ok, text) = bench.piv_tool(&card, "-s 9c -a attest -o leaf.pem");
    assert!(ok, "{text}");
    let (ok, text) = bench.piv_tool(&card, "-s f9 -a read-certificate -o f9.pem");
    assert!(ok, "{text}");
    let (leaf, f9) = (pem(&bench, "leaf.pem"), pem(&bench, "f9.pem"));
    let root = pem(&bench, "ca/root.pem");
    let [leaf, f9, root] = [&leaf, &f9, &root].map(|der| X509Certificate::from_der(der).unwrap().1);

    leaf.verify_signature(Some(f9.public_key())).unwrap();
    f9.verify_signature(Some(root.public_key())).unwrap();
    root.verify_signature(None).unwrap();
    assert_eq!((leaf.issuer(), f9.issuer()), (f9.subject(), root.subject()));
    assert_eq!(leaf.subject().to_string(), "CN=YubiKey PIV Attestation 9c");
    assert_eq!(extension(&leaf, FIRMWARE), [5, 4, 3]);
    assert_eq!(
        extension(&leaf, SERIAL),
        [2, 4, 0, 0xc0, 0xff, 0xee],
        "a positive INTEGER"
    );
    assert_eq!(extension(&leaf, POLICY), [2, 3]);
    assert_eq!(extension(&leaf, FORM), [1]);

    let public = pem(&bench, "public-9c.pem");
    let (_, made) = x509_parser::x509::SubjectPublicKeyInfo::from_der(&public).unwrap();
    assert_eq!(leaf.public_key().raw, made.raw, "it is about the key that was made");
}

#[test]
fn what_was_not_made_on_the_card_is_not_attested() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let made = Command::new("openssl")
        .args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"])
        .current_dir(bench.folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    let (ok, text) = bench.piv_tool(&card, "-s 9a -a import-key -i key.pem");
    assert!(ok, "{text}");
    let raw = Raw::open(&card);
    assert_eq!(raw.metadata(0x9a).get(7..10), Some(&[3, 1, 2][..]), "imported");
    assert_eq!(raw.status(&[0, 0xf9, 0x9a, 0, 0]), 0x6a80);
    assert_eq!(raw.status(&[0, 0xf9, 0x9c, 0, 0]), 0x6a80, "and an empty slot neither");
    assert_eq!(
        (raw.verify(&PIN), raw.sign(0x9a)),
        (0x9000, 0x9000),
        "it works all the same"
    );
}

#[test]
fn two_cards_at_once_are_two_cards() {
    let bench = Bench::new();
    let first = bench.insert("first");
    let second = bench.rig.insert(PORTS[1], &bench.path("second"), None).unwrap();
    assert_eq!((first.reader(), second.reader()), (READERS[0], READERS[1]));
    assert_ne!(first.serial(), second.serial());
    bench.generate(&first, "9a", "");
    bench.generate(&second, "9a", "");
    let (one, other) = (Raw::open(&first), Raw::open(&second));
    assert_ne!(one.metadata(0x9a), other.metadata(0x9a));
    let f9 = |raw: &Raw| raw.send(&[0, 0xcb, 0x3f, 0xff, 5, 0x5c, 3, 0x5f, 0xff, 1, 0]).0;
    assert_ne!(f9(&one), f9(&other));
    assert_eq!((one.verify(&PIN), one.sign(0x9a)), (0x9000, 0x9000));
    assert_eq!(other.sign(0x9a), 0x6982, "the PIN was typed for the other one");
}
