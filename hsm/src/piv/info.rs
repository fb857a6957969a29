//! What a card tells about itself without a PIN.

use super::apdu::Channel;
use super::commands::{self, PinState};
use crate::{CardError, Slot};
use serde::{Deserialize, Serialize};
use wardkey_core::key::PublicKey;

/// A card as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardInfo {
    /// The PC/SC reader's name.
    pub reader: String,
    /// Serial number, decimal (YubiKey), or the card's GUID in hex; `None` if the card has neither.
    pub serial: Option<String>,
    /// `major.minor.patch`, YubiKey only.
    pub firmware: Option<String>,
    /// PIN tries left, 0 = blocked; `None` if the card does not tell.
    pub tries_left: Option<u8>,
    /// True if the card says that the factory PIN is still set. A card without GET METADATA cannot say; then it is false here,
    /// and the factory PIN is refused when it is typed.
    pub default_pin: bool,
    /// The three slots, in the order 9A, 9C, 9D.
    pub keys: Vec<SlotInfo>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotInfo {
    /// Which.
    pub slot: Slot,
    /// Its P-256 public key; `None` if it is empty or holds a key of another kind.
    pub public_key: Option<PublicKey>,
}

impl CardInfo {
    /// The key in `slot`.
    #[must_use]
    pub fn key(&self, slot: Slot) -> Option<PublicKey> {
        self.keys
            .iter()
            .find(|info| info.slot == slot)
            .and_then(|info| info.public_key)
    }

    pub(crate) fn read(card: &mut dyn Channel, reader: &str) -> Result<Self, CardError> {
        let pin = commands::pin_metadata(card)?;
        let tries_left = match pin.as_ref().and_then(|pin| pin.tries_left) {
            Some(tries) => Some(tries),
            None => match commands::pin_state(card)? {
                PinState::Wanted(tries) => Some(tries),
                PinState::Verified | PinState::Elsewhere => None,
            },
        };
        Ok(Self {
            reader: reader.to_owned(),
            serial: commands::serial(card)?,
            firmware: commands::firmware(card)?,
            tries_left,
            default_pin: pin.and_then(|pin| pin.is_default).unwrap_or(false),
            keys: Slot::ALL
                .into_iter()
                .map(|slot| slot_info(card, slot))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn slot_info(card: &mut dyn Channel, slot: Slot) -> Result<SlotInfo, CardError> {
    match commands::public_key(card, slot) {
        Ok(public_key) => Ok(SlotInfo { slot, public_key }),
        Err(CardError::SlotUnsupported { .. }) => Ok(SlotInfo { slot, public_key: None }),
        Err(error) => Err(error),
    }
}
