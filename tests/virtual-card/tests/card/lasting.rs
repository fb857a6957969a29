//! What lasts when the card is pulled, and that it is never half written.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wardkey_virtual_card::Moment;

#[test]
fn keys_tries_and_objects_survive_a_pull() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "--pin-policy=never");
    let (ok, text) = bench.piv_tool(&card, "-a set-chuid -a set-ccc");
    assert!(ok, "{text}");
    let raw = Raw::open(&card);
    assert_eq!(raw.verify(&WRONG), 0x63c2);
    let told = |raw: &Raw| {
        let chuid = raw.send(&[0, 0xcb, 0x3f, 0xff, 5, 0x5c, 3, 0x5f, 0xc1, 2, 0]);
        (raw.metadata(0x9a), raw.secret(0x80), raw.secret(0x81), chuid)
    };
    let before = told(&raw);
    drop(raw);
    let serial = card.serial();
    bench.pull(card);
    let card = bench.insert("card");
    assert_eq!(told(&Raw::open(&card)), before);
    assert_eq!(card.serial(), serial);
}

#[test]
fn a_wrong_pin_counts_even_when_the_card_is_pulled_before_it_answers() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let raw = Raw::open(&card);
    card.pull_at_command(1, Moment::After);
    let mut buffer = [0; 300];
    drop(
        raw.0
            .transmit(&[&[0, 0x20, 0, 0x80, 8][..], &WRONG].concat(), &mut buffer)
            .map(<[u8]>::to_vec),
    );
    drop(raw);
    bench.pull(card);
    assert_eq!(
        Raw::open(&bench.insert("card")).secret(0x80),
        (true, 3, 2),
        "else tries would be without end"
    );
}

/// Reads the card's file all the time while it changes: it is always whole.
#[test]
fn the_file_is_replaced_as_a_whole() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let done = Arc::new(AtomicBool::new(false));
    let (path, watched) = (bench.path("card"), Arc::clone(&done));
    let watcher = std::thread::spawn(move || {
        let mut looks = 0;
        while !watched.load(Ordering::SeqCst) {
            let state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(state["puk"]["tries"], 3);
            looks += 1;
        }
        looks
    });
    let raw = Raw::open(&card);
    for _ in 0..150 {
        assert_eq!((raw.verify(&WRONG), raw.verify(&PIN)), (0x63c2, 0x9000));
    }
    done.store(true, Ordering::SeqCst);
    assert!(watcher.join().unwrap() > 100);
    bench.pull(card);

    // What a writer that died left behind is not taken for the card.
    std::fs::write(bench.path("card.new"), "{\"serial\":").unwrap();
    assert_eq!(Raw::open(&bench.insert("card")).secret(0x80), (true, 3, 3));
}
