//! The reader monitor on the real card service.

use super::*;
use std::sync::mpsc;
use std::time::Instant;
use wardkey_hsm::PivCard;
use wardkey_hsm::monitor::{ReaderEvent, watch};

fn wait(events: &mpsc::Receiver<ReaderEvent>, wanted: &ReaderEvent) -> Duration {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(15) {
        if let Ok(event) = events.recv_timeout(Duration::from_millis(200))
            && event == *wanted
        {
            return start.elapsed();
        }
    }
    panic!("{wanted:?} did not come");
}

fn inserted(reader: &str) -> ReaderEvent {
    ReaderEvent::CardInserted {
        reader: reader.to_owned(),
    }
}

fn removed(reader: &str) -> ReaderEvent {
    ReaderEvent::CardRemoved {
        reader: reader.to_owned(),
    }
}

#[test]
fn the_monitor_reports_cards_and_the_service() {
    let mut bench = Bench::new();
    let (send, events) = mpsc::channel();
    let watched = watch(Some(READERS[0].to_owned()), move |event| drop(send.send(event))).unwrap();
    let reader = READERS[0].to_owned();
    wait(&events, &ReaderEvent::ServiceUp);
    wait(&events, &ReaderEvent::ReaderAdded { reader: reader.clone() });

    let card = bench.insert("doctor");
    wait(&events, &ReaderEvent::CardInserted { reader: reader.clone() });
    let other = bench.rig.insert(PORTS[1], &bench.state("other"), None).unwrap();
    drop(other);
    drop(card);
    let took = wait(&events, &ReaderEvent::CardRemoved { reader: reader.clone() });
    assert!(took < Duration::from_secs(2), "{took:?}");

    let card = bench.insert("doctor");
    wait(&events, &ReaderEvent::CardInserted { reader: reader.clone() });
    bench.rig.stop_service().unwrap();
    wait(&events, &ReaderEvent::CardRemoved { reader: reader.clone() });
    wait(&events, &ReaderEvent::ServiceDown);
    drop(card);

    bench.rig.start_service().unwrap();
    wait(&events, &ReaderEvent::ServiceUp);
    let _card = bench.insert("doctor");
    wait(&events, &ReaderEvent::CardInserted { reader });
    let start = Instant::now();
    drop(watched);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(events.iter().all(|event| !matches!(event, ReaderEvent::ServiceDown)));
}

#[test]
fn the_monitor_is_silent_while_a_card_is_used() {
    let bench = Bench::new();
    let card = bench.insert("doctor");
    let (send, events) = mpsc::channel();
    let _watched = watch(None, move |event| drop(send.send(event))).unwrap();
    wait(
        &events,
        &ReaderEvent::CardInserted {
            reader: card.reader().to_owned(),
        },
    );
    while events.recv_timeout(Duration::from_millis(700)).is_ok() {}
    // Preparing selects, generates, and resets the card at its end.
    prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
    let chosen = pinjob::choose(&job(&card, PinJobKind::Choose, vec![]), &good_pin());
    assert_eq!(chosen, PinAnswer::Ok(vec![]));
    assert_eq!(
        events.recv_timeout(Duration::from_secs(1)),
        Err(mpsc::RecvTimeoutError::Timeout)
    );
}

/// Thirty different people's cards in a row.
#[test]
fn thirty_inserts_and_pulls_are_all_seen_in_order() {
    let bench = Bench::new();
    let (send, events) = mpsc::channel();
    let _watched = watch(Some(READERS[0].to_owned()), move |event| drop(send.send(event))).unwrap();
    wait(
        &events,
        &ReaderEvent::ReaderAdded {
            reader: READERS[0].to_owned(),
        },
    );
    for n in 0..30 {
        drop(bench.insert(&format!("card-{}", n % 3)));
        // Nothing but the service is waited for: the monitor has to keep up.
        bench.rig.wait_for_card(READERS[0], false).unwrap();
    }
    let mut seen = Vec::new();
    while let Ok(event) = events.recv_timeout(Duration::from_secs(2)) {
        seen.push(event);
    }
    let expected: Vec<_> = (0..30)
        .flat_map(|_| [inserted(READERS[0]), removed(READERS[0])])
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_pull_is_reported_while_a_card_call_is_stuck() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    let (send, events) = mpsc::channel();
    let _watched = watch(Some(READERS[0].to_owned()), move |event| {
        drop(send.send((event, Instant::now())))
    })
    .unwrap();
    // Somebody holds the card, and a call of ours waits for it.
    let context = pcsc::Context::establish(pcsc::Scope::System).unwrap();
    let name = std::ffi::CString::new(card.reader()).unwrap();
    let mut other = context
        .connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
        .unwrap();
    let transaction = other.transaction().unwrap();
    let (done, stuck) = mpsc::channel();
    let reader = card.reader().to_owned();
    let caller = std::thread::spawn(move || {
        let outcome = PivCard::open(&reader).map(drop);
        drop(done.send(outcome));
    });
    assert!(
        stuck.recv_timeout(Duration::from_millis(500)).is_err(),
        "the call waits"
    );
    let pulled = Instant::now();
    drop(card);
    let when = loop {
        let (event, when) = events.recv_timeout(Duration::from_secs(5)).unwrap();
        if event == removed(READERS[0]) {
            break when;
        }
    };
    // The service looks every 400 ms; the call takes as long as it likes.
    assert!(when - pulled < Duration::from_secs(2), "{:?}", when - pulled);
    drop(transaction);
    drop(other);
    assert!(stuck.recv_timeout(Duration::from_secs(20)).unwrap().is_err());
    caller.join().unwrap();
}
