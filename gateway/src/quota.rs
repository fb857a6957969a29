//! How many sponsored actions one address or institution may ask for in an hour.

use crate::error::Refusal;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use wardkey_core::id::InstitutionId;

const HOUR: u64 = 3600;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payee {
    /// A network address.
    Address(IpAddr),
    /// An institution.
    Institution(InstitutionId),
}

/// Counts per full hour, in memory: a restart forgives.
#[derive(Debug, Default)]
pub struct Quota {
    used: Mutex<(u64, HashMap<Payee, u32>)>,
}

impl Quota {
    /// Counts one action.
    ///
    /// # Errors
    /// [`Refusal::QuotaUsed`] if `limit` actions were counted in this hour already.
    pub fn take(&self, who: Payee, limit: u32, now: u64) -> Result<(), Refusal> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.0 != now / HOUR {
            *used = (now / HOUR, HashMap::new());
        }
        let count = used.1.entry(who).or_default();
        if *count >= limit {
            return Err(Refusal::QuotaUsed);
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn counts_each_apart_and_anew_each_hour() {
        let (quota, a, b) = (
            Quota::default(),
            Payee::Address([127, 0, 0, 1].into()),
            Payee::Institution(InstitutionId([1; 32])),
        );
        quota.take(a, 2, 10).unwrap();
        quota.take(a, 2, 11).unwrap();
        assert_eq!(quota.take(a, 2, 12), Err(Refusal::QuotaUsed));
        quota.take(b, 2, 12).unwrap();
        quota.take(a, 2, HOUR + 1).unwrap();
    }
}
