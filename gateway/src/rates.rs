//! How many requests in a second: from a network address before anything is verified, and of a session once its signature holds.

use crate::error::{Problem, Refusal};
use crate::quota::Payee;
use crate::settings::Limits;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use wardkey_core::http_signature::KeyName;

/// How many seconds' worth may come at once after a pause.
const BURST: u32 = 4;
/// Most that are counted apart; beyond them all new ones share one count, until the idle ones are forgotten.
const MOST: usize = 100_000;

/// Counts per key.
struct Rate<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<Option<K>>,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(per_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(FOUR));
        Self {
            limiter: RateLimiter::keyed(quota),
        }
    }

    fn take(&self, key: K) -> Result<(), Problem> {
        let room = self.limiter.len() < MOST;
        self.limiter.check_key(&room.then_some(key)).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            Problem::from(Refusal::RateLimited).after(wait)
        })
    }
}

/// [`BURST`] as the quota takes it.
const FOUR: NonZeroU32 = match NonZeroU32::new(BURST) {
    Some(burst) => burst,
    None => NonZeroU32::MIN,
};

/// The gateway's rates.
pub struct Rates {
    addresses: Rate<Payee>,
    signers: Rate<KeyName>,
}

impl Rates {
    /// With these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            addresses: Rate::new(limits.requests_per_address),
            signers: Rate::new(limits.requests_per_session),
        }
    }

    /// Counts a request from an address; of IPv6 the first 64 bits.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub fn address(&self, address: IpAddr) -> Result<(), Problem> {
        self.addresses.take(Payee::address(address))
    }

    /// Counts a request whose signature holds.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub fn signer(&self, signer: KeyName) -> Result<(), Problem> {
        self.signers.take(signer)
    }

    /// Forgets those who have been silent long enough to have their whole burst again.
    pub fn forget_idle(&self) {
        self.addresses.limiter.retain_recent();
        self.signers.limiter.retain_recent();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_burst_of_its_own_and_is_told_when_to_come_back() {
        let rate = Rate::new(NonZeroU32::MIN);
        for _ in 0..BURST {
            rate.take(1).unwrap();
        }
        let refused = rate.take(1).unwrap_err();
        assert_eq!(
            (refused.status.as_u16(), refused.code(), refused.retry_after),
            (429, "rate-limited", Some(1))
        );
        rate.take(2).unwrap();
    }

    #[test]
    fn counts_have_a_bound_and_the_idle_are_forgotten() {
        let rate = Rate::new(NonZeroU32::MAX);
        for n in 0..150_000 {
            let _perhaps_shared = rate.take(n);
        }
        assert!(rate.limiter.len() <= MOST + 1);
        rate.limiter.retain_recent();
        assert!(rate.limiter.len() < MOST, "at this rate all are idle at once");
    }
}
