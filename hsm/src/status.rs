//! What IT asks of a card: its secrets' tries, whether they are the factory's, its slots, and how far its preparation is.
//! Nothing here needs a PIN, and nothing is changed.

use crate::piv::inspect;
use crate::{CardError, PinPolicy, PivCard, Slot, TouchPolicy};
use serde::Serialize;
use wardkey_core::key::PublicKey;

/// A card as IT sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardStatus {
    /// The PC/SC reader's name.
    pub reader: String,
    /// Serial number, decimal (YubiKey), or the card's GUID in hex; `None` if the card has neither.
    pub serial: Option<String>,
    /// `major.minor.patch`, YubiKey only.
    pub firmware: Option<String>,
    /// The holder's PIN.
    pub pin: SecretStatus,
    /// The unblocking code, which IT holds.
    pub puk: SecretStatus,
    /// True if the management key is the factory's; `None` if the card does not tell.
    pub factory_management_key: Option<bool>,
    /// The three slots, in the order 9A, 9C, 9D.
    pub slots: Vec<SlotStatus>,
    /// True if the card holder unique identifier is there (SP 800-73-4 part 1 §3.1.2): other programs know the card by it.
    pub has_chuid: bool,
    /// True if the card capability container is there (SP 800-73-4 part 1 §3.1.1).
    pub has_ccc: bool,
    /// What all this amounts to.
    pub stage: CardStage,
}

/// PIN or PUK. `None` where the card does not tell (no GET METADATA, below firmware 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretStatus {
    /// True if it is the factory's, which everybody knows.
    pub factory: Option<bool>,
    /// Tries that a right entry brings back.
    pub tries: Option<u8>,
    /// Tries left, 0 = blocked.
    pub tries_left: Option<u8>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotStatus {
    /// Which.
    pub slot: Slot,
    /// True if a key is in it, or the card does not tell and a certificate is.
    pub filled: bool,
    /// Its P-256 public key; `None` if it is empty or holds a key of another kind.
    pub public_key: Option<PublicKey>,
    /// True if the key was made on the card.
    pub generated: Option<bool>,
    /// When the key asks for the PIN.
    pub pin_policy: Option<PinPolicy>,
    /// When the key wants to be touched.
    pub touch_policy: Option<TouchPolicy>,
    /// What the slot's certificate is about.
    pub certificate: CertificateStatus,
}

impl SlotStatus {
    /// True if the slot is as [`crate::prepare::prepare`] leaves it: made here, under the slot's policies, and described.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.public_key.is_some()
            && self.generated == Some(true)
            && self.pin_policy == Some(self.slot.pin_policy())
            && self.touch_policy == Some(TouchPolicy::Never)
            && self.certificate == CertificateStatus::OfTheKey
    }
}

/// The certificate in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CertificateStatus {
    /// There is none, or it cannot be read.
    Missing,
    /// It is about the slot's key.
    OfTheKey,
    /// It is about another key.
    OfAnotherKey,
}

/// How far a card is on its way from the factory to its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "camelCase")]
pub enum CardStage {
    /// As it left the factory.
    Factory,
    /// Its preparation was broken off; [`crate::prepare::prepare`] finishes it. Nobody has used it yet.
    HalfPrepared {
        /// What it lacks, in the order in which it would be done.
        missing: Vec<Missing>,
    },
    /// Prepared; its holder has not chosen a PIN yet, and until then every operation is refused.
    AwaitingPin,
    /// In its holder's hands.
    Ready,
    /// In its holder's hands, but the PIN is blocked; [`crate::unblock::unblock`] helps.
    PinBlocked,
    /// Neither the PIN nor the PUK opens it any more; only [`crate::reset::reset`] helps, which destroys its keys.
    Blocked,
    /// Somebody uses it for something else, or it was prepared by another program.
    Foreign,
    /// The card does not tell enough (no GET METADATA).
    Untold,
}

impl CardStage {
    /// What IT does now.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Factory => "Prepare it.",
            Self::HalfPrepared { .. } => "Prepare it again; what was finished stays.",
            Self::AwaitingPin => "Give it to its holder, who chooses a PIN.",
            Self::Ready => "Nothing is to be done.",
            Self::PinBlocked => "Unblock it; its holder chooses a new PIN.",
            Self::Blocked => "Revoke its keys if it has any, reset it, and prepare it anew.",
            Self::Foreign => "Use another card, or reset it if nobody needs its keys.",
            Self::Untold => "Try it; a card that does not tell its state has to be judged by its own tool.",
        }
    }
}

/// What a half-prepared card lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "missing", rename_all = "camelCase")]
pub enum Missing {
    /// The PUK is the factory's.
    Puk,
    /// The management key is the factory's.
    ManagementKey,
    /// The slot holds no key made for Wardkey.
    Key {
        /// Which.
        slot: Slot,
    },
    /// The slot's key is not described by its certificate.
    Certificate {
        /// Which.
        slot: Slot,
    },
    /// The card holder unique identifier.
    Chuid,
    /// The card capability container.
    Ccc,
}

/// Reads everything in one card transaction; a verified PIN stays verified.
///
/// # Errors
/// [`CardError::NoCard`], [`CardError::NotPiv`], [`CardError::Busy`], [`CardError::Pulled`], [`CardError::Protocol`].
pub fn status(reader: &str) -> Result<CardStatus, CardError> {
    let mut card = PivCard::open(reader)?;
    let mut status = card.selected(|line| inspect::status(line, reader))?;
    status.stage = stage(&status);
    Ok(status)
}

fn stage(card: &CardStatus) -> CardStage {
    let (pin, puk) = (card.pin, card.puk);
    let (Some(factory_pin), Some(factory_puk), Some(factory_key)) =
        (pin.factory, puk.factory, card.factory_management_key)
    else {
        return CardStage::Untold;
    };
    let filled = card.slots.iter().any(|slot| slot.filled);
    let missing = missing(card, factory_puk, factory_key);
    let usable = missing.iter().all(|one| matches!(one, Missing::Chuid | Missing::Ccc));
    if pin.tries_left == Some(0) {
        // Unblocking gives the card to a holder, and a half-prepared one is for nobody.
        return if puk.tries_left == Some(0) || (factory_pin && !usable) {
            CardStage::Blocked
        } else {
            CardStage::PinBlocked
        };
    }
    match (factory_pin, factory_key) {
        (true, true) if filled => CardStage::Foreign,
        (true, true) if factory_puk => CardStage::Factory,
        (true, _) if missing.is_empty() => CardStage::AwaitingPin,
        (true, _) => CardStage::HalfPrepared { missing },
        (false, _) if usable => CardStage::Ready,
        (false, _) => CardStage::Foreign,
    }
}

fn missing(card: &CardStatus, factory_puk: bool, factory_key: bool) -> Vec<Missing> {
    let slots = card.slots.iter().filter(|slot| !slot.is_finished()).map(|one| {
        let slot = one.slot;
        match one.certificate {
            CertificateStatus::Missing if one.filled => Missing::Certificate { slot },
            _ => Missing::Key { slot },
        }
    });
    let secrets = [(factory_puk, Missing::Puk), (factory_key, Missing::ManagementKey)];
    let objects = [(!card.has_chuid, Missing::Chuid), (!card.has_ccc, Missing::Ccc)];
    let lacking = |list: [(bool, Missing); 2]| list.into_iter().filter_map(|(lacks, what)| lacks.then_some(what));
    lacking(secrets).chain(slots).chain(lacking(objects)).collect()
}

#[cfg(test)]
mod tests;
