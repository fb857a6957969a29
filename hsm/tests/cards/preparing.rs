//! From the factory's state to a card that a person can use.

use super::*;
use wardkey_core::key::{SoftKey, sha256};
use wardkey_hsm::pinjob::{Operation, Outcome};
use wardkey_hsm::prepare::Step;
use wardkey_hsm::{PivCard, Slot};

#[test]
fn a_fresh_card_is_prepared_from_end_to_end() {
    let bench = Bench::new();
    let card = bench.insert("doctor");
    let mut steps = Vec::new();
    let prepared = prepare(card.reader(), &settings(&card.serial()), &mut |step| steps.push(step)).unwrap();
    assert_eq!(steps.len(), 7);
    assert_eq!(steps.last(), Some(&Step::Attesting));
    assert_eq!(prepared.info.serial, Some(card.serial()));
    assert_eq!(prepared.info.firmware.as_deref(), Some("5.4.3"));
    assert_eq!((prepared.info.tries_left, prepared.info.default_pin), (Some(5), true));

    // Until the holder has chosen a PIN, the factory's opens nothing.
    let digest = sha256(&[b"request"]);
    let sign = Operation::Sign {
        slot: Slot::Authentication,
        digest,
    };
    let refused = pinjob::run(&job(&card, PinJobKind::Use, vec![sign.clone()]), &Pin::factory());
    assert_eq!(code(&refused), "pin-default");

    // Choosing and signing the request in one job.
    let answer = pinjob::choose(&job(&card, PinJobKind::Choose, vec![sign]), &good_pin());
    let PinAnswer::Ok(outcomes) = answer else {
        panic!("{answer:?}")
    };
    let [Outcome::Signature { signature }] = outcomes[..] else {
        panic!("{outcomes:?}")
    };
    prepared.authentication.verify(b"request", &signature).unwrap();
    let info = PivCard::open(card.reader()).unwrap().info().unwrap();
    assert!(!info.default_pin);
    assert_eq!(info.keys, prepared.info.keys);
}

#[test]
fn every_slot_works_and_agreement_equals_software() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let peer = SoftKey::generate().unwrap();
    let digest = sha256(&[b"prescription"]);
    let operations = vec![
        Operation::Sign {
            slot: Slot::Authentication,
            digest,
        },
        Operation::Sign {
            slot: Slot::Signature,
            digest,
        },
        Operation::Sign {
            slot: Slot::Signature,
            digest,
        },
        Operation::Agree {
            slot: Slot::KeyManagement,
            peer: peer.public(),
        },
    ];
    let answer = pinjob::run(&job(&card, PinJobKind::Use, operations), &good_pin());
    let PinAnswer::Ok(outcomes) = answer else {
        panic!("{answer:?}")
    };
    let [
        Outcome::Signature { signature: session },
        Outcome::Signature { signature: first },
        Outcome::Signature { signature: second },
        Outcome::Shared { shared },
    ] = &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    prepared.authentication.verify(b"prescription", session).unwrap();
    prepared.signature.verify(b"prescription", first).unwrap();
    prepared.signature.verify(b"prescription", second).unwrap();
    assert_eq!(shared.0, *peer.agree(&prepared.key_management).unwrap());
}

#[test]
fn signatures_are_always_low_s() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    PivCard::open(card.reader())
        .unwrap()
        .with_pin(&good_pin(), |verified| {
            for n in 0..24u8 {
                let signature = verified.sign(Slot::Authentication, &sha256(&[&[n]]))?;
                prepared.authentication.verify(&[n], &signature).unwrap();
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_certificates_describe_the_keys() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let mut card = PivCard::open(card.reader()).unwrap();
    for (slot, key) in prepared.keys() {
        let der = card.certificate(slot).unwrap().unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), key.bytes());
        certificate.verify_signature(None).unwrap();
        assert_eq!(card.public_key(slot).unwrap(), key);
    }
}

#[test]
fn filled_slots_and_used_cards_are_refused() {
    let bench = Bench::new();
    let (card, before) = bench.with_keys("doctor");
    let mut settings = settings(&card.serial());
    let again = failed(prepare(card.reader(), &settings, &mut |_| {}));
    assert_eq!(
        again,
        CardError::SlotFilled {
            slot: Slot::Authentication
        }
    );

    // Said explicitly, and under the management key that we set: new keys.
    settings.overwrite = true;
    let after = prepare(card.reader(), &settings, &mut |_| {}).unwrap();
    assert_ne!(after.keys(), before.keys());

    // Somebody uses it: refused, and no try is spent.
    let chosen = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &good_pin());
    assert_eq!(chosen, PinAnswer::Ok(vec![]));
    assert_eq!(
        failed(prepare(card.reader(), &settings, &mut |_| {})),
        CardError::PinNotFactory
    );
    let choose = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &Pin::new(b"918273").unwrap());
    assert_eq!(code(&choose), "pin-not-factory");
    assert_eq!(
        PivCard::open(card.reader()).unwrap().info().unwrap().tries_left,
        Some(5)
    );
}

#[test]
fn a_foreign_management_key_is_refused() {
    let bench = Bench::new();
    let (card, _) = bench.with_keys("doctor");
    let mut settings = settings(&card.serial());
    settings.overwrite = true;
    // Not bit 0: DES ignores it (parity).
    settings.management_key[0] ^= 2;
    assert_eq!(
        failed(prepare(card.reader(), &settings, &mut |_| {})),
        CardError::ManagementKeyRefused
    );
}

#[test]
fn cards_differ_and_keep_their_state() {
    let bench = Bench::new();
    let (card, first) = bench.ready("first");
    assert_eq!(
        code(&pinjob::run(&job(&card, PinJobKind::Use, vec![]), &wrong_pin())),
        "pin-wrong"
    );
    drop(card);
    bench.rig.wait_for_card("Virtual PCD 00 00", false).unwrap();
    let (other, second) = bench.ready("second");
    assert!(first.keys().iter().all(|key| !second.keys().contains(key)));
    drop(other);
    bench.rig.wait_for_card("Virtual PCD 00 00", false).unwrap();

    let card = bench.insert("first");
    let mut open = PivCard::open(card.reader()).unwrap();
    let info = open.info().unwrap();
    assert_eq!((info.keys, info.tries_left), (first.info.keys, Some(4)));
    assert_eq!(
        failed(open.sign_unlocked(Slot::Authentication, &[1; 32])),
        CardError::PinRequired
    );
}
