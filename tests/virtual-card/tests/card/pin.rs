//! PIN and PUK: tries, blocking, what metadata says, and what ends a verified state.

use super::*;

#[test]
fn a_fresh_card_says_that_its_secrets_are_the_factorys() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let raw = Raw::open(&card);
    assert_eq!((raw.secret(0x80), raw.secret(0x81)), ((true, 3, 3), (true, 3, 3)));
    assert_eq!(
        raw.metadata(0x9b),
        [1, 1, 3, 2, 2, 0, 1, 5, 1, 1],
        "3DES, no touch, the factory's"
    );
    assert_eq!(raw.status(&[0, 0x20, 0, 0x80]), 0x63c3, "asking costs nothing");
    assert_eq!(raw.secret(0x80), (true, 3, 3));

    let change = |reference: u8, old: &[u8; 8], new: &[u8; 8]| {
        raw.status(&[&[0, 0x24, 0, reference, 16][..], old, new].concat())
    };
    assert_eq!(change(0x80, &PIN, b"271828\xff\xff"), 0x9000);
    assert_eq!(change(0x81, b"00000000", b"87654321"), 0x63c2);
    assert_eq!(change(0x81, &PUK, b"87654321"), 0x9000);
    assert_eq!((raw.secret(0x80), raw.secret(0x81)), ((false, 3, 3), (false, 3, 3)));
    assert_eq!(change(0x80, b"271828\xff\xff", &PIN), 0x9000);
    assert_eq!(raw.secret(0x80), (true, 3, 3), "the factory's again");
}

#[test]
fn wrong_entries_count_down_to_a_block() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let raw = Raw::open(&card);
    assert_eq!((raw.verify(&WRONG), raw.verify(&WRONG)), (0x63c2, 0x63c1));
    assert_eq!(raw.verify(&PIN), 0x9000);
    assert_eq!(raw.secret(0x80), (true, 3, 3), "the right one brings all tries back");
    assert_eq!(
        [raw.verify(&WRONG), raw.verify(&WRONG), raw.verify(&WRONG)],
        [0x63c2, 0x63c1, 0x6983]
    );
    assert_eq!(raw.verify(&PIN), 0x6983, "blocked for the right one too");
    assert_eq!(raw.secret(0x80), (true, 3, 0));

    assert_eq!(raw.unblock(b"00000000", &PIN), 0x63c2);
    assert_eq!(raw.unblock(&PUK, b"271828\xff\xff"), 0x9000);
    assert_eq!(raw.verify(b"271828\xff\xff"), 0x9000);
    assert_eq!(raw.secret(0x81), (true, 3, 3));
    for status in [0x63c2, 0x63c1, 0x6983, 0x6983] {
        assert_eq!(raw.unblock(b"00000000", &PIN), status);
    }
    assert_eq!(raw.unblock(&PUK, &PIN), 0x6983);
    assert_eq!(raw.secret(0x81), (true, 3, 0));
    assert_eq!(raw.verify(b"271828\xff\xff"), 0x9000, "the PIN works without a PUK");
}

#[test]
fn the_verified_state_ends_with_select_reset_and_power() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "");
    let raw = Raw::open(&card);
    assert_eq!(raw.sign(0x9a), 0x6982);
    assert_eq!(
        (raw.verify(&PIN), raw.sign(0x9a), raw.sign(0x9a)),
        (0x9000, 0x9000, 0x9000)
    );
    raw.select();
    assert_eq!(raw.sign(0x9a), 0x6982, "SELECT");
    assert_eq!(raw.verify(&PIN), 0x9000);
    assert_eq!(raw.status(&[0, 0x20, 0xff, 0x80]), 0x9000);
    assert_eq!(raw.sign(0x9a), 0x6982, "VERIFY with P1 = FF");

    assert_eq!(raw.verify(&PIN), 0x9000);
    raw.leave();
    let raw = Raw::open_unselected(&card);
    assert_eq!(
        raw.sign(0x9a),
        0x9000,
        "another program inherits it, as on the real card"
    );
    raw.power_off();
    let raw = Raw::open(&card);
    assert_eq!(raw.sign(0x9a), 0x6982, "power");
    assert_eq!(raw.verify(&PIN), 0x9000);
    drop(raw);
    assert_eq!(
        Raw::open(&card).sign(0x9a),
        0x6982,
        "reset, which is how the library lets go"
    );
}

#[test]
fn set_pin_retries_needs_both_secrets_and_brings_the_factorys_back() {
    let bench = Bench::new();
    let card = bench.insert("card");
    let raw = Raw::open(&card);
    assert_eq!(raw.verify(&PIN), 0x9000);
    assert_eq!(raw.status(&[0, 0xfa, 6, 4]), 0x6982, "the management key is missing");
    raw.leave();
    let (ok, text) = bench.piv_tool(&card, "-a change-pin -P 123456 -N 271828");
    assert!(ok, "{text}");
    let (ok, text) = bench.piv_tool(&card, "-a pin-retries --pin-retries 6 --puk-retries 4");
    assert!(!ok, "the PIN is missing: {text}");
    let (ok, text) = bench.piv_tool(
        &card,
        "-a verify-pin -P 271828 -a pin-retries --pin-retries 6 --puk-retries 4",
    );
    assert!(ok, "{text}");
    let raw = Raw::open(&card);
    assert_eq!((raw.secret(0x80), raw.secret(0x81)), ((true, 6, 6), (true, 4, 4)));
    assert_eq!((raw.verify(&WRONG), raw.verify(&PIN)), (0x63c5, 0x9000));
}
