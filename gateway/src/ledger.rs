//! The chain as the gateway sees it: what was learned from it, for the permission rule, and when it was last heard from.

use crate::clock::Clock;
use crate::error::Refusal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use wardkey_chain::{Chain, ChainError, Follower, Head, Logged, Network, Projection};

/// Seconds between two comparisons with the contract.
const COMPARE: u64 = 3;
/// Comparisons in a row at the start, and before access opens again.
const SWEEP: usize = 32;

/// The newest block, and when the chain was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The newest block.
    pub head: Head,
    /// Seconds since 1970.
    pub at: u64,
}

/// When the chain counts as silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Seconds without news.
    pub silent_after: u64,
    /// Most seconds between two blocks; 0 for a chain that makes blocks only when there is something to do.
    pub block_time: u64,
}

/// A chain with what was learned from it.
pub struct Ledger {
    chain: Arc<dyn Chain>,
    projection: RwLock<Projection>,
    follower: Mutex<Follower>,
    heard: Mutex<Heard>,
    /// True from a replaced final block, or a difference from the contract, until the chain was read again.
    stopped: AtomicBool,
    compared: AtomicU64,
    clock: Clock,
    patience: Patience,
}

impl Ledger {
    /// Takes up what the file in the data folder knows, reads the rest from the chain, and compares with the contract.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn open(chain: Arc<dyn Chain>, clock: Clock, patience: Patience, file: &Path) -> Result<Self, ChainError> {
        let (follower, projection) = Follower::open(file, chain.as_ref())?;
        let head = chain.head()?;
        let ledger = Self {
            chain,
            projection: RwLock::new(projection),
            follower: Mutex::new(follower),
            heard: Mutex::new(Heard { head, at: 0 }),
            stopped: AtomicBool::new(true),
            compared: AtomicU64::new(0),
            clock,
            patience,
        };
        match ledger.look() {
            Err(ChainError::Reorganised(_) | ChainError::Diverged(_)) => ledger.look()?,
            other => other?,
        };
        Ok(ledger)
    }

    /// The chain itself; its calls block.
    #[must_use]
    pub fn chain(&self) -> &dyn Chain {
        self.chain.as_ref()
    }

    /// The deployment.
    #[must_use]
    pub fn network(&self) -> Network {
        self.chain.network()
    }

    /// The contract's state, as it counts, as of the last look.
    pub fn view(&self) -> RwLockReadGuard<'_, Projection> {
        self.projection.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the chain was last heard.
    pub fn heard(&self) -> Heard {
        *lock(&self.heard)
    }

    /// Whether nothing is permitted until the chain was read again.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Looks at the chain and takes over what is new; gives what counts from now on, oldest first. Blocks.
    ///
    /// # Errors
    /// [`ChainError`]; the chain then counts as not heard. After [`ChainError::Reorganised`] and [`ChainError::Diverged`]
    /// nothing is permitted, and the next look reads the whole chain again.
    pub fn look(&self) -> Result<Vec<Logged>, ChainError> {
        let mut follower = lock(&self.follower);
        let at = self.clock.now();
        let (head, news) = match follower.look(self.chain.as_ref(), &self.projection) {
            Err(error @ ChainError::Reorganised(_)) => return Err(self.stop(&mut follower, error)),
            other => other?,
        };
        if self.stopped() {
            for _ in 0..SWEEP {
                self.compare(&mut follower)?;
            }
            self.stopped.store(false, Ordering::SeqCst);
        }
        // A node that answers but stands still is not heard: its newest block grows old.
        let at = match self.patience.block_time {
            0 => at,
            block_time => at.min(head.time.saturating_add(block_time)),
        };
        *lock(&self.heard) = Heard { head, at };
        Ok(news)
    }

    /// Looks after actions on their way, and compares with the contract, every few seconds. Blocks.
    pub fn mind(&self) {
        let now = self.clock.now();
        if now.saturating_sub(self.compared.swap(now, Ordering::Relaxed)) < COMPARE {
            return;
        }
        if let Err(error) = self.chain.tend() {
            tracing::warn!(%error, "actions on their way could not be looked after");
        }
        if let Err(error) = self.sample() {
            tracing::warn!(%error, "the chain could not be compared with what was learned from it");
        }
    }

    /// Compares what was learned with the contract's answers at random places. Blocks.
    ///
    /// # Errors
    /// [`ChainError::Diverged`]: from then on nothing is permitted until the whole chain was read again and agrees.
    pub fn sample(&self) -> Result<(), ChainError> {
        self.compare(&mut lock(&self.follower))
    }

    fn compare(&self, follower: &mut Follower) -> Result<(), ChainError> {
        let random = || crate::random::bytes().map_or(0, u64::from_be_bytes);
        match follower.sample(self.chain.as_ref(), &self.projection, random) {
            Err(error @ ChainError::Diverged(_)) => Err(self.stop(follower, error)),
            // A block came in between: the next comparison will do.
            Err(ChainError::Moved) => Ok(()),
            other => other,
        }
    }

    fn stop(&self, follower: &mut Follower, error: ChainError) -> ChainError {
        self.stopped.store(true, Ordering::SeqCst);
        tracing::error!(%error, "nothing is permitted until the whole chain was read again");
        match follower.forget(&self.projection) {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }

    /// Whether the chain was heard recently enough, and is understood well enough, to permit anything.
    ///
    /// # Errors
    /// [`Refusal::ChainStopped`], [`Refusal::ChainSilent`].
    pub fn must_be_heard(&self) -> Result<(), Refusal> {
        if self.stopped() {
            Err(Refusal::ChainStopped)
        } else if self.clock.now().saturating_sub(self.heard().at) > self.patience.silent_after {
            Err(Refusal::ChainSilent)
        } else {
            Ok(())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
