//! Everything that can go wrong with a card, provoked. Where each error is:
//!
//! | error | test |
//! |---|---|
//! | service down, no reader, no card | `reader::empty_missing_and_stopped_are_told_apart` |
//! | service denied, others of the service's own | `piv::transport::tests`: the service here lets everybody in |
//! | unresponsive | `a_card_that_does_not_answer_to_power_up_is_told` |
//! | no PIV | `reader::a_card_without_piv_is_named` |
//! | no YubiKey | `a_piv_card_of_another_maker_is_used_and_not_prepared` |
//! | busy, by whom | `sharing` |
//! | wrong card | `pin::another_card_is_refused_before_the_pin_is_sent`, `a_card_that_claims_anothers_serial_number_is_refused` |
//! | wrong PIN, blocked, default, too simple, required | `pin`, `a_pin_that_the_card_finds_too_simple_is_told` |
//! | PIN not the factory's | `preparing::filled_slots_and_used_cards_are_refused` |
//! | PIN blocked midway | `a_pin_that_is_blocked_while_a_card_is_prepared`, `a_pin_that_is_blocked_before_the_holder_chooses` |
//! | wrong or blocked PUK | `administering` |
//! | touch missing | `a_missing_touch_is_told_apart_from_a_missing_pin` |
//! | slot empty, filled, unsupported | `pin::an_empty_slot_is_named`, `preparing`, `a_key_of_another_kind_is_told` |
//! | pulled | `reader::a_card_pulled_in_the_middle_of_a_signature`, `power` |
//! | management key refused, bad settings | `preparing::a_foreign_management_key_is_refused`, `prepare::tests` |
//! | no attestation | `a_card_without_attestation_is_not_prepared` |
//! | against the standard | `a_card_that_answers_nonsense_ends_nothing_but_the_step`, `piv::lies` |
//! | bad job, cancelled | the pinpad's own tests |

use super::*;
use std::process::Command;
use wardkey_hsm::status::{CardStage, status};
use wardkey_hsm::{PivCard, Slot, reset::reset};

const OK: [u8; 2] = [0x90, 0x00];

fn is_yubicos(command: &[u8]) -> bool {
    command.get(1).is_some_and(|&ins| ins >= 0xf7)
}

#[test]
fn a_card_that_does_not_answer_to_power_up_is_told() {
    let bench = Bench::new();
    // An answer to reset that begins as none may (ISO 7816-3 §8.1), as dirty contacts give it.
    let _mute = bench.put_in("mute", |_, answer| answer, &[0x00]);
    let begun = std::time::Instant::now();
    let error = loop {
        let error = PivCard::open(READERS[0]).err();
        if error != Some(CardError::NoCard) || begun.elapsed() > Duration::from_secs(5) {
            break error;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(error, Some(CardError::Unresponsive));
}

#[test]
fn a_piv_card_of_another_maker_is_used_and_not_prepared() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    drop(card);
    bench.emptied();
    let plain = |command: &[u8], answer| {
        if is_yubicos(command) { vec![0x6d, 0x00] } else { answer }
    };
    let _card = bench.insert_odd("doctor", plain);
    let mut open = PivCard::open(READERS[0]).unwrap();
    let info = open.info().unwrap();
    assert_eq!(
        (info.firmware, info.tries_left, info.default_pin),
        (None, Some(5), false)
    );
    let guid = info.serial.unwrap();
    assert_eq!(guid.len(), 32, "the CHUID's GUID");
    let signature = open
        .with_pin(&good_pin(), |verified| {
            verified.sign(Slot::Signature, &wardkey_core::key::sha256(&[b"x"]))
        })
        .unwrap();
    prepared.signature.verify(b"x", &signature).unwrap();
    let told = status(READERS[0]).unwrap();
    assert_eq!((told.stage, told.pin.tries_left), (CardStage::Untold, Some(5)));

    let refused = failed(prepare(READERS[0], &settings("1"), &mut |_| {}));
    assert_eq!(refused, CardError::NotYubiKey);
    assert_eq!(failed(reset(READERS[0], &guid)), CardError::NotYubiKey);
    assert_eq!(open.info().unwrap().tries_left, Some(5), "nothing was blocked");
}

#[test]
fn a_card_without_attestation_is_not_prepared() {
    let bench = Bench::new();
    let deaf = |command: &[u8], answer| {
        if command.get(1) == Some(&0xf9) {
            vec![0x6d, 0x00]
        } else {
            answer
        }
    };
    let card = bench.insert_odd("card", deaf);
    let refused = failed(prepare(READERS[0], &settings(&card.serial), &mut |_| {}));
    assert_eq!(
        refused,
        CardError::NoAttestation {
            slot: Slot::Authentication
        }
    );
}

#[test]
fn a_card_that_claims_anothers_serial_number_is_refused() {
    let bench = Bench::new();
    let liar = |command: &[u8], answer| {
        if command.get(1) == Some(&0xf8) {
            [&[0, 0, 0x12, 0x67][..], &OK].concat()
        } else {
            answer
        }
    };
    let card = bench.insert_odd("card", liar);
    assert_eq!(
        PivCard::open(READERS[0]).unwrap().info().unwrap().serial.as_deref(),
        Some("4711")
    );
    let refused = failed(prepare(READERS[0], &settings("4711"), &mut |_| {}));
    let expected = CardError::WrongCard {
        expected: "4711".to_owned(),
        found: card.serial.clone(),
    };
    assert_eq!(refused, expected, "its attestation knows better");
}

#[test]
fn a_pin_that_the_card_finds_too_simple_is_told() {
    let bench = Bench::new();
    let strict = |command: &[u8], answer| {
        if command.get(1) == Some(&0x24) {
            vec![0x69, 0x85]
        } else {
            answer
        }
    };
    let _card = bench.insert_odd("card", strict);
    let mut open = PivCard::open(READERS[0]).unwrap();
    assert_eq!(
        failed(open.change_pin(&Pin::factory(), &good_pin())),
        CardError::PinTooSimple
    );
}

#[test]
fn a_key_of_another_kind_is_told() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    drop(card);
    bench.emptied();
    let rsa = |command: &[u8], mut answer: Vec<u8>| {
        if command.get(1) == Some(&0xf7) && command.get(3) == Some(&0x9a) {
            answer[2] = 0x07;
        }
        answer
    };
    let _card = bench.insert_odd("doctor", rsa);
    let mut open = PivCard::open(READERS[0]).unwrap();
    let refused = failed(open.public_key(Slot::Authentication));
    assert_eq!(
        refused,
        CardError::SlotUnsupported {
            slot: Slot::Authentication
        }
    );
    assert_eq!(open.info().unwrap().key(Slot::Authentication), None);
    assert!(
        open.public_key(Slot::Signature).is_ok(),
        "the others are as good as before"
    );
}

#[test]
fn a_card_that_answers_nonsense_ends_nothing_but_the_step() {
    let bench = Bench::new();
    let alterations: [(&str, odd::Alter); 4] = [
        ("a key of three bytes", |command, answer| {
            if command.get(1) == Some(&0x47) {
                [&answer[..3], &OK].concat()
            } else {
                answer
            }
        }),
        ("a point off the curve", |command, mut answer| {
            if command.get(1) == Some(&0x47) {
                answer[20] ^= 1;
            }
            answer
        }),
        ("no signature", |command, answer| {
            if command.get(1) == Some(&0x87) && command.get(3) != Some(&0x9b) {
                OK.to_vec()
            } else {
                answer
            }
        }),
        ("a version of one byte", |command, answer| {
            if command.get(1) == Some(&0xfd) {
                [&[5][..], &OK].concat()
            } else {
                answer
            }
        }),
    ];
    for (n, (what, alter)) in alterations.into_iter().enumerate() {
        let card = bench.insert_odd(&format!("card-{n}"), alter);
        let error = failed(prepare(READERS[0], &settings(&card.serial), &mut |_| {}));
        assert!(
            matches!(error, CardError::Protocol { .. } | CardError::NotYubiKey),
            "{what}: {error:?}"
        );
        drop(card);
        bench.emptied();
    }
}

#[test]
fn a_missing_touch_is_told_apart_from_a_missing_pin() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let generate = "-s 9a -a generate -A ECCP256 --pin-policy=once --touch-policy=always";
    let made = Command::new("yubico-piv-tool")
        .args(["-r", card.reader()])
        .args(generate.split(' '))
        .output()
        .unwrap();
    assert!(made.status.success());
    let mut open = PivCard::open(card.reader()).unwrap();
    open.change_pin(&Pin::factory(), &good_pin()).unwrap();
    let sign =
        |open: &mut PivCard| open.with_pin(&good_pin(), |verified| verified.sign(Slot::Authentication, &[1; 32]));
    card.finger().set_patience(Duration::from_millis(300));
    let error = failed(sign(&mut open));
    assert_eq!(error, CardError::TouchMissing);
    assert_eq!(
        failed(open.sign_unlocked(Slot::Signature, &[1; 32])),
        CardError::PinRequired
    );

    card.finger().set_patience(Duration::from_secs(15));
    let finger = card.finger().clone();
    let touching = std::thread::spawn(move || finger.sees_blinking(Duration::from_secs(10)) && finger.touch());
    sign(&mut open).unwrap();
    assert!(touching.join().unwrap());
}

/// Another program gives wrong PINs.
fn block_pin(reader: &str) {
    let mut other = PivCard::open(reader).unwrap();
    let wrong = wrong_pin();
    while failed(other.change_pin(&wrong, &good_pin())) != CardError::PinBlocked {}
}

#[test]
fn a_pin_that_is_blocked_while_a_card_is_prepared() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let mut blocked = false;
    let outcome = prepare(card.reader(), &settings(&card.serial()), &mut |step| {
        // After the keys were begun: the certificate wants the PIN again.
        if matches!(step, wardkey_hsm::prepare::Step::Generating { slot: Slot::Signature }) && !blocked {
            block_pin(card.reader());
            blocked = true;
        }
    });
    let error = failed(outcome);
    assert!(
        matches!(error, CardError::PinBlocked | CardError::ManagementKeyRefused),
        "{error:?}"
    );
    assert_eq!(
        failed(prepare(card.reader(), &settings(&card.serial()), &mut |_| {})),
        CardError::PinBlocked
    );
    assert_eq!(
        status(card.reader()).unwrap().stage,
        CardStage::Blocked,
        "nobody's, and to be reset"
    );
    reset(card.reader(), &card.serial()).unwrap();
    prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
    assert_eq!(status(card.reader()).unwrap().stage, CardStage::AwaitingPin);
}

#[test]
fn a_pin_that_is_blocked_before_the_holder_chooses() {
    let bench = Bench::new();
    let (card, prepared) = bench.with_keys("doctor");
    block_pin(card.reader());
    let choose = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &good_pin());
    assert_eq!(code(&choose), "pin-blocked");
    assert_eq!(status(card.reader()).unwrap().stage, CardStage::PinBlocked);
    wardkey_hsm::unblock::unblock(card.reader(), &card.serial(), &SECRET, &good_pin()).unwrap();
    let after = status(card.reader()).unwrap();
    assert_eq!(
        (after.stage, after.slots[0].public_key),
        (CardStage::Ready, Some(prepared.authentication))
    );
}
