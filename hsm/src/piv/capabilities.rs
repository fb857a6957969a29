//! What a PIV card can do, found out by asking it.

use super::apdu::Channel;
use super::commands::{self, PinState};
use super::metadata::Metadata;
use crate::store::{Capabilities, KeyMaking, StoreKind, TriesTold};
use crate::{CardError, PinPolicy, Slot, TouchPolicy};

/// Asks a card whose PIV application is selected. `atr` is its answer to reset, hex, for the name of a card that has no other.
pub(crate) fn probe(card: &mut dyn Channel, atr: &str) -> Result<Capabilities, CardError> {
    let firmware = commands::firmware(card)?;
    let mut keys = Vec::with_capacity(Slot::ALL.len());
    for slot in Slot::ALL {
        keys.push(commands::metadata(card, slot.reference())?.unwrap_or_default());
    }
    let pin = |slot: Slot, key: Option<&Metadata>| key.and_then(|key| key.pin_policy).unwrap_or(slot.pin_policy());
    let tries = match (commands::pin_metadata(card)?, commands::pin_state(card)?) {
        (Some(_), _) | (None, PinState::Wanted(_)) => TriesTold::Always,
        (None, PinState::Verified | PinState::Elsewhere) => TriesTold::Never,
    };
    let [authentication, signature, _] = Slot::ALL;
    Ok(Capabilities {
        kind: StoreKind::Piv,
        name: name(firmware.as_deref(), atr),
        signs: true,
        agrees: true,
        pin: pin(authentication, keys.first()),
        signature_pin: pin(signature, keys.get(1)),
        stays_unlocked: pin(authentication, keys.first()) == PinPolicy::Once,
        tries,
        generates: KeyMaking::Elsewhere,
        creates: false,
        attests: false,
        touch: keys
            .iter()
            .any(|key| key.touch_policy.is_some_and(|touch| touch != TouchPolicy::Never)),
        changes_pin: true,
        unblocks: true,
        survives_reconnect: false,
        trial: false,
    })
}

fn name(firmware: Option<&str>, atr: &str) -> String {
    match firmware {
        Some(firmware) => format!("YubiKey {firmware}"),
        None if atr.is_empty() => "PIV card".to_owned(),
        None => format!("PIV card {atr}"),
    }
}
