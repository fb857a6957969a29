//! PINs: tries, blocking, policies, silent renewal.

use super::*;
use wardkey_core::key::sha256;
use wardkey_hsm::{PivCard, Slot};

#[test]
fn a_wrong_pin_tells_the_tries_left_until_it_is_blocked() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    for tries_left in (1..=4).rev() {
        let error = failed(open.with_pin(&wrong_pin(), |_| Ok(())));
        assert_eq!(error, CardError::WrongPin { tries_left });
    }
    assert_eq!(failed(open.with_pin(&wrong_pin(), |_| Ok(()))), CardError::PinBlocked);
    assert_eq!(failed(open.with_pin(&good_pin(), |_| Ok(()))), CardError::PinBlocked);
    assert_eq!(open.info().unwrap().tries_left, Some(0));

    // IT unblocks it.
    let new = Pin::new(b"271828").unwrap();
    assert_eq!(
        failed(open.unblock_pin(b"00000000", &new)),
        CardError::WrongPuk { tries_left: 2 }
    );
    let puk = derive_puk(&SECRET, &card.serial());
    open.unblock_pin(puk.as_bytes().try_into().unwrap(), &new).unwrap();
    open.with_pin(&new, |_| Ok(())).unwrap();
    assert_eq!(open.info().unwrap().tries_left, Some(5));
}

#[test]
fn the_right_pin_brings_the_tries_back() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    failed(open.with_pin(&wrong_pin(), |_| Ok(())));
    open.with_pin(&good_pin(), |_| Ok(())).unwrap();
    assert_eq!(
        failed(open.with_pin(&wrong_pin(), |_| Ok(()))),
        CardError::WrongPin { tries_left: 4 }
    );
}

#[test]
fn a_new_pin_must_be_neither_simple_nor_the_factory_one() {
    let bench = Bench::new();
    let (card, _) = bench.with_keys("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    let change = |open: &mut PivCard, new: &[u8]| open.change_pin(&Pin::factory(), &Pin::new(new).unwrap());
    assert_eq!(failed(change(&mut open, b"777777")), CardError::PinTooSimple);
    assert_eq!(failed(change(&mut open, b"123456")), CardError::PinDefault);
    change(&mut open, b"271828").unwrap();
}

#[test]
fn another_card_is_refused_before_the_pin_is_sent() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let mut job = job(&card, PinJobKind::Use, vec![]);
    job.serial = Some("4711".to_owned());
    let answer = pinjob::run(&job, &wrong_pin());
    assert_eq!(code(&answer), "card-wrong");
    assert_eq!(
        PivCard::open(card.reader()).unwrap().info().unwrap().tries_left,
        Some(5)
    );
}

#[test]
fn sessions_renew_silently_but_the_signature_key_never_does() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    // The desk holds a connection; the PIN window is another program with its own.
    let mut desk = PivCard::open(card.reader()).unwrap();
    assert_eq!(
        failed(desk.sign_unlocked(Slot::Authentication, &[1; 32])),
        CardError::PinRequired
    );
    assert_eq!(
        pinjob::run(&job(&card, PinJobKind::Use, vec![]), &good_pin()),
        PinAnswer::Ok(vec![])
    );

    for n in 0..3u8 {
        let signature = desk.sign_unlocked(Slot::Authentication, &sha256(&[&[n]])).unwrap();
        prepared.authentication.verify(&[n], &signature).unwrap();
        // Asking the card who it is keeps the PIN verified.
        assert_eq!(desk.info().unwrap().serial, Some(card.serial()));
        desk.expect_serial(&card.serial()).unwrap();
    }
    assert_eq!(
        failed(desk.sign_unlocked(Slot::Signature, &[1; 32])),
        CardError::PinRequired
    );

    desk.forget_pin().unwrap();
    assert_eq!(
        failed(desk.sign_unlocked(Slot::Authentication, &[1; 32])),
        CardError::PinRequired
    );
}

#[test]
fn one_pin_entry_gives_one_signature_with_9c() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    open.with_pin(&good_pin(), |verified| verified.sign(Slot::Signature, &[1; 32]))
        .unwrap();
    // The PIN is verified still, but not for this key.
    assert_eq!(
        failed(open.sign_unlocked(Slot::Signature, &[1; 32])),
        CardError::PinRequired
    );
    open.sign_unlocked(Slot::Authentication, &[1; 32]).unwrap();
}

#[test]
fn a_reset_by_another_program_is_survived_and_forgets_the_pin() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    open.with_pin(&good_pin(), |_| Ok(())).unwrap();
    let context = pcsc::Context::establish(pcsc::Scope::System).unwrap();
    let name = std::ffi::CString::new(card.reader()).unwrap();
    let other = context
        .connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
        .unwrap();
    other
        .disconnect(pcsc::Disposition::ResetCard)
        .map_err(|(_, error)| error)
        .unwrap();
    assert_eq!(
        failed(open.sign_unlocked(Slot::Authentication, &[1; 32])),
        CardError::PinRequired
    );
    open.with_pin(&good_pin(), |verified| verified.sign(Slot::Authentication, &[1; 32]))
        .unwrap();
}

#[test]
fn an_empty_slot_is_named() {
    let bench = Bench::new();
    let card = bench.insert("empty");
    let mut open = PivCard::open(card.reader()).unwrap();
    assert!(open.info().unwrap().keys.iter().all(|slot| slot.public_key.is_none()));
    assert_eq!(
        failed(open.public_key(Slot::Signature)),
        CardError::SlotEmpty { slot: Slot::Signature }
    );
    open.change_pin(&Pin::factory(), &good_pin()).unwrap();
    let error = failed(open.with_pin(&good_pin(), |verified| verified.sign(Slot::Authentication, &[1; 32])));
    assert_eq!(
        error,
        CardError::SlotEmpty {
            slot: Slot::Authentication
        }
    );
}

#[test]
fn the_watchdog_reports_a_card_that_another_program_holds() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let context = pcsc::Context::establish(pcsc::Scope::System).unwrap();
    let name = std::ffi::CString::new(card.reader()).unwrap();
    let mut other = context
        .connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
        .unwrap();
    let transaction = other.transaction().unwrap();
    let error = PivCard::open_within(card.reader(), Duration::from_millis(300))
        .err()
        .unwrap();
    assert!(matches!(error, CardError::Busy { .. }), "{error}");
    transaction
        .end(pcsc::Disposition::LeaveCard)
        .map_err(|(_, error)| error)
        .unwrap();
    PivCard::open_within(card.reader(), Duration::from_secs(5)).unwrap();
    drop(other);

    let alone = context.connect(&name, pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY);
    // The opener of the first try may not have let go yet.
    if let Ok(alone) = alone {
        assert!(matches!(
            PivCard::open(card.reader()).err(),
            Some(CardError::Busy { .. })
        ));
        drop(alone);
    }
}
