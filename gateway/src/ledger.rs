//! The chain as the gateway sees it: a mirror in memory for the permission rule, and when it was last heard from.

use crate::clock::Clock;
use crate::error::Refusal;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use wardkey_chain::{Chain, ChainError, Head, Logged, Mirror, Network};

/// The newest block, and when the chain was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The newest block.
    pub head: Head,
    /// Seconds since 1970.
    pub at: u64,
}

/// A chain with its mirror.
pub struct Ledger {
    chain: Arc<dyn Chain>,
    mirror: RwLock<Mirror>,
    heard: Mutex<Heard>,
    looking: Mutex<()>,
    clock: Clock,
    silent_after: u64,
}

impl Ledger {
    /// Reads the chain's whole history.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn open(chain: Arc<dyn Chain>, clock: Clock, silent_after: u64) -> Result<Self, ChainError> {
        let mirror = RwLock::new(Mirror::load(chain.as_ref())?);
        let heard = Mutex::new(Heard {
            head: chain.head()?,
            at: clock.now(),
        });
        Ok(Self {
            chain,
            mirror,
            heard,
            looking: Mutex::default(),
            clock,
            silent_after,
        })
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

    /// The contract's state as of the last look.
    pub fn view(&self) -> RwLockReadGuard<'_, Mirror> {
        self.mirror.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the chain was last heard.
    pub fn heard(&self) -> Heard {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the chain and takes over what is new; gives it, oldest first. Blocks.
    ///
    /// # Errors
    /// [`ChainError`]; the chain then counts as not heard.
    pub fn look(&self) -> Result<Vec<Logged>, ChainError> {
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.clock.now();
        let head = self.chain.head()?;
        let known = self.view().block();
        let news = if head.number > known {
            self.chain.events_since(known)?
        } else {
            Vec::new()
        };
        if !news.is_empty() {
            let mut mirror = self.mirror.write().unwrap_or_else(PoisonError::into_inner);
            news.iter().for_each(|logged| mirror.apply(logged));
        }
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Heard { head, at };
        Ok(news)
    }

    /// Whether the chain was heard recently enough to permit anything.
    ///
    /// # Errors
    /// [`Refusal::ChainSilent`].
    pub fn must_be_heard(&self) -> Result<(), Refusal> {
        if self.clock.now().saturating_sub(self.heard().at) > self.silent_after {
            Err(Refusal::ChainSilent)
        } else {
            Ok(())
        }
    }
}
