//! How many sponsored actions one address or institution may ask for in an hour.

use crate::error::Refusal;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use wardkey_core::id::InstitutionId;

const HOUR: u64 = 3600;
/// Most that are counted apart; beyond them all new ones share one count.
const MOST: usize = 100_000;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payee {
    /// A network address; make it with [`Payee::address`].
    Address(IpAddr),
    /// An institution.
    Institution(InstitutionId),
    /// An institution that revokes what is revoked or was never approved: apart, so that nothing else can use it up.
    Revoking(InstitutionId),
    /// Whoever came when too many were counted already.
    Others,
}

impl Payee {
    /// An address as it is counted: of IPv6 the first 64 bits, because the rest is its holder's to choose.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
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
        let room = used.1.len() < MOST || used.1.contains_key(&who);
        let count = used.1.entry(if room { who } else { Payee::Others }).or_default();
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
            Payee::address([127, 0, 0, 1].into()),
            Payee::Institution(InstitutionId([1; 32])),
        );
        quota.take(a, 2, 10).unwrap();
        quota.take(a, 2, 11).unwrap();
        assert_eq!(quota.take(a, 2, 12), Err(Refusal::QuotaUsed));
        quota.take(b, 2, 12).unwrap();
        quota.take(a, 2, HOUR + 1).unwrap();
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let payee = |text: &str| Payee::address(text.parse().unwrap());
        assert_eq!(payee("2001:db8:1:2::1"), payee("2001:db8:1:2:ffff::9"));
        assert_ne!(payee("2001:db8:1:2::1"), payee("2001:db8:1:3::1"));
        assert_eq!(payee("::ffff:10.0.0.1"), payee("10.0.0.1"));
        assert_ne!(payee("10.0.0.1"), payee("10.0.0.2"));
    }

    #[test]
    fn counts_have_a_bound() {
        let quota = Quota::default();
        let stranger = |n: u32| Payee::address(IpAddr::from(n.to_be_bytes()));
        for n in 0..150_000 {
            let _perhaps_used_up = quota.take(stranger(n), 10, 1);
        }
        assert!(quota.used.lock().unwrap().1.len() <= MOST + 1);
        assert_eq!(quota.take(stranger(200_000), 10, 1), Err(Refusal::QuotaUsed));
        quota.take(stranger(1), 10, 1).unwrap();
    }
}
