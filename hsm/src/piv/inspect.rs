//! The reads behind [`crate::status::status`], and what administering a card needs besides the daily commands.

use super::apdu::{Channel, unexpected};
use super::commands::{self, CCC, CHUID, MANAGEMENT_KEY, PIN, PUK, PinState};
use super::metadata::Metadata;
use crate::status::{CardStage, CardStatus, CertificateStatus, SecretStatus, SlotStatus};
use crate::{CardError, Slot};
use wardkey_core::key::PublicKey;
use zeroize::Zeroizing;

type Card<'a> = &'a mut dyn Channel;

/// What every entry field takes and nobody has: eight bytes of padding, which is how an empty PIN would be sent.
const NOBODYS: [u8; 8] = [0xff; 8];
/// Most wrong entries until a card must be blocked: the counter is one byte.
const MOST_TRIES: u16 = 255;

/// Everything but the stage, which follows from the rest.
pub(crate) fn status(card: Card<'_>, reader: &str) -> Result<CardStatus, CardError> {
    let mut pin = secret(commands::metadata(card, PIN)?);
    if pin.tries_left.is_none()
        && let PinState::Wanted(tries) = commands::pin_state(card)?
    {
        pin.tries_left = Some(tries);
    }
    Ok(CardStatus {
        reader: reader.to_owned(),
        serial: commands::serial(card)?,
        firmware: commands::firmware(card)?,
        pin,
        puk: secret(commands::metadata(card, PUK)?),
        factory_management_key: commands::metadata(card, MANAGEMENT_KEY)?.and_then(|key| key.is_default),
        slots: Slot::ALL
            .into_iter()
            .map(|slot| slot_status(card, slot))
            .collect::<Result<_, _>>()?,
        has_chuid: commands::object(card, CHUID)?.is_some(),
        has_ccc: commands::object(card, CCC)?.is_some(),
        stage: CardStage::Untold,
    })
}

fn secret(told: Option<Metadata>) -> SecretStatus {
    told.map_or_else(SecretStatus::default, |told| SecretStatus {
        factory: told.is_default,
        tries: told.tries,
        tries_left: told.tries_left,
    })
}

fn slot_status(card: Card<'_>, slot: Slot) -> Result<SlotStatus, CardError> {
    let made = commands::metadata(card, slot.reference())?;
    let described = commands::described_key(card, slot)?;
    let filled = made.is_some() || commands::object(card, slot.certificate_object())?.is_some();
    let made = made.unwrap_or_default();
    let own = made.point.and_then(|point| PublicKey::from_sec1(&point).ok());
    let public_key = own.or(described);
    let certificate = match described {
        None => CertificateStatus::Missing,
        Some(key) if public_key == Some(key) => CertificateStatus::OfTheKey,
        Some(_) => CertificateStatus::OfAnotherKey,
    };
    Ok(SlotStatus {
        slot,
        filled,
        public_key,
        generated: made.generated,
        pin_policy: made.pin_policy,
        touch_policy: made.touch_policy,
        certificate,
    })
}

/// A PUK of 6 to 8 bytes as it goes to the card, padded with FF; what is beyond eight bytes is no PUK and is cut.
pub(crate) fn padded(puk: &[u8]) -> Zeroizing<[u8; 8]> {
    let mut padded = Zeroizing::new([0xff; 8]);
    for (to, from) in padded.iter_mut().zip(puk) {
        *to = *from;
    }
    padded
}

/// Gives wrong PINs until the card refuses to look at any.
pub(crate) fn block_pin(card: Card<'_>) -> Result<(), CardError> {
    spend(card, "VERIFY", [0x20, 0, PIN], &NOBODYS)
}

/// Gives wrong unblocking codes until the card refuses to look at any.
pub(crate) fn block_puk(card: Card<'_>) -> Result<(), CardError> {
    spend(
        card,
        "RESET RETRY COUNTER",
        [0x2c, 0, PIN],
        &[NOBODYS, NOBODYS].concat(),
    )
}

fn spend(card: Card<'_>, step: &'static str, header: [u8; 3], wrong: &[u8]) -> Result<(), CardError> {
    for _ in 0..=MOST_TRIES {
        match commands::send(card, step, header, wrong)?.status {
            0x6983 | 0x63c0 => return Ok(()),
            status if status & 0xfff0 == 0x63c0 => {}
            status => return Err(unexpected(step, status)),
        }
    }
    Err(unexpected(step, 0x63ff))
}

/// RESET (Yubico): the factory's state. Only a card whose PIN and PUK are blocked does it.
pub(crate) fn reset(card: Card<'_>) -> Result<(), CardError> {
    match commands::send(card, "RESET", [0xfb, 0, 0], &[])?.status {
        0x9000 => Ok(()),
        0x6d00 => Err(CardError::NotYubiKey),
        status => Err(unexpected("RESET", status)),
    }
}
