//! Whether a job's keys want to be touched: asked of the card before the job, so that the person is told in time.

use crate::card::Touch;
use std::collections::BTreeSet;
use wardkey_hsm::pinjob::{Operation, PinJob};
use wardkey_hsm::{CardError, PivCard, Slot, TouchPolicy};

/// Reads the policies of the slots that the job uses (GET METADATA).
///
/// # Errors
/// [`CardError::Pulled`], [`CardError::Protocol`].
pub fn wanted(card: &mut PivCard, job: &PinJob) -> Result<Touch, CardError> {
    let used: Vec<Slot> = job.operations.iter().map(slot).collect();
    let slots: BTreeSet<Slot> = used.iter().copied().collect();
    let mut known = Vec::new();
    for slot in slots {
        known.push((slot, card.touch_policy(slot)?));
    }
    Ok(count(&used, &known))
}

const fn slot(operation: &Operation) -> Slot {
    match operation {
        Operation::Sign { slot, .. } | Operation::Agree { slot, .. } | Operation::Generate { slot } => *slot,
    }
}

/// `Always` wants a finger for every operation; `Cached` once for all of a job, since a touch counts for 15 seconds.
fn count(used: &[Slot], known: &[(Slot, Option<TouchPolicy>)]) -> Touch {
    let policy = |slot: &Slot| {
        known
            .iter()
            .find(|(one, _)| one == slot)
            .and_then(|(_, policy)| *policy)
    };
    let with = |wanted| used.iter().filter(|slot| policy(slot) == Some(wanted)).count();
    let times = with(TouchPolicy::Always) + with(TouchPolicy::Cached).min(1);
    if times > 0 {
        Touch::Wanted(times)
    } else if used.iter().all(|slot| policy(slot).is_some()) {
        Touch::Never
    } else {
        Touch::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Slot::{Authentication as A, KeyManagement as D, Signature as C};

    #[test]
    fn touches_are_counted_before_the_operation() {
        let (always, cached, never) = (
            Some(TouchPolicy::Always),
            Some(TouchPolicy::Cached),
            Some(TouchPolicy::Never),
        );
        for (used, known, expected) in [
            (&[A, D][..], [(A, never), (D, never)], Touch::Never),
            (&[], [(A, always), (D, always)], Touch::Never),
            (&[A, D], [(A, always), (D, always)], Touch::Wanted(2)),
            (&[A, D, D], [(A, never), (D, cached)], Touch::Wanted(1)),
            (&[A, D, D], [(A, always), (D, cached)], Touch::Wanted(2)),
            (&[A, D], [(A, never), (D, None)], Touch::Unknown),
            (&[C, C, C], [(C, always), (A, None)], Touch::Wanted(3)),
        ] {
            assert_eq!(count(used, &known), expected, "{used:?} {known:?}");
        }
    }
}
