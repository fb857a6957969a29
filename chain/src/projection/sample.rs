//! Comparing what was learned from events with what the contract answers, at random places.

use super::{Follower, Projection, file};
use crate::error::ChainError;
use crate::ledger::{Chain, Head, When};
use crate::mirror::name_of;
use crate::query;
use std::sync::{PoisonError, RwLock};
use wardkey_core::id::Commitment;

impl Follower {
    /// Compares one random institution, device, grant and gateway, and the checkpoint, at the newest final block.
    ///
    /// # Errors
    /// [`ChainError::Diverged`] with the first difference; [`ChainError::Moved`] if the chain has gone on meanwhile.
    pub fn sample(
        &self,
        chain: &dyn Chain,
        projection: &RwLock<Projection>,
        mut random: impl FnMut() -> u64,
    ) -> Result<(), ChainError> {
        let Some(place) = projection.read().unwrap_or_else(PoisonError::into_inner).place else {
            return Ok(());
        };
        let when = When::Block(place);
        accounts(chain, projection, when, &mut random)?;
        self.grant(chain, projection, when, random())?;
        still(projection, place)
    }

    fn grant(
        &self,
        chain: &dyn Chain,
        projection: &RwLock<Projection>,
        when: When,
        random: u64,
    ) -> Result<(), ChainError> {
        let Some((commitment, key)) = file::any_grant(&self.file, random)? else {
            return Ok(());
        };
        let mut point = ([0; 32], [0; 32]);
        point.0.copy_from_slice(key.get(1..33).unwrap_or(&[0; 32]));
        point.1.copy_from_slice(key.get(33..).unwrap_or(&[0; 32]));
        let answer = query::grant_of(chain, &Commitment(commitment), point, when)?;
        let known = projection.read().unwrap_or_else(PoisonError::into_inner);
        equal(
            "a grant",
            &known.settled.grant_named(&name_of(&commitment, &key)),
            &answer,
        )
    }
}

fn still(projection: &RwLock<Projection>, place: Head) -> Result<(), ChainError> {
    let known = projection.read().unwrap_or_else(PoisonError::into_inner);
    if known.place == Some(place) {
        Ok(())
    } else {
        Err(ChainError::Moved)
    }
}

fn accounts(
    chain: &dyn Chain,
    projection: &RwLock<Projection>,
    when: When,
    random: &mut impl FnMut() -> u64,
) -> Result<(), ChainError> {
    let (institution, device, gateway, checkpoint) = {
        let known = projection.read().unwrap_or_else(PoisonError::into_inner);
        let settled = &known.settled;
        (
            settled.any_institution(random()).cloned(),
            settled.any_device(random()).copied(),
            settled.any_gateway(random()).copied(),
            settled.checkpoint(),
        )
    };
    if let Some(known) = institution {
        equal(
            "an institution",
            &Some(&known),
            &query::institution(chain, &known.id, when)?.as_ref(),
        )?;
    }
    if let Some(known) = device {
        equal("a device", &Some(known), &query::device(chain, &known.id, when)?)?;
    }
    if let Some(known) = gateway {
        equal("a gateway", &true, &query::is_gateway(chain, &known, when)?)?;
    }
    equal("the checkpoint", &checkpoint, &query::checkpoint(chain, when)?)
}

fn equal<T: PartialEq>(what: &str, known: &T, answer: &T) -> Result<(), ChainError> {
    if known == answer {
        Ok(())
    } else {
        Err(ChainError::Diverged(what.to_owned()))
    }
}
