//! What a leaf certificate says about its key (Yubico's extensions under 1.3.6.1.4.1.41482.3).

use crate::{PinPolicy, Slot, TouchPolicy};
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;

const FIRMWARE: &str = "1.3.6.1.4.1.41482.3.3";
const SERIAL: &str = "1.3.6.1.4.1.41482.3.7";
const POLICY: &str = "1.3.6.1.4.1.41482.3.8";

/// The leaf's statements. Worth something only with the verdict beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The card's serial number, decimal.
    pub serial: Option<String>,
    /// `major.minor.patch`.
    pub firmware: Option<String>,
    /// When the PIN is asked.
    pub pin_policy: Option<PinPolicy>,
    /// When a touch is wanted.
    pub touch_policy: Option<TouchPolicy>,
}

impl Facts {
    /// What a leaf certificate in DER says; `None` if it cannot be read.
    #[must_use]
    pub fn of(leaf: &[u8]) -> Option<Self> {
        x509_parser::parse_x509_certificate(leaf)
            .ok()
            .map(|(_, leaf)| Self::read(&leaf))
    }

    pub(crate) fn read(leaf: &X509Certificate<'_>) -> Self {
        let firmware = match extension(leaf, FIRMWARE) {
            Some([major, minor, patch]) => Some(format!("{major}.{minor}.{patch}")),
            _ => None,
        };
        let policy = |index: usize| extension(leaf, POLICY).and_then(|value| value.get(index)).copied();
        Self {
            serial: extension(leaf, SERIAL)
                .and_then(integer)
                .map(|serial| serial.to_string()),
            firmware,
            pin_policy: policy(0).and_then(PinPolicy::from_byte),
            touch_policy: policy(1).and_then(TouchPolicy::from_byte),
        }
    }
}

fn extension<'a>(leaf: &X509Certificate<'a>, oid: &str) -> Option<&'a [u8]> {
    leaf.extensions()
        .iter()
        .find(|extension| extension.oid.to_id_string() == oid)
        .map(|extension| extension.value)
}

/// A DER INTEGER of at most four significant bytes.
fn integer(der: &[u8]) -> Option<u32> {
    let value = crate::piv::tlv::find(der, 2)?;
    let start = value.iter().position(|&byte| byte != 0).unwrap_or(value.len());
    let digits = value.get(start..).filter(|digits| digits.len() <= 4)?;
    Some(digits.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

/// The slot that the leaf's subject names: `YubiKey PIV Attestation 9a`.
pub(crate) fn names_slot(leaf: &X509Certificate<'_>, slot: Slot) -> bool {
    let wanted = format!("YubiKey PIV Attestation {:02x}", slot.reference());
    leaf.subject()
        .iter_common_name()
        .any(|name| name.as_str().is_ok_and(|name| name == wanted))
}
