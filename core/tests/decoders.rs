//! Every decoder of the domain that a stranger can reach, with arbitrary bytes and with good ones that were altered: it never
//! panics, and nothing altered is taken for what it was. Seeds are fixed, so a failure comes again. (A fuzzer with coverage needs a
//! nightly compiler, which this project does not use.)
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use serde_json::Value;
use wardkey_core::action::SignedAction;
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::DeviceRequest;
use wardkey_core::grant::GrantDocument;
use wardkey_core::hpke::{Context, Sealed, open, seal};
use wardkey_core::http_signature::{
    KeyName, RequestParts, SignatureParams, check_content_digest, content_digest, parse, sign_request,
};
use wardkey_core::id::{Digest, InstitutionId, PatientId};
use wardkey_core::key::{PublicKey, Signature, SoftKey};
use wardkey_core::record::Record;
use wardkey_core::section_keys::SectionKeys;
use wardkey_core::typed::Domain;
use wardkey_core::unblock::UnblockRequest;

const DOMAIN: Domain = Domain {
    chain_id: 7,
    contract: [1; 20],
    salt: [2; 32],
};

fn settled(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(9457),
        ..ProptestConfig::default()
    }
}

fn key(byte: u8) -> SoftKey {
    SoftKey::from_bytes(&[byte; 32]).unwrap()
}

/// How good bytes are altered.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Drop(Index),
    Insert(Index, u8),
    Cut(Index),
    Swap(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 1u8..).prop_map(|(at, bits)| Change::Flip(at, bits)),
        any::<Index>().prop_map(Change::Drop),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

impl Change {
    fn on(&self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        let last = bytes.len();
        match self {
            Self::Flip(at, bits) => bytes[at.index(last)] ^= bits,
            Self::Drop(at) => drop(bytes.remove(at.index(last))),
            Self::Insert(at, byte) => bytes.insert(at.index(last + 1), *byte),
            Self::Cut(at) => bytes.truncate(at.index(last)),
            Self::Swap(a, b) => bytes.swap(a.index(last), b.index(last)),
        }
        bytes
    }
}

fn document() -> GrantDocument {
    GrantDocument {
        patient: PatientId([3; 32]),
        institution: InstitutionId([4; 32]),
        read: 0b1110,
        write: 0b0110,
        purpose: 1,
        not_before: 10,
        expiry: 20,
        salt: [5; 32],
        key: key(6).public(),
        chain_id: 7,
        wardkey: [1; 20],
    }
}

const PATH: &str = "/v1/patients/x/records";

fn parts(digest: &str) -> RequestParts<'_> {
    RequestParts {
        method: "POST",
        path: PATH,
        query: Some("sections=2"),
        content_digest: Some(digest),
        permission: Some("aa"),
        reason: Some("why"),
    }
}

proptest! {
    #![proptest_config(settled(2000))]

    #[test]
    fn grant_documents(bytes in proptest::collection::vec(any::<u8>(), 0..800), change in change()) {
        let _never_panics = GrantDocument::from_canonical(&bytes);
        let good = document().canonical();
        let altered = change.on(&good);
        if let Ok(read) = GrantDocument::from_canonical(&altered) {
            prop_assert_eq!(read.canonical(), &altered[..]);
            prop_assert_eq!(altered == good, read.commitment() == document().commitment());
        }
    }

    #[test]
    fn json_of_every_kind(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), text] {
            let _never_panics = (
                serde_json::from_str::<SignedAction>(&text).is_ok(),
                serde_json::from_str::<SignedDelegation>(&text).is_ok(),
                serde_json::from_str::<DeviceRequest>(&text).is_ok(),
                serde_json::from_str::<Record>(&text).is_ok(),
                serde_json::from_str::<SectionKeys>(&text).is_ok(),
                serde_json::from_str::<UnblockRequest>(&text).is_ok(),
                text.parse::<Digest>().is_ok(),
                text.parse::<KeyName>().is_ok(),
            );
        }
        let _never_panics = (PublicKey::from_sec1(&bytes).is_ok(), Signature::normalised(&bytes).is_ok());
    }
}

proptest! {
    #![proptest_config(settled(400))]

    #[test]
    fn signatures_of_requests(garbage in "\\PC{0,120}", more in "\\PC{0,120}", change in change(), which in 0..4u8) {
        let _never_panics = parse(&garbage, &more).is_ok();
        let (signer, body) = (key(8), b"{\"records\":[]}".as_slice());
        let digest = content_digest(body);
        let params = SignatureParams { created: 99, nonce: Some("n".repeat(22)), key: KeyName::Patient(signer.public().id().into()) };
        let signed = sign_request(&parts(&digest), &params, |message| signer.sign(message)).unwrap();
        let alter = |text: &str, this: u8| if which == this { String::from_utf8_lossy(&change.on(text.as_bytes())).into_owned() } else { text.to_owned() };
        let (input, signature) = (alter(&signed.input, 0), alter(&signed.signature, 1));
        let (digest_sent, path) = (alter(&digest, 2), alter(PATH, 3));
        let Ok(parsed) = parse(&input, &signature) else { return Ok(()) };
        let asked = RequestParts { path: &path, ..parts(&digest_sent) };
        let holds = parsed.verify_request(&asked, &signer.public()).is_ok() && check_content_digest(&digest_sent, body).is_ok();
        // White space and the like may differ (RFC 8941); what was said may not.
        let same = parsed.params == params && parsed.signature == signed.raw && path == PATH;
        prop_assert!(!holds || same, "{input} {signature} {digest_sent} {path}");
        let untouched = input == signed.input && signature == signed.signature && digest_sent == digest && path == PATH;
        prop_assert!(holds || !untouched);
    }

    #[test]
    fn sealed_things(enc in proptest::collection::vec(any::<u8>(), 0..100), ct in proptest::collection::vec(any::<u8>(), 0..100), change in change(), which in any::<bool>()) {
        let recipient = key(9);
        let context = Context { label: "wardkey/section/1", domain: &DOMAIN, aad: b"aad" };
        let arbitrary = Sealed { enc, ct };
        prop_assert!(open(&recipient, &context, &arbitrary).is_err());
        let good = seal(&recipient.public(), &context, b"a section's private key").unwrap();
        let mut altered = good.clone();
        let part = if which { &mut altered.enc } else { &mut altered.ct };
        *part = change.on(part);
        prop_assert_eq!(open(&recipient, &context, &altered).is_ok(), altered == good);
    }
}

/// A signed action of the vectors with one byte altered: it reads as what it was, or its signature does not hold, or it does not read.
#[test]
fn an_altered_action_is_not_the_signed_one() {
    let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
    let domain: Domain = serde_json::from_value(vectors["computed"]["domain"].clone()).unwrap();
    let text = vectors["made"]["grantAction"].to_string();
    let action: SignedAction = serde_json::from_str(&text).unwrap();
    let holds = |signed: &SignedAction| {
        let mut pairs = signed.keys.iter().zip(&signed.signatures);
        pairs.all(|(key, signature)| signed.action.verify(&domain, key, signature).is_ok())
    };
    assert!(action.keys.len() == 1 && holds(&action));
    let mut read = 0;
    for at in 0..text.len() {
        for byte in *b"019aF\"{},\\" {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            if let Ok(altered) = serde_json::from_slice::<SignedAction>(&bytes) {
                read += 1;
                let carries = altered.keys.len() == 1 && altered.signatures.len() == 1;
                assert!(
                    altered == action || !carries || !holds(&altered),
                    "{}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
    assert!(read > 1000, "most alterations of a digit still read: {read}");
}
