//! How many of something one holder has open now: connections of a network, event streams of a session.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts of what is open; holders with nothing open are forgotten.
#[derive(Debug)]
pub struct Counts<K>(Arc<Mutex<HashMap<K, u32>>>);

/// One that is open, until this is dropped.
#[derive(Debug)]
pub struct Counted<K: Eq + Hash> {
    key: K,
    open: Arc<Mutex<HashMap<K, u32>>>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash + Copy> Counts<K> {
    /// How many all holders have open.
    #[must_use]
    pub fn all(&self) -> u64 {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().copied().map(u64::from).sum()
    }

    /// Opens one more; `None` if `limit` are open already.
    #[must_use]
    pub fn open(&self, key: K, limit: u32) -> Option<Counted<K>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Counted {
            key,
            open: Arc::clone(&self.0),
        })
    }
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_makes_room_and_is_forgotten() {
        let counts = Counts::default();
        let (first, second) = (counts.open(1, 2).unwrap(), counts.open(1, 2).unwrap());
        assert!(counts.open(1, 2).is_none());
        let other = counts.open(2, 2).unwrap();
        assert_eq!(counts.all(), 3);
        drop(first);
        let third = counts.open(1, 2).unwrap();
        drop((second, third, other));
        assert!(counts.0.lock().unwrap().is_empty());
    }
}
