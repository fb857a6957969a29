//! What IT does with cards: status, unblocking, reset.

use super::*;
use wardkey_hsm::status::{CardStage, CertificateStatus, Missing, SecretStatus, status};
use wardkey_hsm::unblock::unblock;
use wardkey_hsm::{PinPolicy, PivCard, Slot, TouchPolicy, reset::reset};

fn stage(card: &CardHandle) -> CardStage {
    status(card.reader()).unwrap().stage
}

fn block_pin(card: &CardHandle) {
    let mut open = PivCard::open(card.reader()).unwrap();
    while failed(open.with_pin(&wrong_pin(), |_| Ok(()))) != CardError::PinBlocked {}
}

#[test]
fn the_status_tells_a_card_from_the_factory_to_its_holder() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let fresh = status(card.reader()).unwrap();
    assert_eq!((&fresh.stage, fresh.serial), (&CardStage::Factory, Some(card.serial())));
    let secret = |factory, tries, tries_left| SecretStatus {
        factory: Some(factory),
        tries: Some(tries),
        tries_left: Some(tries_left),
    };
    assert_eq!((fresh.pin, fresh.puk), (secret(true, 3, 3), secret(true, 3, 3)));
    assert_eq!(
        (fresh.factory_management_key, fresh.has_chuid, fresh.has_ccc),
        (Some(true), false, false)
    );
    assert!(fresh.slots.iter().all(|slot| !slot.filled && slot.public_key.is_none()));

    let prepared = prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
    let made = status(card.reader()).unwrap();
    assert_eq!(made.stage, CardStage::AwaitingPin);
    assert_eq!((made.pin, made.puk), (secret(true, 5, 5), secret(false, 3, 3)));
    assert_eq!(
        (made.factory_management_key, made.has_chuid, made.has_ccc),
        (Some(false), true, true)
    );
    for (slot, (expected, key)) in made.slots.iter().zip(prepared.keys()) {
        assert_eq!((slot.slot, slot.public_key, slot.filled), (expected, Some(key), true));
        assert_eq!(
            (slot.generated, slot.touch_policy),
            (Some(true), Some(TouchPolicy::Never))
        );
        assert_eq!(
            (slot.certificate, slot.pin_policy),
            (CertificateStatus::OfTheKey, Some(expected.pin_policy()))
        );
    }
    assert_eq!(made.slots[1].pin_policy, Some(PinPolicy::Always));

    let chosen = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &good_pin());
    assert_eq!(chosen, PinAnswer::Ok(vec![]));
    assert_eq!(stage(&card), CardStage::Ready);
    assert_eq!(
        code(&pinjob::run(&job(&card, PinJobKind::Use, vec![]), &wrong_pin())),
        "pin-wrong"
    );
    assert_eq!(status(card.reader()).unwrap().pin, secret(false, 5, 4));
}

#[test]
fn a_half_prepared_card_says_what_it_lacks() {
    let bench = Bench::new();
    let card = bench.insert("card");
    // Broken off at the certificate of the second key: CHUID, CCC and the two pieces of the first certificate came before.
    card.pull_at_nth(0xdb, 5);
    let outcome = prepare(card.reader(), &settings(&card.serial()), &mut |_| {});
    assert_eq!(failed(outcome), CardError::Pulled);
    drop(card);
    bench.emptied();
    let card = bench.insert("card");
    let CardStage::HalfPrepared { missing } = stage(&card) else {
        panic!("{:?}", stage(&card))
    };
    let (second, third) = (Slot::Signature, Slot::KeyManagement);
    assert_eq!(
        missing,
        [Missing::Certificate { slot: second }, Missing::Key { slot: third }]
    );
}

#[test]
fn a_card_that_another_program_has_prepared_is_foreign() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let generate = ["-r", card.reader(), "-s", "9a", "-a", "generate", "-A", "ECCP256"];
    let made = std::process::Command::new("yubico-piv-tool")
        .args(generate)
        .output()
        .unwrap();
    assert!(made.status.success());
    assert_eq!(stage(&card), CardStage::Foreign);
    assert_eq!(
        failed(prepare(card.reader(), &settings(&card.serial()), &mut |_| {})),
        CardError::SlotFilled {
            slot: Slot::Authentication
        }
    );
}

#[test]
fn it_unblocks_a_pin_with_the_code_derived_from_the_serial_number() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    block_pin(&card);
    assert_eq!(stage(&card), CardStage::PinBlocked);
    let new = Pin::new(b"271828").unwrap();
    let tries = |card: &CardHandle| status(card.reader()).unwrap().puk.tries_left;

    let refused = failed(unblock(card.reader(), "4711", &SECRET, &new));
    assert!(matches!(refused, CardError::WrongCard { .. }), "{refused:?}");
    assert_eq!(
        failed(unblock(card.reader(), &card.serial(), &SECRET, &Pin::factory())),
        CardError::PinDefault
    );
    let simple = Pin::new(b"222222").unwrap();
    assert_eq!(
        failed(unblock(card.reader(), &card.serial(), &SECRET, &simple)),
        CardError::PinTooSimple
    );
    assert_eq!(tries(&card), Some(3), "none of these has cost a try");

    let refused = failed(unblock(card.reader(), &card.serial(), &[1; 32], &new));
    assert_eq!(refused, CardError::WrongPuk { tries_left: 2 });
    unblock(card.reader(), &card.serial(), &SECRET, &new).unwrap();
    assert_eq!((stage(&card), tries(&card)), (CardStage::Ready, Some(3)));
    assert_eq!(
        pinjob::run(&job(&card, PinJobKind::Use, vec![]), &new),
        PinAnswer::Ok(vec![])
    );
}

#[test]
fn a_blocked_unblocking_code_is_told_and_leads_to_a_reset() {
    let bench = Bench::new();
    let (card, before) = bench.ready("doctor");
    block_pin(&card);
    let unblock = |secret| failed(unblock(card.reader(), &card.serial(), secret, &good_pin()));
    assert_eq!(unblock(&[1; 32]), CardError::WrongPuk { tries_left: 2 });
    assert_eq!(unblock(&[1; 32]), CardError::WrongPuk { tries_left: 1 });
    assert_eq!(unblock(&[1; 32]), CardError::PukBlocked);
    assert_eq!(unblock(&SECRET), CardError::PukBlocked);
    assert_eq!(stage(&card), CardStage::Blocked);

    reset(card.reader(), &card.serial()).unwrap();
    assert_eq!(stage(&card), CardStage::Factory);
    let after = prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
    assert!(after.keys().iter().all(|key| !before.keys().contains(key)));
    assert_eq!(stage(&card), CardStage::AwaitingPin);
}

#[test]
fn a_reset_wants_the_cards_own_serial_number() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    for typed in ["", "4711", &format!("0{}", card.serial())] {
        let refused = failed(reset(card.reader(), typed));
        assert!(matches!(refused, CardError::WrongCard { .. }), "{refused:?}");
    }
    let untouched = status(card.reader()).unwrap();
    assert_eq!(
        (untouched.stage, untouched.pin.tries_left, untouched.puk.tries_left),
        (CardStage::Ready, Some(5), Some(3))
    );
    assert_eq!(untouched.slots[0].public_key, Some(prepared.authentication));

    // A card in use, with nothing blocked: the reset blocks both secrets by itself.
    reset(card.reader(), &card.serial()).unwrap();
    let after = status(card.reader()).unwrap();
    assert_eq!((after.stage, after.has_chuid), (CardStage::Factory, false));
    assert!(after.slots.iter().all(|slot| !slot.filled));
}

#[test]
fn a_reset_that_was_broken_off_is_repeated() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let serial = card.serial();
    // The PIN is blocked by then, the PUK not yet.
    card.pull_at_nth(0x2c, 2);
    assert_eq!(failed(reset(card.reader(), &serial)), CardError::Pulled);
    drop(card);
    bench.emptied();
    let card = bench.insert("doctor");
    assert_eq!(stage(&card), CardStage::PinBlocked);
    // Both are blocked by then.
    card.pull_at(0xfb);
    assert_eq!(failed(reset(card.reader(), &serial)), CardError::Pulled);
    drop(card);
    bench.emptied();
    let card = bench.insert("doctor");
    assert_eq!(stage(&card), CardStage::Blocked);
    // It is done, and nobody hears of it.
    card.pull_after(0xfb);
    assert_eq!(failed(reset(card.reader(), &serial)), CardError::Pulled);
    drop(card);
    bench.emptied();
    let card = bench.insert("doctor");
    assert_eq!(stage(&card), CardStage::Factory);
    reset(card.reader(), &serial).unwrap();
    assert_eq!(stage(&card), CardStage::Factory);
}

#[test]
fn a_choice_with_its_code_opens_a_blocked_pin_and_a_wrong_code_is_told() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    block_pin(&card);
    let with = |puk: &str| PinJob {
        puk: Some(pinjob::Puk(puk.to_owned())),
        ..job(&card, PinJobKind::Choose, vec![])
    };
    let new = Pin::new(b"739154").unwrap();
    assert_eq!(code(&pinjob::choose(&with("11112222"), &new)), "puk-wrong");
    assert_eq!(stage(&card), CardStage::PinBlocked);
    let puk = derive_puk(&SECRET, &card.serial());
    assert_eq!(pinjob::choose(&with(&puk), &new), PinAnswer::Ok(vec![]));
    assert_eq!(stage(&card), CardStage::Ready);
    let open = job(&card, PinJobKind::Use, vec![]);
    assert_eq!(pinjob::run(&open, &new), PinAnswer::Ok(vec![]));
    assert!(
        !format!("{:?}", with(&puk)).contains(puk.as_str()),
        "the code is not printed"
    );
}
