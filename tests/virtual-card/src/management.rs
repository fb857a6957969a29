//! Yubico's management application, as far as `ykman` reads it: which key this is and which applications it has.

use crate::applet::{Applet, Refusal, VERSION};
use crate::tlv;

/// AID of the management application.
pub(crate) const AID: [u8; 8] = [0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17];
const READ_CONFIG: u8 = 0x1d;
/// Capabilities: PIV and nothing else.
const PIV: [u8; 2] = [0x00, 0x10];
/// Form factor: keychain, USB-A.
const FORM: u8 = 0x01;

impl Applet {
    /// The answer to its SELECT: the version in words.
    pub(crate) fn management_banner() -> Vec<u8> {
        let [major, minor, patch] = VERSION;
        format!("Virtual mgr - FW version {major}.{minor}.{patch}").into_bytes()
    }

    pub(crate) fn management(&self, ins: u8) -> Result<Vec<u8>, Refusal> {
        if ins != READ_CONFIG {
            return Err(0x6d00.into());
        }
        let config = [
            tlv::encode(0x01, &PIV),
            tlv::encode(0x02, &self.state.serial.to_be_bytes()),
            tlv::encode(0x03, &PIV),
            tlv::encode(0x04, &[FORM]),
            tlv::encode(0x05, &VERSION),
            tlv::encode(0x0d, &PIV),
            tlv::encode(0x0e, &PIV),
        ]
        .concat();
        let length = u8::try_from(config.len()).map_err(|_| 0x6f00)?;
        Ok([vec![length], config].concat())
    }
}
