//! From the factory's state to a card that a person can use.

use super::attestation::NOW;
use super::*;
use wardkey_core::key::{SoftKey, sha256};
use wardkey_hsm::attestation::{Roots, Verdict, verify};
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
fn keys_that_were_made_elsewhere_are_left_alone() {
    let bench = Bench::new();
    let (card, _) = bench.with_keys("doctor");
    let settings = settings(&card.serial());
    drop(card);
    bench.rig.wait_for_card(READERS[0], false).unwrap();
    let mut memory = bench.memory("doctor");
    memory["management_key"] = FACTORY_MANAGEMENT_KEY.to_vec().into();
    std::fs::write(bench.state("doctor"), memory.to_string()).unwrap();
    let card = bench.insert("doctor");
    assert_eq!(
        failed(prepare(card.reader(), &settings, &mut |_| {})),
        CardError::SlotFilled {
            slot: Slot::Authentication
        }
    );
}

impl Bench {
    /// What the card keeps, as the virtual card writes it.
    fn memory(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.state(name)).unwrap()).unwrap()
    }

    /// Prepares the card, which is pulled at the `nth` command with this instruction; `None` if it never came.
    fn broken_off(&self, name: &str, ins: u8, nth: u32) -> Option<CardError> {
        let card = self.insert(name);
        card.pull_at_nth(ins, nth);
        let outcome = prepare(card.reader(), &settings(&card.serial()), &mut |_| {});
        drop(card);
        self.emptied();
        outcome.err()
    }

    /// Prepares the card again: it has three attested keys and nothing of the factory's but the PIN.
    fn finished(&self, name: &str) -> (CardHandle, Prepared) {
        let card = self.insert(name);
        let prepared = prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
        let roots = Roots::default().with_test_root(&self.rig.root_pem()).unwrap();
        let report = verify(&prepared.evidence, &prepared.keys(), &roots, NOW);
        assert_eq!((report.slots.len(), report.overall()), (3, Verdict::TestRoot));
        let memory = self.memory(name);
        assert_ne!(memory["puk"]["value"], serde_json::json!(b"12345678"));
        assert_ne!(memory["management_key"], serde_json::json!(FACTORY_MANAGEMENT_KEY));
        assert_eq!(memory["pin"]["value"], serde_json::json!(b"123456\xff\xff"));
        (card, prepared)
    }
}

const FACTORY_MANAGEMENT_KEY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const CHANGE_REFERENCE_DATA: u8 = 0x24;
const GENERATE: u8 = 0x47;
const SET_MANAGEMENT_KEY: u8 = 0xff;

#[test]
fn a_card_pulled_while_it_is_prepared_keeps_nothing_of_the_factory() {
    let bench = Bench::new();
    for (name, ins, nth) in [
        ("puk", CHANGE_REFERENCE_DATA, 1),
        ("management", SET_MANAGEMENT_KEY, 1),
        ("second", GENERATE, 2),
    ] {
        assert_eq!(bench.broken_off(name, ins, nth), Some(CardError::Pulled), "{name}");
        let (card, prepared) = bench.finished(name);
        assert!(prepared.info.keys.iter().all(|slot| slot.public_key.is_some()));

        // The card itself refuses what everybody knows, and takes what IT holds.
        let mut other = settings(&card.serial());
        other.management_key[0] ^= 2;
        let refused = failed(prepare(card.reader(), &other, &mut |_| {}));
        assert_eq!(
            refused,
            CardError::ManagementKeyRefused,
            "neither the factory's nor another"
        );
        let mut open = PivCard::open(card.reader()).unwrap();
        let refused = failed(open.unblock_pin(b"12345678", &good_pin()));
        assert_eq!(refused, CardError::WrongPuk { tries_left: 2 });
        let puk = derive_puk(&SECRET, &card.serial());
        open.unblock_pin(puk.as_bytes().try_into().unwrap(), &good_pin())
            .unwrap();
        drop((open, card));
        bench.emptied();
    }
}

#[test]
fn finished_keys_stay_when_a_card_is_prepared_again() {
    let bench = Bench::new();
    let (card, before) = bench.with_keys("doctor");
    let mut steps = Vec::new();
    let again = prepare(card.reader(), &settings(&card.serial()), &mut |step| steps.push(step)).unwrap();
    assert_eq!(again.keys(), before.keys());
    assert!(!steps.iter().any(|step| matches!(step, Step::Generating { .. })));
    drop(card);
    bench.rig.wait_for_card(READERS[0], false).unwrap();

    // Setting the tries brought the factory's PUK back, and then the card was pulled: three keys, and yet not ready.
    assert_eq!(
        bench.broken_off("doctor", CHANGE_REFERENCE_DATA, 1),
        Some(CardError::Pulled)
    );
    assert_eq!(bench.memory("doctor")["puk"]["value"], serde_json::json!(b"12345678"));
    let (_card, after) = bench.finished("doctor");
    assert_eq!(after.keys(), before.keys());
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
