//! The policies asked for when a key is made are the ones that hold.

use super::*;
use std::time::{Duration, Instant};

#[test]
fn pin_policies_are_kept() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "--pin-policy=never");
    bench.generate(&card, "9c", "");
    bench.generate(&card, "9d", "--pin-policy=always");
    bench.generate(&card, "82", "");
    bench.generate(&card, "9e", "");
    let raw = Raw::open(&card);
    let policy = |slot| raw.metadata(slot).get(3..7).unwrap().to_vec();
    let told = [0x9a, 0x9c, 0x9d, 0x82, 0x9e].map(policy);
    assert_eq!(
        told,
        [[2, 2, 1, 1], [2, 2, 3, 1], [2, 2, 3, 1], [2, 2, 2, 1], [2, 2, 1, 1]]
    );

    assert_eq!((raw.sign(0x9a), raw.sign(0x9e)), (0x9000, 0x9000), "never");
    assert_eq!([0x9c, 0x9d, 0x82].map(|slot| raw.sign(slot)), [0x6982; 3]);
    assert_eq!(
        (raw.verify(&PIN), raw.sign(0x82), raw.sign(0x82)),
        (0x9000, 0x9000, 0x9000),
        "once"
    );
    assert_eq!(raw.sign(0x9c), 0x6982, "always: the PIN was for another use");
    assert_eq!(
        (raw.verify(&PIN), raw.sign(0x9c), raw.sign(0x9c)),
        (0x9000, 0x9000, 0x6982),
        "always"
    );
    assert_eq!(
        (raw.verify(&PIN), raw.sign(0x9d), raw.sign(0x9d)),
        (0x9000, 0x9000, 0x6982),
        "asked for"
    );
    assert_eq!(raw.verify(&PIN), 0x9000);
    raw.metadata(0x9c);
    assert_eq!(raw.sign(0x9c), 0x6982, "always: immediately before");
}

#[test]
fn a_key_that_wants_a_touch_waits_for_the_finger() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "--pin-policy=never --touch-policy=always");
    bench.generate(&card, "82", "--pin-policy=once --touch-policy=always");
    let raw = Raw::open(&card);
    assert_eq!(raw.metadata(0x9a).get(3..7), Some(&[2, 2, 1, 2][..]));
    let finger = card.finger();
    assert!(!finger.touch(), "nobody waits, so it counts for nothing");

    finger.set_patience(Duration::from_millis(600));
    let begun = Instant::now();
    assert_eq!(raw.sign(0x9a), 0x6982);
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(raw.sign(0x82), 0x6982);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "without the PIN it does not even blink"
    );

    finger.set_patience(Duration::from_secs(15));
    for _ in 0..2 {
        let touching = {
            let finger = finger.clone();
            std::thread::spawn(move || finger.sees_blinking(Duration::from_secs(10)) && finger.touch())
        };
        assert_eq!(raw.sign(0x9a), 0x9000);
        assert!(touching.join().unwrap());
    }
    finger.set_patience(Duration::from_millis(100));
    assert_eq!(raw.sign(0x9a), 0x6982, "each use wants its own");
}

#[test]
fn a_cached_touch_counts_until_the_power_goes() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "--pin-policy=never --touch-policy=cached");
    let raw = Raw::open(&card);
    let finger = card.finger().clone();
    let touching = std::thread::spawn(move || finger.sees_blinking(Duration::from_secs(10)) && finger.touch());
    assert_eq!(raw.sign(0x9a), 0x9000);
    assert!(touching.join().unwrap());
    card.finger().set_patience(Duration::from_millis(100));
    assert_eq!((raw.sign(0x9a), raw.sign(0x9a)), (0x9000, 0x9000));
    raw.power_off();
    assert_eq!(Raw::open(&card).sign(0x9a), 0x6982);
}

#[test]
fn a_card_that_is_pulled_while_it_blinks_is_gone() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "--pin-policy=never --touch-policy=always");
    let raw = Raw::open(&card);
    let finger = card.finger().clone();
    let begun = Instant::now();
    let pulling = std::thread::spawn(move || {
        assert!(finger.sees_blinking(Duration::from_secs(10)));
        drop(card);
    });
    let mut buffer = [0; 300];
    let command = [
        &[0, 0x87, 0x11, 0x9a, 38, 0x7c, 36, 0x82, 0, 0x81, 32][..],
        &[7; 32],
        &[0],
    ]
    .concat();
    let answer = raw.0.transmit(&command, &mut buffer).map(<[u8]>::to_vec);
    pulling.join().unwrap();
    assert!(answer.as_ref().map_or(true, Vec::is_empty), "{answer:x?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
