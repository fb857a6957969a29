//! A reader with keys, made of code, and a card in it.
#![expect(clippy::unwrap_used, reason = "test")]

use super::*;
use crate::piv::Verified;
use crate::{Slot, piv::tlv};
use std::collections::VecDeque;
use wardkey_core::key::{SoftKey, sha256};
use zeroize::Zeroizing;

const DIRECT: u32 = 0x4233_0006;

/// Answers control calls from a list and signs while the PIN counts as verified.
struct Reader {
    key: SoftKey,
    features: Vec<u8>,
    answers: VecDeque<u16>,
    asked: Vec<(u32, Vec<u8>)>,
    verified: bool,
}

impl Reader {
    fn new(answers: &[u16]) -> Self {
        let mut features = vec![0x12, 4, 0x42, 0x33, 0, 0x12, FEATURE_VERIFY_PIN_DIRECT, 4];
        features.extend(DIRECT.to_be_bytes());
        Self {
            key: SoftKey::generate().unwrap(),
            features,
            answers: answers.iter().copied().collect(),
            asked: Vec::new(),
            verified: false,
        }
    }
}

impl Channel for Reader {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let mut answer = match command {
            // GENERAL AUTHENTICATE: the digest is in tag 81 of the dynamic authentication template.
            [0, 0x87, 0x11, _, _, data @ ..] if self.verified => {
                let template = tlv::find(data, 0x7c).unwrap();
                let digest: &[u8; 32] = tlv::find(template, 0x81).unwrap().try_into().unwrap();
                let signature = self.key.sign_digest(digest).unwrap();
                tlv::encode(0x7c, &tlv::encode(0x82, &signature.0))
            }
            [0, 0x87, ..] => return Ok(Zeroizing::new(vec![0x69, 0x82])),
            // GET METADATA: not known to this card.
            [0, 0xf7, ..] => return Ok(Zeroizing::new(vec![0x6d, 0])),
            [0, 0x20, ..] => panic!("the PIN must not pass through this computer"),
            _ => Vec::new(),
        };
        answer.extend([0x90, 0]);
        Ok(Zeroizing::new(answer))
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, CardError> {
        self.asked.push((code, data.to_vec()));
        if code == feature_request() {
            return Ok(self.features.clone());
        }
        let status = self.answers.pop_front().unwrap();
        self.verified = status == 0x9000;
        Ok(status.to_be_bytes().to_vec())
    }
}

#[test]
fn the_structure_is_the_specifications_byte_by_byte() {
    let expected = "3c3c 82 08 00 0806 02 ff 0904 00 000000 0d000000 00200080 08 ffffffffffffffff";
    assert_eq!(hex::encode(verify_structure()), expected.replace(' ', ""));
}

#[test]
fn the_feature_is_found_among_others_and_nonsense_is_no_feature() {
    assert_eq!(verify_direct(&Reader::new(&[]).features), Some(DIRECT));
    for nonsense in [&[][..], &[6], &[6, 4, 1], &[6, 3, 1, 2, 3], &[7, 4, 1, 2, 3, 4]] {
        assert_eq!(verify_direct(nonsense), None, "{nonsense:?}");
    }
}

#[test]
fn a_reader_without_part_10_has_no_pad() {
    struct Plain;
    impl Channel for Plain {
        fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
            panic!("nothing is sent to the card")
        }
    }
    assert_eq!(ReaderPad::find(&mut Plain), None);
}

#[test]
fn the_holder_types_on_the_reader_and_the_card_signs() {
    let mut reader = Reader::new(&[0x9000, 0x9000]);
    let pad = ReaderPad::find(&mut reader).unwrap();
    let digest = sha256(&[b"delegation"]);
    let mut verified = Verified::on_reader(&mut reader, pad).unwrap();
    let first = verified.sign(Slot::Authentication, &digest).unwrap();
    // 9C asks again before each use: the holder types a second time.
    verified.sign(Slot::Signature, &digest).unwrap();
    reader.key.public().verify(b"delegation", &first).unwrap();
    let codes: Vec<u32> = reader.asked.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [feature_request(), DIRECT, DIRECT]);
    assert_eq!(reader.asked[1].1, verify_structure());
}

#[test]
fn every_answer_of_the_specification_has_its_error() {
    for (status, expected) in [
        (0x6400, CardError::Cancelled),
        (0x6401, CardError::Cancelled),
        (0x6403, CardError::PinMalformed),
        (0x63c2, CardError::WrongPin { tries_left: 2 }),
        (0x6983, CardError::PinBlocked),
    ] {
        let mut reader = Reader::new(&[status]);
        let pad = ReaderPad::find(&mut reader).unwrap();
        assert_eq!(pad.verify(&mut reader), Err(expected), "{status:04X}");
    }
}
