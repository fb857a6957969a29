//! The real card or key store: `wardkey_hsm`'s job on the reader or store that the job names.

use crate::card::{Card, CardFacts, Outcome, Touch};
use crate::entry::PinEntry;
use crate::fault::PinpadError;
use crate::touch;
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_hsm::pinjob::{self, PinAnswer, PinFault, PinJob, PinJobKind};
use wardkey_hsm::store::{self, StoreFault, StoreKind};
use wardkey_hsm::{CardError, KeyUri, Pin, PivCard};

/// A job's card.
#[derive(Debug)]
pub struct HsmCard {
    job: PinJob,
}

impl HsmCard {
    /// The card in the job's reader.
    #[must_use]
    pub const fn new(job: PinJob) -> Self {
        Self { job }
    }

    fn facts(&self) -> Result<CardFacts, CardError> {
        match &self.job.store {
            Some(uri) => store_facts(uri),
            None => self.card_facts(),
        }
    }

    fn card_facts(&self) -> Result<CardFacts, CardError> {
        // Without SELECT where possible: a session that renews itself on a verified PIN must survive a cancelled window.
        let mut card = PivCard::attach(&self.job.reader)?;
        if let Some(expected) = &self.job.serial {
            card.expect_serial(expected)?;
        }
        let info = card.info()?;
        if info.tries_left == Some(0) && self.job.puk.is_none() {
            return Err(CardError::PinBlocked);
        }
        if info.default_pin && self.job.kind == PinJobKind::Use {
            return Err(CardError::PinDefault);
        }
        Ok(CardFacts {
            serial: info.serial,
            tries_left: info.tries_left,
            touch: touch::wanted(&mut card, &self.job)?,
            reader_pad: card.has_reader_pad(),
        })
    }

    fn with(&self, digits: &PinEntry, act: fn(&PinJob, &Pin) -> PinAnswer) -> Outcome {
        match Pin::new(digits.digits()) {
            Ok(pin) => outcome(&act(&self.job, &pin)),
            Err(error) => Outcome::Stopped(error.fault()),
        }
    }
}

impl Card for HsmCard {
    fn look(&mut self) -> Result<CardFacts, Fault> {
        self.facts().map_err(|error| error.fault())
    }

    fn use_pin(&mut self, pin: PinEntry) -> Outcome {
        unrefused(self.with(&pin, pinjob::run))
    }

    fn use_reader(&mut self) -> Outcome {
        unrefused(outcome(&pinjob::run_on_reader(&self.job)))
    }

    fn choose(&mut self, new: PinEntry) -> Outcome {
        match self.with(&new, pinjob::choose) {
            // The card has another PIN than the factory's: typing the new one again costs a try each time.
            Outcome::WrongPin { .. } => Outcome::Stopped(CardError::PinNotFactory.fault()),
            other => other,
        }
    }
}

/// Only `choose` can be answered with another PIN of the holder's making.
fn unrefused(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused(fault) => Outcome::Stopped(fault),
        other => other,
    }
}

/// Of a key store that is no card: it has no serial number that a person could compare.
fn store_facts(uri: &KeyUri) -> Result<CardFacts, CardError> {
    let info = store::open(uri)?.info()?;
    match (info.tries_left, info.capabilities.kind) {
        (Some(0), StoreKind::Pkcs11) => Err(StoreFault::PinLocked.into()),
        (Some(0), StoreKind::Soft) => Err(StoreFault::SoftLocked.into()),
        (Some(0), StoreKind::Piv | StoreKind::YubiKey) => Err(CardError::PinBlocked),
        (tries_left, _) => Ok(CardFacts {
            serial: None,
            tries_left,
            touch: Touch::Never,
            reader_pad: false,
        }),
    }
}

fn outcome(answer: &PinAnswer) -> Outcome {
    match answer {
        PinAnswer::Ok(_) => answer
            .to_line()
            .map_or_else(|_| Outcome::Stopped(PinpadError::Failed.fault()), Outcome::Done),
        PinAnswer::Error(fault) => failure(fault),
    }
}

fn failure(fault: &PinFault) -> Outcome {
    let plain = Fault::new(&fault.code, &fault.message, &fault.action);
    let is = |error: CardError| fault.code == error.code();
    if is(CardError::WrongPin { tries_left: 0 }) && fault.tries_left != Some(0) {
        Outcome::WrongPin {
            tries_left: fault.tries_left,
        }
    } else if is(CardError::PinTooSimple) {
        Outcome::Refused(plain)
    } else {
        Outcome::Stopped(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(error: CardError) -> Outcome {
        outcome(&PinAnswer::from(Err(error)))
    }

    #[test]
    fn a_wrong_pin_may_be_typed_again_a_blocked_one_not() {
        assert!(matches!(
            after(CardError::WrongPin { tries_left: 2 }),
            Outcome::WrongPin { tries_left: Some(2) }
        ));
        assert!(matches!(after(CardError::PinBlocked), Outcome::Stopped(fault) if fault.code == "pin-blocked"));
        // An HSM often does not tell how many tries are left.
        assert!(matches!(
            after(StoreFault::PinWrong { few: false }.into()),
            Outcome::WrongPin { tries_left: None }
        ));
        assert!(matches!(after(StoreFault::PinLocked.into()), Outcome::Stopped(fault) if fault.code == "pin-blocked"));
        assert!(matches!(after(CardError::PinTooSimple), Outcome::Refused(_)));
        assert!(matches!(after(CardError::Pulled), Outcome::Stopped(fault) if fault.code == "card-pulled"));
    }

    #[test]
    fn success_is_one_line() {
        assert!(matches!(outcome(&PinAnswer::Ok(Vec::new())), Outcome::Done(line) if *line == r#"{"ok":[]}"#));
    }
}
