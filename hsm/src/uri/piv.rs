//! `piv:serial=12345678;slot=9c`.

use super::{UriError, percent};
use crate::Slot;
use std::fmt;

/// A PIV card, and perhaps one of its slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PivUri {
    /// Serial number as in [`crate::CardInfo::serial`]; without it the one card that is inserted.
    pub serial: Option<String>,
    /// One key of it; without it all three.
    pub slot: Option<Slot>,
}

pub(super) fn parse(list: &str) -> Result<PivUri, UriError> {
    let mut uri = PivUri::default();
    for part in percent::parts(list, ';') {
        match part? {
            ("serial", value) => percent::once(&mut uri.serial, "serial", percent::text("serial", value)?)?,
            ("slot", value) => percent::once(&mut uri.slot, "slot", slot(value)?)?,
            (name, _) => return Err(UriError::Unknown { name: name.to_owned() }),
        }
    }
    Ok(uri)
}

fn slot(text: &str) -> Result<Slot, UriError> {
    Slot::ALL
        .into_iter()
        .find(|slot| slot.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| UriError::value("slot", "slots are 9a, 9c and 9d"))
}

impl fmt::Display for PivUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("piv:")?;
        if let Some(serial) = &self.serial {
            write!(f, "serial={}", percent::value(serial))?;
        }
        if let Some(slot) = self.slot {
            let separator = if self.serial.is_some() { ";" } else { "" };
            write!(f, "{separator}slot={}", slot.to_string().to_ascii_lowercase())?;
        }
        Ok(())
    }
}
