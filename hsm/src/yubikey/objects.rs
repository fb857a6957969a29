//! The two objects by which other PIV programs know a card: without a CHUID Windows and macOS take it for empty.

use super::manage::{Management, failed};
use crate::CardError;
use ::yubikey::{CccId, ChuId};
use ring::rand::{SecureRandom, SystemRandom};

/// Card holder unique identifier (SP 800-73-4 part 1 table 9): FASC-N of a card outside the federal government, then a random
/// GUID from byte 29 on, valid until the end of 2049 as our certificates are, no signature.
const CHUID: [u8; 59] =
    *b"\x30\x19\xd4\xe7\x39\xda\x73\x9c\xed\x39\xce\x73\x9d\x83\x68\x58\x21\x08\x42\x10\x84\x21\xc8\x42\x10\xc3\xeb\
\x34\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x35\x0820491231\x3e\0\xfe\0";
const GUID: std::ops::Range<usize> = 29..45;
/// Card capability container (SP 800-73-4 part 1 table 8): a random card identifier from byte 9 on, no capabilities.
const CCC: [u8; 51] = *b"\xf0\x15\xa0\0\0\x01\x16\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf1\x01\x21\xf2\x01\x21\xf3\0\xf4\x01\0\xf5\x01\x10\
\xf6\0\xf7\0\xfa\0\xfb\0\xfc\0\xfd\0\xfe\0";
const CARD_ID: std::ops::Range<usize> = 9..23;

impl Management {
    /// Gives the card a CHUID with a new random GUID (RFC 9562 §5.4).
    pub(crate) fn write_chuid(&mut self) -> Result<(), CardError> {
        let mut content = CHUID;
        let guid = content.get_mut(GUID).unwrap_or_default();
        random(guid)?;
        if let [_, _, _, _, _, _, version, _, variant, ..] = guid {
            *version = *version & 0x0f | 0x40;
            *variant = *variant & 0x3f | 0x80;
        }
        ChuId(content).set(&mut self.0).map_err(failed("PUT DATA"))
    }

    /// Gives the card a CCC with a new random identifier.
    pub(crate) fn write_ccc(&mut self) -> Result<(), CardError> {
        let mut content = CCC;
        random(content.get_mut(CARD_ID).unwrap_or_default())?;
        CccId(content).set(&mut self.0).map_err(failed("PUT DATA"))
    }
}

fn random(bytes: &mut [u8]) -> Result<(), CardError> {
    SystemRandom::new().fill(bytes).map_err(|_| CardError::Service {
        detail: "the system gives no randomness".to_owned(),
    })
}
