//! Requests to unblock a PIN, in memory: each lives a quarter of an hour, and a restart forgets them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::Digest;
use wardkey_core::unblock::{UNBLOCK_LIFE, UnblockRequest};

/// Most that wait at once.
const MOST: usize = 10_000;

/// A request, and IT's answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: UnblockRequest,
    /// The sealed PUK.
    pub answer: Option<Sealed>,
    until: u64,
}

/// All that wait.
#[derive(Debug, Default)]
pub struct Unblocks(Mutex<HashMap<Digest, Asked>>);

impl Unblocks {
    /// Keeps a request; `None` if too many wait.
    pub fn ask(&self, request: UnblockRequest, now: u64) -> Option<Digest> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, asked| now < asked.until);
        if all.len() >= MOST {
            return None;
        }
        let id = request.digest();
        all.entry(id).or_insert(Asked {
            request,
            answer: None,
            until: now + UNBLOCK_LIFE,
        });
        Some(id)
    }

    /// A request that still waits or was answered.
    pub fn get(&self, id: &Digest, now: u64) -> Option<Asked> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).filter(|asked| now < asked.until).cloned()
    }

    /// The request whose id begins with these 64 bits: what six words tell.
    pub fn named(&self, start: &[u8; 8], now: u64) -> Option<Asked> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, asked) = all
            .iter()
            .find(|(id, asked)| id.0.starts_with(start) && now < asked.until)?;
        Some(asked.clone())
    }

    /// Keeps the answer; the first one stays. False if nobody asked.
    pub fn answer(&self, id: &Digest, answer: Sealed, now: u64) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(asked) = all.get_mut(id).filter(|asked| now < asked.until) else {
            return false;
        };
        asked.answer.get_or_insert(answer);
        true
    }
}
