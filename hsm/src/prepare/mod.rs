//! Prepares a factory-fresh YubiKey for one person.
//!
//! The order for a desk is: [`prepare`], then a `choose` PIN job ([`crate::pinjob::choose`]) in which the holder replaces the
//! factory's PIN, then the device request. Between the two the card has keys but the factory's PIN, and every operation refuses
//! it ([`CardError::PinDefault`]). No other connection may use the card meanwhile: a SELECT from elsewhere ends the management
//! session, which shows as [`CardError::ManagementKeyRefused`].
//!
//! A card that was pulled on the way is prepared again from the start: PUK and management key are replaced before any key is made,
//! so a card with keys, the factory's PIN and our management key is our own unfinished work, and nobody has used it yet.

mod derived;

pub use derived::{MANAGEMENT_KEY_BYTES, derive_management_key, derive_puk};

use crate::attestation::{Evidence, Facts};
use crate::yubikey::Management;
use crate::{CardError, CardInfo, PivCard, Slot, readers};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use wardkey_core::key::PublicKey;
use zeroize::Zeroizing;

const FACTORY_MANAGEMENT_KEY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
/// Longest time until the service shows a pulled card as gone.
const NOTICED: Duration = Duration::from_secs(1);
const FACTORY_PUK: &str = "12345678";

/// How to prepare. Nothing of it may be left at the factory's value.
#[derive(Clone)]
pub struct PrepareSettings {
    /// The new PUK, 6 to 8 characters; IT keeps it, see [`derive_puk`].
    pub puk: Zeroizing<String>,
    /// The new management key; IT keeps it, see [`derive_management_key`].
    pub management_key: Zeroizing<[u8; MANAGEMENT_KEY_BYTES]>,
    /// Tries of PIN and PUK, each 1 to 15.
    pub retries: (u8, u8),
    /// True to destroy keys that are in 9A, 9C or 9D already. False also goes on with a card whose preparation was broken off.
    pub overwrite: bool,
}

/// What is being done, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum Step {
    /// Looks whether the card is fresh.
    Checking,
    /// Sets the tries; PIN and PUK are the factory's after that.
    SettingRetries,
    /// Replaces PUK and management key.
    ReplacingSecrets,
    /// Makes a key; left out for one that was finished before.
    Generating {
        /// Where.
        slot: Slot,
    },
    /// Reads the attestation.
    Attesting,
}

/// A prepared card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// The card afterwards; its PIN is still the factory's.
    pub info: CardInfo,
    /// 9A: opens sessions.
    pub authentication: PublicKey,
    /// 9C: signs what legally matters.
    pub signature: PublicKey,
    /// 9D: key agreement.
    pub key_management: PublicKey,
    /// Attestation of the three keys.
    pub evidence: Evidence,
}

impl Prepared {
    /// Slot and key, in the order 9A, 9C, 9D: what [`crate::attestation::verify`] expects.
    #[must_use]
    pub const fn keys(&self) -> [(Slot, PublicKey); 3] {
        [
            (Slot::Authentication, self.authentication),
            (Slot::Signature, self.signature),
            (Slot::KeyManagement, self.key_management),
        ]
    }
}

/// Sets the tries, replaces PUK and management key, gives the card the objects by which other programs know it, makes the three keys (PIN once, always, once; no touch), describes them by
/// certificates, and reads the attestation. May be repeated after a failure: finished keys stay, everything else is done again.
///
/// # Errors
/// [`CardError::NotYubiKey`], [`CardError::PinNotFactory`], [`CardError::SlotFilled`], [`CardError::ManagementKeyRefused`],
/// [`CardError::BadSettings`], [`CardError::NoAttestation`], [`CardError::Pulled`]; [`CardError::WrongCard`] if the attestation
/// names another card than the card itself.
pub fn prepare(
    reader: &str,
    settings: &PrepareSettings,
    progress: &mut dyn FnMut(Step),
) -> Result<Prepared, CardError> {
    acceptable(settings)?;
    progress(Step::Checking);
    let kept = check(reader, settings.overwrite)?;
    // The crate panics on answers that are too short; a card that lies must not end the program.
    let keys = catch_unwind(AssertUnwindSafe(|| manage(reader, settings, kept, progress))).unwrap_or_else(|_| {
        Err(CardError::Protocol {
            step: "management",
            detail: "an answer too short".to_owned(),
        })
    });
    let keys = keys.map_err(|error| pulled_or(error, reader))?;
    progress(Step::Attesting);
    finish(reader, keys)
}

/// The `yubikey` crate takes a card that was pulled for one that answers wrongly. The service notices a pull within half a
/// second, and is asked without touching the card.
fn pulled_or(error: CardError, reader: &str) -> CardError {
    use CardError as E;
    if !matches!(error, E::Protocol { .. } | E::NotYubiKey | E::ManagementKeyRefused) {
        return error;
    }
    let is_in = || readers().is_ok_and(|all| all.iter().any(|one| one.name == reader && one.card_present));
    let deadline = Instant::now() + NOTICED;
    while is_in() {
        if Instant::now() > deadline {
            return error;
        }
        std::thread::sleep(NOTICED / 20);
    }
    E::Pulled
}

fn acceptable(settings: &PrepareSettings) -> Result<(), CardError> {
    let bad = |reason| Err(CardError::BadSettings { reason });
    if !(6..=8).contains(&settings.puk.len()) || !settings.puk.is_ascii() {
        bad("a PUK has 6 to 8 ASCII characters")
    } else if settings.puk.as_str() == FACTORY_PUK {
        bad("the PUK is the factory's")
    } else if *settings.management_key == FACTORY_MANAGEMENT_KEY {
        bad("the management key is the factory's")
    } else if ![settings.retries.0, settings.retries.1]
        .iter()
        .all(|tries| (1..=15).contains(tries))
    {
        bad("tries are 1 to 15")
    } else {
        Ok(())
    }
}

/// What an earlier preparation has left, and a card may have from elsewhere.
#[derive(Default)]
struct Kept {
    /// Finished keys in the order of [`Slot::ALL`].
    keys: [Option<PublicKey>; 3],
    chuid: bool,
    ccc: bool,
}

/// Refuses filled slots and a PIN that is not the factory's, before anything is changed. Gives the keys that an earlier
/// preparation has finished; that the management key is ours is proved by [`Management::authenticate`].
fn check(reader: &str, overwrite: bool) -> Result<Kept, CardError> {
    let mut card = PivCard::open(reader)?;
    let info = card.info()?;
    if info.firmware.is_none() {
        return Err(CardError::NotYubiKey);
    }
    let factory_pin = card.has_factory_pin()?;
    if factory_pin == Some(false) {
        return Err(CardError::PinNotFactory);
    }
    let mut kept = Kept::default();
    (kept.chuid, kept.ccc) = card.has_identity()?;
    if overwrite {
        return Ok(kept);
    }
    // A card that cannot say so may be somebody's, so then no slot may be filled.
    let begun = factory_pin == Some(true) && card.has_factory_management_key()? == Some(false);
    for (slot, kept) in Slot::ALL.into_iter().zip(&mut kept.keys) {
        if begun {
            *kept = card.finished_key(slot)?;
        } else if card.is_filled(slot)? {
            return Err(CardError::SlotFilled { slot });
        }
    }
    Ok(kept)
}

fn manage(
    reader: &str,
    settings: &PrepareSettings,
    kept: Kept,
    progress: &mut dyn FnMut(Step),
) -> Result<[PublicKey; 3], CardError> {
    let mut card = Management::open(reader)?;
    card.authenticate(&settings.management_key)?;
    progress(Step::SettingRetries);
    card.set_retries(settings.retries)?;
    // Before the keys, so that no card with keys is left with the factory's; after the tries, which bring the factory's back.
    progress(Step::ReplacingSecrets);
    card.change_puk(settings.puk.as_bytes())?;
    card.change_management_key(&settings.management_key)?;
    if !kept.chuid {
        card.write_chuid()?;
    }
    if !kept.ccc {
        card.write_ccc()?;
    }
    let mut make = |slot, kept| -> Result<PublicKey, CardError> {
        if let Some(key) = kept {
            return Ok(key);
        }
        progress(Step::Generating { slot });
        let key = card.generate(slot)?;
        card.describe(slot, &key)?;
        Ok(key)
    };
    let [authentication, signature, key_management] = kept.keys;
    Ok([
        make(Slot::Authentication, authentication)?,
        make(Slot::Signature, signature)?,
        make(Slot::KeyManagement, key_management)?,
    ])
}

fn finish(reader: &str, [authentication, signature, key_management]: [PublicKey; 3]) -> Result<Prepared, CardError> {
    let mut card = PivCard::open(reader)?;
    let info = card.info()?;
    card.expect_no_factory_secrets()?;
    let evidence = card.evidence()?;
    let prepared = Prepared {
        info,
        authentication,
        signature,
        key_management,
        evidence,
    };
    for (slot, key) in prepared.keys() {
        if prepared.info.key(slot) != Some(key) {
            let found = prepared
                .info
                .key(slot)
                .map_or_else(|| "none".to_owned(), |key| key.to_string());
            return Err(CardError::WrongCard {
                expected: key.to_string(),
                found,
            });
        }
        let leaf = prepared.evidence.leaf(slot);
        if leaf.is_empty() {
            return Err(CardError::NoAttestation { slot });
        }
        same_card(leaf, prepared.info.serial.as_deref())?;
    }
    Ok(prepared)
}

/// A card that gives itself another serial number than its attestation does is not the card that it says. Below firmware 5 the
/// card has no GET SERIAL and a GUID stands in its place, which no attestation names.
fn same_card(leaf: &[u8], serial: Option<&str>) -> Result<(), CardError> {
    let Some(serial) = serial.filter(|serial| serial.parse::<u32>().is_ok()) else {
        return Ok(());
    };
    let attested = Facts::of(leaf).and_then(|facts| facts.serial);
    if attested.as_deref() == Some(serial) {
        return Ok(());
    }
    Err(CardError::WrongCard {
        expected: serial.to_owned(),
        found: attested.unwrap_or_else(|| "an attestation without serial number".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factory_secrets_and_nonsense_are_refused() {
        let good = PrepareSettings {
            puk: Zeroizing::new("73105529".to_owned()),
            management_key: Zeroizing::new([9; 24]),
            retries: (5, 3),
            overwrite: false,
        };
        assert_eq!(acceptable(&good), Ok(()));
        let bad = [
            PrepareSettings {
                puk: Zeroizing::new("12345678".to_owned()),
                ..good.clone()
            },
            PrepareSettings {
                puk: Zeroizing::new("123".to_owned()),
                ..good.clone()
            },
            PrepareSettings {
                management_key: Zeroizing::new(FACTORY_MANAGEMENT_KEY),
                ..good.clone()
            },
            PrepareSettings {
                retries: (0, 3),
                ..good.clone()
            },
            PrepareSettings {
                retries: (5, 16),
                ..good
            },
        ];
        for settings in bad {
            assert!(matches!(acceptable(&settings), Err(CardError::BadSettings { .. })));
        }
    }
}
