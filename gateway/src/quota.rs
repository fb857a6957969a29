//! How many sponsored actions one address, key or institution may ask for in an hour, and how many at once.

use crate::counts::{Counted, Counts};
use crate::error::{Problem, Refusal};
use crate::store::Store;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use wardkey_core::id::{Digest, InstitutionId, KeyId};
use wardkey_core::key::sha256;

const HOUR: u64 = 3600;
/// Most that are counted apart; beyond them all new ones share one count.
const MOST: usize = 100_000;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payee {
    /// A network address; make it with [`Payee::address`].
    Address(IpAddr),
    /// The key of somebody who belongs to no institution.
    Key(KeyId),
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

    /// The name under which the store counts: it tells nobody's address.
    fn name(&self) -> Digest {
        let (kind, bytes): (u8, Vec<u8>) = match self {
            Self::Address(IpAddr::V4(v4)) => (0, v4.octets().to_vec()),
            Self::Address(IpAddr::V6(v6)) => (1, v6.octets().to_vec()),
            Self::Key(id) => (2, id.0.to_vec()),
            Self::Institution(id) => (3, id.0.to_vec()),
            Self::Revoking(id) => (4, id.0.to_vec()),
            Self::Others => (5, vec![]),
        };
        Digest(sha256(&[&[kind], &bytes]))
    }
}

/// Counts per full hour, in the store: a restart forgives nothing, and all gateways over one database count together.
#[derive(Debug, Default)]
pub struct Quota {
    /// Whom this gateway has counted in this hour: a bound on the store's lines.
    seen: Mutex<(u64, HashSet<Payee>)>,
    busy: Counts<Payee>,
}

impl Quota {
    /// Counts one action. Blocks.
    ///
    /// # Errors
    /// [`Refusal::QuotaUsed`] if `limit` actions were counted in this hour already; a failing store.
    pub fn take(&self, store: &dyn Store, who: Payee, limit: u32, now: u64) -> Result<(), Problem> {
        let hour = now / HOUR;
        if store.count(&self.apart(who, hour).name(), hour, limit)? {
            Ok(())
        } else {
            Err(Refusal::QuotaUsed.into())
        }
    }

    /// Begins an action; it ends when what is given back is dropped.
    ///
    /// # Errors
    /// [`Refusal::SponsorBusy`] if `limit` actions of this payee are being carried out now.
    pub fn begin(&self, who: Payee, limit: u32) -> Result<Counted<Payee>, Refusal> {
        self.busy.open(who, limit).ok_or(Refusal::SponsorBusy)
    }

    fn apart(&self, who: Payee, hour: u64) -> Payee {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != hour {
            *seen = (hour, HashSet::new());
        }
        if seen.1.contains(&who) {
            return who;
        }
        if seen.1.len() >= MOST {
            return Payee::Others;
        }
        seen.1.insert(who);
        who
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let payee = |text: &str| Payee::address(text.parse().unwrap());
        assert_eq!(payee("2001:db8:1:2::1"), payee("2001:db8:1:2:ffff::9"));
        assert_ne!(payee("2001:db8:1:2::1"), payee("2001:db8:1:3::1"));
        assert_eq!(payee("::ffff:10.0.0.1"), payee("10.0.0.1"));
        assert_ne!(payee("10.0.0.1").name(), payee("10.0.0.2").name());
    }

    #[test]
    fn counts_have_a_bound() {
        let quota = Quota::default();
        let stranger = |n: u32| Payee::address(IpAddr::from(n.to_be_bytes()));
        for n in 0..150_000 {
            quota.apart(stranger(n), 1);
        }
        assert_eq!(quota.apart(stranger(200_000), 1), Payee::Others);
        assert_eq!(quota.apart(stranger(1), 1), stranger(1));
        assert_eq!(quota.apart(stranger(200_000), 2), stranger(200_000));
    }

    #[test]
    fn each_may_do_so_much_at_once() {
        let (quota, one) = (Quota::default(), Payee::Institution(InstitutionId([1; 32])));
        let held = [quota.begin(one, 2).unwrap(), quota.begin(one, 2).unwrap()];
        assert_eq!(quota.begin(one, 2).unwrap_err(), Refusal::SponsorBusy);
        quota.begin(Payee::Institution(InstitutionId([2; 32])), 2).unwrap();
        drop(held);
        quota.begin(one, 2).unwrap();
    }
}
