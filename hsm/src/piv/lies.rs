//! A card that lies: answers cut short, too long, with wrong lengths inside, or invented. Nothing that reads a card may panic or
//! go on without end.

use super::apdu::Channel;
use super::{CardInfo, Verified, commands, inspect, tlv};
use crate::{CardError, Pin, Slot};
use proptest::prelude::*;
use std::sync::OnceLock;
use wardkey_core::key::SoftKey;
use zeroize::Zeroizing;

/// What one answer suffers.
#[derive(Clone, Debug)]
enum Lie {
    /// None: the good answer.
    Truth,
    /// Only the first bytes of the data, and then success.
    Cut(usize),
    /// One byte of the data, most often a length or a tag, is another.
    Changed(usize, u8),
    /// Something else altogether, status included.
    Invented(Vec<u8>),
    /// A good answer with another status: more to come, wrong length, wrong PIN, …
    Status(u16),
}

struct Liar {
    lies: Vec<Lie>,
    commands: usize,
}

impl Channel for Liar {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let lie = &self.lies[self.commands % self.lies.len()];
        self.commands += 1;
        let mut data = good(command);
        let mut status = 0x9000u16;
        match lie {
            Lie::Truth => {}
            Lie::Cut(at) => data.truncate(*at),
            Lie::Changed(at, byte) => {
                let at = at % data.len().max(1);
                data.iter_mut().skip(at).take(1).for_each(|one| *one = *byte);
            }
            Lie::Invented(bytes) => return Ok(Zeroizing::new(bytes.clone())),
            Lie::Status(other) => status = *other,
        }
        data.extend(status.to_be_bytes());
        Ok(Zeroizing::new(data))
    }
}

/// What an honest card answers.
fn good(command: &[u8]) -> Vec<u8> {
    let point = tlv::encode(0x86, point());
    match command {
        [_, 0xf7, _, 0x80 | 0x81, ..] => vec![1, 1, 0xff, 5, 1, 0, 6, 2, 5, 5],
        [_, 0xf7, _, 0x9b, ..] => vec![1, 1, 3, 2, 2, 0, 1, 5, 1, 0],
        [_, 0xf7, ..] => [&[1, 1, 0x11, 2, 2, 2, 1, 3, 1, 1][..], &tlv::encode(4, &point)].concat(),
        [_, 0xf8, ..] => vec![0, 0, 0x12, 0x67],
        [_, 0xfd, ..] => vec![5, 4, 3],
        [_, 0xf9, ..] => certificate().clone(),
        [_, 0xcb, ..] => tlv::encode(
            0x53,
            &[tlv::encode(0x70, certificate()), vec![0x71, 1, 0, 0xfe, 0]].concat(),
        ),
        [_, 0x87, _, _, _, _, _, _, _, 0x81, ..] => tlv::encode(0x7c, &tlv::encode(0x82, &[7; 64])),
        [_, 0x87, ..] => tlv::encode(0x7c, &tlv::encode(0x82, &[7; 32])),
        _ => Vec::new(),
    }
}

fn point() -> &'static [u8; 65] {
    static MADE: OnceLock<[u8; 65]> = OnceLock::new();
    MADE.get_or_init(|| SoftKey::generate().map_or([4; 65], |key| *key.public().bytes()))
}

fn certificate() -> &'static Vec<u8> {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(["card".to_owned()]);
        made.map(|made| made.cert.der().to_vec()).unwrap_or_default()
    })
}

fn lie() -> impl Strategy<Value = Lie> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    let status = prop_oneof![
        Just(0x61ff),
        Just(0x6101),
        Just(0x6c01),
        Just(0x6982),
        Just(0x63c2),
        Just(0x6a82),
        any::<u16>()
    ];
    prop_oneof![
        3 => Just(Lie::Truth),
        2 => (0usize..400).prop_map(Lie::Cut),
        3 => (0usize..400, prop_oneof![any::<u8>(), Just(0x81), Just(0x82), Just(0xff)]).prop_map(|(at, byte)| Lie::Changed(at, byte)),
        1 => bytes().prop_map(Lie::Invented),
        1 => status.prop_map(Lie::Status),
    ]
}

/// Everything that reads or uses a card, whatever each step gives. The number of commands that it took.
fn everything(lies: Vec<Lie>) -> usize {
    let card = &mut Liar { lies, commands: 0 };
    let peer = SoftKey::generate().map(|key| key.public());
    let _ = commands::select(card);
    let _ = commands::ensure_selected(card);
    let _ = CardInfo::read(card, "reader");
    let _ = inspect::status(card, "reader");
    for slot in Slot::ALL {
        let _ = commands::certificate(card, slot);
        let _ = commands::described_key(card, slot);
        let _ = commands::public_key(card, slot);
        let _ = commands::sign(card, slot, &[1; 32]);
        let _ = peer.as_ref().map(|peer| commands::agree(card, slot, peer));
        let attested = commands::attest(card, slot).ok().flatten();
        let _ = attested.map(|leaf| crate::attestation::Facts::of(&leaf));
    }
    let _ = commands::attestation_certificate(card);
    let pin = Pin::factory();
    let _ = commands::change_pin(card, &pin, &pin);
    let _ = commands::unblock_pin(card, b"12345678", &pin);
    if let Ok(own) = Pin::new(b"482913") {
        let _ = Verified::new(card, &own).and_then(|mut verified| verified.sign(Slot::Signature, &[1; 32]));
    }
    card.commands
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn a_card_that_lies_causes_neither_panic_nor_an_endless_loop(lies in proptest::collection::vec(lie(), 1..60)) {
        // About 110 commands are sent to an honest card; a piece at a time is the worst that a lie can ask for.
        let commands = everything(lies);
        prop_assert!(commands < 110 * 257, "{}", commands);
    }

    #[test]
    fn blocking_a_card_that_never_blocks_ends(lies in proptest::collection::vec(lie(), 1..8)) {
        let card = &mut Liar { lies, commands: 0 };
        let _ = inspect::block_pin(card);
        let _ = inspect::block_puk(card);
        let _ = inspect::reset(card);
        prop_assert!(card.commands < 514 * 258, "{}", card.commands);
    }
}

#[test]
fn an_honest_card_is_read_to_the_end() {
    let honest = || Liar {
        lies: vec![Lie::Truth],
        commands: 0,
    };
    let info = CardInfo::read(&mut honest(), "reader");
    assert!(info.is_ok_and(|info| info.key(Slot::Signature).is_some()));
    let status = inspect::status(&mut honest(), "reader");
    assert!(status.is_ok_and(|status| status.slots.iter().all(|slot| slot.filled)));
    let peer = SoftKey::generate().map(|key| key.public());
    assert!(peer.is_ok_and(|peer| matches!(commands::agree(&mut honest(), Slot::KeyManagement, &peer), Ok(Ok(_)))));
    assert!(matches!(
        commands::sign(&mut honest(), Slot::Signature, &[1; 32]),
        Ok(Ok(_))
    ));
    let took = everything(vec![Lie::Truth]);
    assert!((40..110).contains(&took), "{took}");
}

#[test]
fn a_card_that_sends_byte_by_byte_is_given_up() {
    let card = &mut Liar {
        lies: vec![Lie::Invented(vec![0, 0x61, 1])],
        commands: 0,
    };
    assert!(matches!(commands::firmware(card), Err(CardError::Protocol { .. })));
    assert!(card.commands < 300, "{}", card.commands);
}

#[test]
fn a_card_that_finds_a_pin_too_simple_is_understood() {
    let card = &mut Liar {
        lies: vec![Lie::Status(0x6985)],
        commands: 0,
    };
    let pin = Pin::factory();
    assert_eq!(commands::change_pin(card, &pin, &pin), Err(CardError::PinTooSimple));
    assert_eq!(
        commands::unblock_pin(card, b"12345678", &pin),
        Err(CardError::PinTooSimple)
    );
}
