//! Nonces that were seen: a signed request counts once.

use crate::error::Refusal;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use wardkey_core::id::Digest;
use wardkey_core::key::sha256;

/// How far `created` may be from now, seconds.
pub const WINDOW: u64 = 60;

/// For one gateway alone: two generations of nonces, in memory, and on disk the newest `created` of an accepted request. After a start a request is
/// refused that was created before it, or not after that newest one, which may lie ahead of it: so a restart forgets nothing
/// that counts.
#[derive(Debug)]
pub struct Replay {
    started: u64,
    before: u64,
    newest: Mutex<Newest>,
    generations: Mutex<Generations>,
}

#[derive(Debug)]
struct Newest {
    created: u64,
    file: Option<File>,
}

#[derive(Debug, Default)]
struct Generations {
    turned: u64,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Replay {
    /// Starts at `now`, after a run that left its newest request's time in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn open(path: &Path, now: u64) -> std::io::Result<Self> {
        let mut file = File::options().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let before = bytes.try_into().map_or(0, u64::from_be_bytes);
        Ok(Self::starting(now, before, Some(file)))
    }

    fn starting(started: u64, before: u64, file: Option<File>) -> Self {
        let created = before;
        Self {
            started,
            before,
            newest: Mutex::new(Newest { created, file }),
            generations: Mutex::new(Generations {
                turned: started,
                ..Generations::default()
            }),
        }
    }

    /// For gateways that share a database: nonces are in the store, which forgets none that counts.
    #[must_use]
    pub fn in_store() -> Self {
        Self::starting(0, 0, None)
    }

    /// What a nonce is remembered by.
    #[must_use]
    pub fn name(key: &str, nonce: &str) -> Digest {
        Digest(sha256(&[key.as_bytes(), b"\n", nonce.as_bytes()]))
    }

    /// Whether nearly every request would be refused at `now`, because the run before took one that is not older.
    #[must_use]
    pub const fn must_wait(&self, now: u64) -> bool {
        now <= self.before
    }

    /// Whether [`Replay::remember`] has something to write.
    #[must_use]
    pub fn is_newest(&self, created: u64) -> bool {
        created > self.newest.lock().unwrap_or_else(PoisonError::into_inner).created
    }

    /// Writes down the newest `created`, at most once a second; call it when the signature holds and before the request counts.
    /// Blocks.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&self, created: u64) -> std::io::Result<()> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if created > newest.created {
            if let Some(file) = &newest.file {
                file.write_all_at(&created.to_be_bytes(), 0)?;
                file.sync_data()?;
            }
            newest.created = created;
        }
        Ok(())
    }

    /// Whether `created` is near now, not before the start, and after all that was accepted before it.
    ///
    /// # Errors
    /// [`Refusal::BeforeStart`], [`Refusal::ClockOff`].
    pub fn check_time(&self, created: u64, now: u64) -> Result<(), Refusal> {
        if created.abs_diff(now) > WINDOW {
            return Err(Refusal::ClockOff);
        }
        if created < self.started || created <= self.before {
            Err(Refusal::BeforeStart)
        } else {
            Ok(())
        }
    }

    /// Uses up a nonce. Call it when the signature holds.
    ///
    /// # Errors
    /// [`Refusal::Replayed`].
    pub fn take(&self, name: Digest, now: u64) -> Result<(), Refusal> {
        let mut g = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        // A nonce must be kept as long as its `created` may pass: from WINDOW before now to WINDOW after.
        if now.saturating_sub(g.turned) > 2 * WINDOW {
            g.old = std::mem::take(&mut g.young);
            g.turned = now;
        }
        if g.old.contains(&name.0) || !g.young.insert(name.0) {
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
        let replay = Replay::starting(1000, 0, None);
        replay.take(Replay::name("k", "n"), 1000).unwrap();
        for now in [1000, 1060, 1120, 1121] {
            assert_eq!(
                replay.take(Replay::name("k", "n"), now),
                Err(Refusal::Replayed),
                "{now}"
            );
        }
        replay.take(Replay::name("other", "n"), 1121).unwrap();
    }

    #[test]
    fn time_is_near_now_and_after_the_start() {
        let replay = Replay::starting(1000, 0, None);
        assert_eq!(replay.check_time(999, 1000), Err(Refusal::BeforeStart));
        assert_eq!(replay.check_time(1000, 1061), Err(Refusal::ClockOff));
        assert_eq!(replay.check_time(1100, 1039), Err(Refusal::ClockOff));
        replay.check_time(1000, 1060).unwrap();
    }

    #[test]
    fn what_was_accepted_ahead_of_time_is_refused_after_a_restart() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let replay = Replay::open(file.path(), 1000).unwrap();
        replay.check_time(1050, 1000).unwrap();
        assert!(replay.is_newest(1050));
        replay.remember(1050).unwrap();
        replay.remember(1001).unwrap();
        assert!(!replay.is_newest(1050));
        let again = Replay::open(file.path(), 1010).unwrap();
        assert_eq!(again.check_time(1050, 1010), Err(Refusal::BeforeStart));
        again.check_time(1051, 1010).unwrap();
        assert!(again.must_wait(1050) && !again.must_wait(1051));
    }
}
