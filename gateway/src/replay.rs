//! Nonces that were seen: a signed request counts once.

use crate::error::Refusal;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use wardkey_core::key::sha256;

/// How far `created` may be from now, seconds.
pub const WINDOW: u64 = 60;

/// Two generations of nonces, in memory. A request older than the gateway's start is refused, so a restart forgets nothing that counts.
#[derive(Debug)]
pub struct Replay {
    started: u64,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    turned: u64,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Replay {
    /// Starts at `now`.
    #[must_use]
    pub fn starting(now: u64) -> Self {
        Self {
            started: now,
            generations: Mutex::new(Generations {
                turned: now,
                ..Generations::default()
            }),
        }
    }

    /// Whether `created` is near now and not before the start.
    ///
    /// # Errors
    /// [`Refusal::BeforeStart`], [`Refusal::ClockOff`].
    pub fn check_time(&self, created: u64, now: u64) -> Result<(), Refusal> {
        if created.abs_diff(now) > WINDOW {
            return Err(Refusal::ClockOff);
        }
        if created < self.started {
            Err(Refusal::BeforeStart)
        } else {
            Ok(())
        }
    }

    /// Uses up a nonce. Call it when the signature holds.
    ///
    /// # Errors
    /// [`Refusal::Replayed`].
    pub fn take(&self, key: &str, nonce: &str, now: u64) -> Result<(), Refusal> {
        let name = sha256(&[key.as_bytes(), b"\n", nonce.as_bytes()]);
        let mut g = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        // A nonce must be kept as long as its `created` may pass: from WINDOW before now to WINDOW after.
        if now.saturating_sub(g.turned) > 2 * WINDOW {
            g.old = std::mem::take(&mut g.young);
            g.turned = now;
        }
        if g.old.contains(&name) || !g.young.insert(name) {
            Err(Refusal::Replayed)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_once_for_as_long_as_it_could_be_replayed() {
        let replay = Replay::starting(1000);
        replay.take("k", "n", 1000).unwrap();
        for now in [1000, 1060, 1120, 1121] {
            assert_eq!(replay.take("k", "n", now), Err(Refusal::Replayed), "{now}");
        }
        replay.take("other", "n", 1121).unwrap();
    }

    #[test]
    fn time_is_near_now_and_after_the_start() {
        let replay = Replay::starting(1000);
        assert_eq!(replay.check_time(999, 1000), Err(Refusal::BeforeStart));
        assert_eq!(replay.check_time(1000, 1061), Err(Refusal::ClockOff));
        assert_eq!(replay.check_time(1100, 1039), Err(Refusal::ClockOff));
        replay.check_time(1000, 1060).unwrap();
    }
}
