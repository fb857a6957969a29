//! Following a chain block by block.

use super::{Projection, file};
use crate::error::ChainError;
use crate::event::Logged;
use crate::ledger::{Block, Chain, Head};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// Most blocks of one step.
const STEP: u64 = 256;

/// Keeps a projection and its file with a chain.
pub struct Follower {
    pub(super) file: Connection,
}

impl Follower {
    /// Opens the file and what it knows. A file of another network, or one that cannot be understood, is made anew.
    ///
    /// # Errors
    /// [`ChainError::Storage`].
    pub fn open(path: &Path, chain: &dyn Chain) -> Result<(Self, Projection), ChainError> {
        let file = file::open(path)?;
        let known = match file::load(&file, &chain.network()) {
            Err(ChainError::Corrupt(reason)) => {
                tracing::error!(reason, "the projection's file is damaged; the chain is read again");
                None
            }
            other => other?,
        };
        let mut projection = Projection::default();
        match known {
            Some((settled, place)) => (projection.settled, projection.place) = (settled, Some(place)),
            None => file::clear(&file)?,
        }
        Ok((Self { file }, projection))
    }

    /// Takes over what is new up to the newest block; gives that block and what counts from now on, oldest first. The lock is
    /// held for the time of taking over only, not for that of asking the chain.
    ///
    /// # Errors
    /// [`ChainError::Reorganised`] if a final block was replaced: then nothing that is known counts, and [`Self::forget`] is
    /// next. Others when the chain cannot be read.
    pub fn look(
        &mut self,
        chain: &dyn Chain,
        projection: &RwLock<Projection>,
    ) -> Result<(Head, Vec<Logged>), ChainError> {
        let head = chain.head()?;
        let last_final = chain.finalized(&head)?.min(head.number);
        let mut news = Vec::new();
        loop {
            let blocks = self.fetch(chain, projection, &head, last_final)?;
            let done = blocks.last().is_none_or(|block| block.head.number >= head.number);
            let mut known = projection.write().unwrap_or_else(PoisonError::into_inner);
            news.extend(known.extend(blocks)?);
            let (settled, more) = known.settle(last_final)?;
            known.cover()?;
            drop(known);
            news.extend(more);
            file::add(&mut self.file, &chain.network(), &settled)?;
            if done {
                return Ok((head, news));
            }
        }
    }

    /// Forgets everything, so that the next look reads the whole chain again.
    ///
    /// # Errors
    /// [`ChainError::Storage`].
    pub fn forget(&mut self, projection: &RwLock<Projection>) -> Result<(), ChainError> {
        file::clear(&self.file)?;
        *projection.write().unwrap_or_else(PoisonError::into_inner) = Projection::default();
        Ok(())
    }

    /// The next blocks; drops those that the chain has replaced.
    fn fetch(
        &self,
        chain: &dyn Chain,
        projection: &RwLock<Projection>,
        head: &Head,
        last_final: u64,
    ) -> Result<Vec<Block>, ChainError> {
        loop {
            let (newest, place) = {
                let known = projection.read().unwrap_or_else(PoisonError::into_inner);
                (known.newest(), known.place)
            };
            let Some(newest) = newest else {
                return next(chain, chain.first(), head);
            };
            if newest.number < head.number {
                let blocks = next(chain, newest.number + 1, head)?;
                if blocks.first().is_none_or(|first| first.parent == newest.hash) {
                    return Ok(blocks);
                }
            } else if newest == *head {
                return Ok(Vec::new());
            }
            // The newest block that is known is not the chain's, or the chain is shorter.
            if place == Some(newest) {
                return replaced(chain, &newest, head, last_final);
            }
            tracing::warn!(block = newest.number, "the chain replaced a block");
            let mut known = projection.write().unwrap_or_else(PoisonError::into_inner);
            known.recent.pop();
            known.cover()?;
        }
    }
}

/// A final block is not, or no longer, on the chain as it is now.
fn replaced(chain: &dyn Chain, place: &Head, head: &Head, last_final: u64) -> Result<Vec<Block>, ChainError> {
    if head.number < place.number && !chain.own() {
        return Err(ChainError::Behind);
    }
    tracing::error!(
        block = place.number,
        last_final,
        "the chain replaced a block that counted as final; nothing is permitted until the chain is read again"
    );
    Err(ChainError::Reorganised(place.number))
}

fn next(chain: &dyn Chain, first: u64, head: &Head) -> Result<Vec<Block>, ChainError> {
    if first > head.number {
        return Ok(Vec::new());
    }
    chain.blocks(first, head.number.min(first + STEP - 1))
}
