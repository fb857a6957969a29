//! Readers and cards that come, go, and are not what they should be.

use super::*;
use wardkey_hsm::{PivCard, Slot, readers};

const GENERAL_AUTHENTICATE: u8 = 0x87;

#[test]
fn empty_missing_and_stopped_are_told_apart() {
    let mut bench = Bench::new();
    assert_eq!(PivCard::open(READERS[0]).err(), Some(CardError::NoCard));
    assert_eq!(PivCard::open("No such reader").err(), Some(CardError::NoReader));
    assert_eq!(PivCard::open("No\0such").err(), Some(CardError::NoReader));
    assert_eq!(
        readers().unwrap().iter().filter(|reader| reader.card_present).count(),
        0
    );

    let (card, _) = bench.ready("doctor");
    let seen = readers().unwrap();
    let reader = seen.iter().find(|reader| reader.name == card.reader()).unwrap();
    assert!(reader.card_present && reader.atr.starts_with("3b"));
    let mut open = PivCard::open(card.reader()).unwrap();

    bench.rig.stop_service().unwrap();
    assert_eq!(readers().err(), Some(CardError::ServiceDown));
    assert_eq!(PivCard::open(READERS[0]).err(), Some(CardError::ServiceDown));
    let error = failed(open.info());
    assert!(matches!(error, CardError::ServiceDown | CardError::Pulled), "{error:?}");
    let answer = pinjob::run(&job(&card, PinJobKind::Use, vec![]), &good_pin());
    assert_eq!(code(&answer), "card-service-down");
}

#[test]
fn a_card_pulled_in_the_middle_of_a_signature() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    card.pull_at(GENERAL_AUTHENTICATE);
    let error = failed(open.with_pin(&good_pin(), |verified| verified.sign(Slot::Authentication, &[1; 32])));
    assert_eq!(error, CardError::Pulled);
    assert!(error.to_string().contains("nothing was signed"));
    drop(card);
    bench.rig.wait_for_card(READERS[0], false).unwrap();

    // The old connection stays dead, even when a card is back; a new one works and no try was lost.
    let card = bench.insert("doctor");
    assert_eq!(failed(open.info()), CardError::Pulled);
    let mut open = PivCard::open(card.reader()).unwrap();
    assert_eq!(open.info().unwrap().tries_left, Some(5));
    let signature = open
        .with_pin(&good_pin(), |verified| verified.sign(Slot::Authentication, &[1; 32]))
        .unwrap();
    assert_eq!(signature, open.sign_unlocked(Slot::Authentication, &[1; 32]).unwrap());
    assert_eq!(open.public_key(Slot::Authentication).unwrap(), prepared.authentication);
}

#[test]
fn two_cards_do_not_disturb_each_other() {
    let bench = Bench::new();
    let (doctor, doctors) = bench.ready("doctor");
    let master = bench.rig.insert(PORTS[1], &bench.state("master"), Some(77)).unwrap();
    let masters = prepare(master.reader(), &settings("77"), &mut |_| {}).unwrap();
    assert_eq!((master.reader(), master.serial().as_str()), (READERS[1], "77"));
    assert_eq!(masters.info.serial.as_deref(), Some("77"));
    assert_ne!(doctors.authentication, masters.authentication);
    let mut open = PivCard::open(doctor.reader()).unwrap();
    open.with_pin(&good_pin(), |_| Ok(())).unwrap();
    let chosen = pinjob::choose(&job(&master, PinJobKind::Choose, vec![]), &good_pin());
    assert_eq!(chosen, PinAnswer::Ok(vec![]));
    open.sign_unlocked(Slot::Authentication, &[1; 32]).unwrap();
    drop(master);
    bench.rig.wait_for_card(READERS[1], false).unwrap();
    open.sign_unlocked(Slot::Authentication, &[1; 32]).unwrap();
}

/// A smart card that is no PIV card.
struct Foreign;
impl vpicc::VSmartCard for Foreign {
    fn execute(&mut self, _command: &[u8]) -> Vec<u8> {
        vec![0x6a, 0x82]
    }
}

#[test]
fn a_card_without_piv_is_named() {
    let bench = Bench::new();
    let connection = vpicc::connect_socket(std::net::SocketAddr::from(([127, 0, 0, 1], PORTS[0]))).unwrap();
    // Ends with the service.
    std::thread::spawn(move || drop(connection.run(&mut Foreign)));
    bench.rig.wait_for_card(READERS[0], true).unwrap();
    assert_eq!(PivCard::open(READERS[0]).err(), Some(CardError::NotPiv));
}

#[test]
fn the_polkit_rule_names_both_actions_of_the_card_service() {
    let rule = include_str!("../../../config/cards/50-wardkey-pcscd.rules");
    for action in ["org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"] {
        assert!(rule.contains(action));
    }
    assert!(rule.contains("isInGroup(\"wardkey\")"));
}
