//! Proof that a read is in the gateway's log; data without it is refused.

use serde::Deserialize;
use wardkey_core::id::Digest;
use wardkey_core::key::{KeyError, PublicKey};
use wardkey_core::log::{NotIncluded, Receipt, verify_inclusion};
use wardkey_core::section::Section;
use wardkey_core::typed::Domain;

/// Why a read does not count as logged: its data must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLogged {
    /// A section has no line of its own, or an old one.
    #[error("the gateway did not prove that the read is in its log")]
    Missing,
    /// The receipt is not the gateway's.
    #[error(transparent)]
    Receipt(#[from] KeyError),
    /// The line is not in the tree.
    #[error(transparent)]
    NotIncluded(#[from] NotIncluded),
}

/// Where a read stands in the gateway's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Index of the newest line of this read.
    pub index: u64,
    /// Size of the log then.
    pub size: u64,
}

/// Seconds between a receipt and this terminal's clock.
const CLOCK_TOLERANCE: u64 = 300;

/// One line of the log, with its proof.
#[derive(Clone, Debug, Deserialize)]
pub struct LogProof {
    /// Which section was read.
    pub section: u8,
    /// Place in the log.
    pub index: u64,
    /// The leaf's data.
    pub leaf: Digest,
    /// Size of the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Digest,
    /// Inclusion path.
    pub path: Vec<Digest>,
    /// The gateway's promise.
    pub receipt: Receipt,
}

impl LogProof {
    fn verify(&self, domain: &Domain, gateway: &PublicKey, now: u64) -> Result<(), NotLogged> {
        let receipt = &self.receipt;
        if receipt.index != self.index || receipt.leaf != self.leaf || receipt.time.abs_diff(now) > CLOCK_TOLERANCE {
            return Err(NotLogged::Missing);
        }
        receipt.verify(domain, gateway)?;
        verify_inclusion(self.size, &self.root, self.index, &self.leaf, &self.path)?;
        Ok(())
    }
}

/// Checks that every section that was asked for has its own, fresh line in the log.
///
/// # Errors
/// [`NotLogged`].
pub fn check_read(
    proofs: &[LogProof],
    sections: &[Section],
    domain: &Domain,
    gateway: &PublicKey,
    now: u64,
) -> Result<Option<LogPlace>, NotLogged> {
    let mut lines = std::collections::HashSet::new();
    for section in sections {
        let proof = proofs
            .iter()
            .find(|p| p.section == section.number())
            .ok_or(NotLogged::Missing)?;
        proof.verify(domain, gateway, now)?;
        if !lines.insert(proof.index) {
            return Err(NotLogged::Missing);
        }
    }
    Ok(proofs.iter().max_by_key(|p| p.index).map(|p| LogPlace {
        index: p.index,
        size: p.size,
    }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::key::SoftKey;
    use wardkey_core::log::leaf_hash;

    fn proof(domain: &Domain, gateway: &SoftKey, section: Section, time: u64) -> LogProof {
        // A tree of one leaf: its root is the leaf's hash, its path is empty.
        let leaf = Digest([section.number() + 1; 32]);
        let signature = domain.sign(gateway, &Receipt::typed(0, &leaf, time)).unwrap();
        LogProof {
            section: section.number(),
            index: 0,
            leaf,
            size: 1,
            root: leaf_hash(&leaf),
            path: vec![],
            receipt: Receipt {
                index: 0,
                leaf,
                time,
                signature,
            },
        }
    }

    #[test]
    fn every_section_needs_its_own_fresh_line() {
        let domain = Domain {
            chain_id: 1,
            contract: [1; 20],
            salt: [2; 32],
        };
        let (gateway, other) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        let (a, b) = (Section::Allergies, Section::Results);
        let good = proof(&domain, &gateway, a, 1000);
        let check = |proofs: &[LogProof], sections: &[Section], now| {
            check_read(proofs, sections, &domain, &gateway.public(), now)
        };
        assert_eq!(
            check(std::slice::from_ref(&good), &[a], 1010).unwrap(),
            Some(LogPlace { index: 0, size: 1 })
        );
        assert!(check(&[], &[a], 1010).is_err(), "none");
        assert!(
            check(std::slice::from_ref(&good), &[a, b], 1010).is_err(),
            "one is missing"
        );
        assert!(
            check(std::slice::from_ref(&good), &[a], 2000).is_err(),
            "an old receipt shown again"
        );
        assert!(
            check(
                &[
                    good.clone(),
                    LogProof {
                        section: b.number(),
                        ..good.clone()
                    }
                ],
                &[a, b],
                1010
            )
            .is_err(),
            "one line for two"
        );
        assert!(
            check(&[proof(&domain, &other, a, 1000)], &[a], 1010).is_err(),
            "another's receipt"
        );
        assert!(
            check(
                &[LogProof {
                    root: Digest([9; 32]),
                    ..good
                }],
                &[a],
                1010
            )
            .is_err(),
            "not in the tree"
        );
    }
}
