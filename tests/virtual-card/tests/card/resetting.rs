//! RESET: only a card whose PIN and PUK are both blocked goes back to the factory's state.

use super::*;

#[test]
fn only_a_doubly_blocked_card_resets() {
    let bench = Bench::new();
    let card = bench.insert("card");
    bench.generate(&card, "9a", "");
    let raw = Raw::open(&card);
    let f9 = |raw: &Raw| raw.send(&[0, 0xcb, 0x3f, 0xff, 5, 0x5c, 3, 0x5f, 0xff, 1, 0]).0;
    let own = f9(&raw);
    let reset = || raw.status(&[0, 0xfb, 0, 0]);
    assert_eq!(reset(), 0x6985);
    while raw.verify(&WRONG) != 0x6983 {}
    assert_eq!(reset(), 0x6985, "the PUK is left");
    while raw.unblock(b"00000000", &PIN) != 0x6983 {}
    assert_eq!(raw.metadata(0x9a).len(), 79, "nothing is lost yet");
    assert_eq!(reset(), 0x9000);

    assert_eq!((raw.secret(0x80), raw.secret(0x81)), ((true, 3, 3), (true, 3, 3)));
    assert_eq!(raw.status(&[0, 0xf7, 0, 0x9a, 0]), 0x6a88, "no key is left");
    assert_eq!(raw.verify(&PIN), 0x9000);
    assert_eq!(f9(&raw), own, "the card stays the card that it is");
    assert_eq!(
        raw.send(&[0, 0xf8, 0, 0, 0]).0,
        card.serial().parse::<u32>().unwrap().to_be_bytes()
    );
}
