//! Everything that can go wrong between a person, a reader and a card; each case with what to do now.

use crate::Slot;
use crate::store::StoreFault;
use wardkey_core::fault::Coded;

/// A failed card operation. Whatever the case, nothing was signed unless a signature was returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// pcscd (or the Windows smart card service) does not answer.
    #[error("the smart card service is not running")]
    ServiceDown,
    /// The service refuses this user (polkit).
    #[error("this user may not use the smart card service")]
    ServiceDenied,
    /// No reader of that name, or no reader at all.
    #[error("no card reader was found")]
    NoReader,
    /// The reader is empty.
    #[error("there is no card in the reader")]
    NoCard,
    /// The card does not answer to power-up.
    #[error("the card does not answer")]
    Unresponsive,
    /// The card has no PIV application.
    #[error("the card has no PIV application")]
    NotPiv,
    /// It is a PIV card, but preparing needs a YubiKey of firmware 4 or 5.
    #[error("the card is no YubiKey")]
    NotYubiKey,
    /// Another program uses the card alone.
    #[error("the card is held by another program{}", named(.by))]
    Busy {
        /// Names of the programs that use the card service, where they can be found out.
        by: Vec<String>,
    },
    /// Another card than the one expected.
    #[error("this is another card: expected {expected}, found {found}")]
    WrongCard {
        /// Serial number or key expected.
        expected: String,
        /// Serial number or key found.
        found: String,
    },
    /// The PIN is wrong.
    #[error("wrong PIN; {tries_left} tries left")]
    WrongPin {
        /// Tries before the PIN is blocked.
        tries_left: u8,
    },
    /// The PIN is blocked.
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The unblocking code is wrong.
    #[error("wrong unblocking code; {tries_left} tries left")]
    WrongPuk {
        /// Tries before the code is blocked.
        tries_left: u8,
    },
    /// The unblocking code is blocked too.
    #[error("the unblocking code is blocked")]
    PukBlocked,
    /// The factory PIN is still set, or was chosen.
    #[error("the card still has the factory PIN")]
    PinDefault,
    /// The holder chose a PIN before; preparing wants the factory's.
    #[error("the card does not have the factory PIN, so somebody uses it already")]
    PinNotFactory,
    /// Not 6 to 8 bytes.
    #[error("a PIN has 6 to 8 characters")]
    PinMalformed,
    /// The new PIN is refused as too easily guessed.
    #[error("the new PIN is too simple")]
    PinTooSimple,
    /// The card wants the PIN before this operation.
    #[error("the card asks for the PIN")]
    PinRequired,
    /// The card waited for a touch that did not come.
    #[error("the card was not touched in time")]
    TouchMissing,
    /// No key in the slot.
    #[error("slot {slot} holds no key")]
    SlotEmpty {
        /// Which.
        slot: Slot,
    },
    /// A key or certificate is there already.
    #[error("slot {slot} is in use")]
    SlotFilled {
        /// Which.
        slot: Slot,
    },
    /// Not a P-256 key.
    #[error("the key in slot {slot} is not of the P-256 kind")]
    SlotUnsupported {
        /// Which.
        slot: Slot,
    },
    /// The card went away during the operation.
    #[error("the card was pulled before it had finished; nothing was signed")]
    Pulled,
    /// The management key is neither the factory's nor ours.
    #[error("the card refuses the management key")]
    ManagementKeyRefused,
    /// PUK or management key given for preparing are malformed or the factory's.
    #[error("the new PUK or management key is not usable: {reason}")]
    BadSettings {
        /// Why.
        reason: &'static str,
    },
    /// The card cannot prove where its keys were made.
    #[error("the card gives no attestation for slot {slot}")]
    NoAttestation {
        /// Which.
        slot: Slot,
    },
    /// The card answered against the standard.
    #[error("the card answered {step} with {detail}")]
    Protocol {
        /// Which command.
        step: &'static str,
        /// Status word in hex, or what was wrong with the data. Never secret.
        detail: String,
    },
    /// The service reported something else.
    #[error("the smart card service failed: {detail}")]
    Service {
        /// Its words.
        detail: String,
    },
    /// The job from the workstation cannot be carried out as written.
    #[error("the request to the PIN window is malformed: {reason}")]
    BadJob {
        /// Why.
        reason: &'static str,
    },
    /// The holder closed the PIN window.
    #[error("the PIN was not given")]
    Cancelled,
    /// Of a store that is no card.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

fn named(by: &[String]) -> String {
    if by.is_empty() {
        String::new()
    } else {
        format!(": {}", by.join(", "))
    }
}

impl CardError {
    /// Tries left, where the error is about a PIN. A blocked PIN has none.
    #[must_use]
    pub const fn tries_left(&self) -> Option<u8> {
        match self {
            Self::WrongPin { tries_left } => Some(*tries_left),
            Self::PinBlocked => Some(0),
            Self::Store(fault) => fault.tries_left(),
            _ => None,
        }
    }
}

impl Coded for CardError {
    fn code(&self) -> &'static str {
        match self {
            Self::ServiceDown => "card-service-down",
            Self::ServiceDenied => "card-service-denied",
            Self::NoReader => "card-no-reader",
            Self::NoCard => "card-absent",
            Self::Unresponsive => "card-unresponsive",
            Self::NotPiv => "card-not-piv",
            Self::NotYubiKey => "card-not-yubikey",
            Self::Busy { .. } => "card-busy",
            Self::WrongCard { .. } => "card-wrong",
            Self::WrongPin { .. } => "pin-wrong",
            Self::PinBlocked => "pin-blocked",
            Self::WrongPuk { .. } => "puk-wrong",
            Self::PukBlocked => "puk-blocked",
            Self::PinDefault => "pin-default",
            Self::PinNotFactory => "pin-not-factory",
            Self::PinMalformed => "pin-malformed",
            Self::PinTooSimple => "pin-too-simple",
            Self::PinRequired => "pin-required",
            Self::TouchMissing => "card-touch-missing",
            Self::SlotEmpty { .. } => "slot-empty",
            Self::SlotFilled { .. } => "slot-filled",
            Self::SlotUnsupported { .. } => "slot-unsupported",
            Self::Pulled => "card-pulled",
            Self::ManagementKeyRefused => "management-key-refused",
            Self::BadSettings { .. } => "card-settings-bad",
            Self::NoAttestation { .. } => "attestation-missing",
            Self::Protocol { .. } => "card-protocol",
            Self::Service { .. } => "card-service-failed",
            Self::BadJob { .. } => "pin-job-bad",
            Self::Cancelled => "pin-cancelled",
            Self::Store(fault) => fault.code(),
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::ServiceDown => "Tell IT that the smart card service (pcscd) must be started on this workstation.",
            Self::ServiceDenied => "Tell IT to install the access rule for the smart card service (config/cards).",
            Self::NoReader => "Plug in the card reader or the YubiKey.",
            Self::NoCard => "Insert your card.",
            Self::Unresponsive => "Pull the card, clean its contacts, insert it the right way round.",
            Self::NotPiv => "Insert the card that IT prepared for you.",
            Self::NotYubiKey => {
                "Insert a YubiKey of firmware 4.3 or later; other cards are prepared with their maker's tool."
            }
            Self::Busy { .. } => "Close the named program or wait until it has finished, then try again.",
            Self::WrongCard { .. } => "Insert the card that you signed in with, or sign out first.",
            Self::WrongPin { .. } => "Type the PIN again; ask IT before the last try.",
            Self::PinBlocked => "Ask IT to unblock the card; IT holds its unblocking code.",
            Self::WrongPuk { .. } => "Check the card's serial number and look its unblocking code up again.",
            Self::PukBlocked => "The card must be reset and prepared anew; revoke its keys first.",
            Self::PinDefault => "Choose an own PIN first.",
            Self::PinNotFactory => "Use a new card, or reset its PIV application first; that destroys its keys.",
            Self::PinMalformed => "Type 6 to 8 characters.",
            Self::PinTooSimple => "Choose a PIN that is neither one character repeated nor a run like 234567.",
            Self::PinRequired => "Type the PIN.",
            Self::TouchMissing => "Try again and touch the card when it blinks.",
            Self::SlotEmpty { .. } => "Ask IT to prepare this card.",
            Self::SlotFilled { .. } => "Use another card, or say explicitly that its keys may be destroyed.",
            Self::SlotUnsupported { .. } => "Ask IT to prepare this card with P-256 keys.",
            Self::Pulled => "Insert the card again and repeat the step.",
            Self::ManagementKeyRefused => "Use the management key under which this card was prepared, or a new card.",
            Self::BadSettings { .. } => {
                "Give a PUK of 8 characters and a management key of 24 bytes, neither the factory's."
            }
            Self::NoAttestation { .. } => {
                "Use a YubiKey of firmware 4.3 or later with its attestation certificate in place."
            }
            Self::Protocol { .. } => "Insert the card again; if it happens again, tell IT the words above.",
            Self::Service { .. } => "Pull the card, insert it again; if it happens again, tell IT the words above.",
            Self::BadJob { .. } => "Restart the workstation program; if it happens again, tell IT.",
            Self::Cancelled => "Begin again when you are ready.",
            Self::Store(fault) => fault.action(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all() -> Vec<CardError> {
        use CardError as E;
        let slot = Slot::Signature;
        vec![
            E::ServiceDown,
            E::ServiceDenied,
            E::NoReader,
            E::NoCard,
            E::Unresponsive,
            E::NotPiv,
            E::NotYubiKey,
            E::Busy {
                by: vec!["ykman".to_owned()],
            },
            E::WrongCard {
                expected: "1".to_owned(),
                found: "2".to_owned(),
            },
            E::WrongPin { tries_left: 2 },
            E::PinBlocked,
            E::WrongPuk { tries_left: 2 },
            E::PukBlocked,
            E::PinDefault,
            E::PinNotFactory,
            E::PinMalformed,
            E::PinTooSimple,
            E::PinRequired,
            E::TouchMissing,
            E::SlotEmpty { slot },
            E::SlotFilled { slot },
            E::SlotUnsupported { slot },
            E::Pulled,
            E::ManagementKeyRefused,
            E::BadSettings { reason: "…" },
            E::NoAttestation { slot },
            E::Protocol {
                step: "VERIFY",
                detail: "status 6F00".to_owned(),
            },
            E::Service {
                detail: "…".to_owned()
            },
            E::BadJob { reason: "…" },
            E::Cancelled,
        ]
    }

    #[test]
    fn every_code_is_unique_and_in_the_documentation() {
        let table = include_str!("../../docs/errors.md");
        let codes: BTreeSet<_> = all().iter().map(Coded::code).collect();
        assert_eq!(codes.len(), all().len());
        let missing: Vec<_> = codes
            .iter()
            .filter(|code| !table.contains(&format!("| `{code}` |")))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        let section = table
            .split("## Cards")
            .nth(1)
            .and_then(|rest| rest.split("\n## ").next())
            .unwrap_or_default();
        let rows = section.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(
            rows,
            codes.len() + 1,
            "every row is a code of CardError, or attestation-roots-unreadable"
        );
    }

    #[test]
    fn every_error_says_what_to_do() {
        for error in all() {
            assert!(
                error.action().ends_with('.') && !error.to_string().ends_with('.'),
                "{error:?}"
            );
        }
        let busy = CardError::Busy {
            by: vec!["ykman".to_owned(), "gpg".to_owned()],
        };
        assert_eq!(busy.to_string(), "the card is held by another program: ykman, gpg");
    }
}
