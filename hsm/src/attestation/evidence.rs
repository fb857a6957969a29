//! The certificates as they travel (protocol §2 and §7).

use crate::Slot;
use serde::{Deserialize, Serialize};
use wardkey_core::hexbytes::base64url;
use wardkey_core::key::sha256;

/// Attestation certificates in DER, base64url in JSON; empty = absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Of the key in 9A.
    #[serde(default, with = "base64url")]
    pub leaf9a: Vec<u8>,
    /// Of the key in 9C.
    #[serde(default, with = "base64url")]
    pub leaf9c: Vec<u8>,
    /// Of the key in 9D.
    #[serde(default, with = "base64url")]
    pub leaf9d: Vec<u8>,
    /// The card's attestation certificate, F9, which signed the leaves.
    #[serde(default, with = "base64url")]
    pub issuer: Vec<u8>,
}

impl Evidence {
    /// The leaf of a slot; empty if absent.
    #[must_use]
    pub fn leaf(&self, slot: Slot) -> &[u8] {
        match slot {
            Slot::Authentication => &self.leaf9a,
            Slot::Signature => &self.leaf9c,
            Slot::KeyManagement => &self.leaf9d,
        }
    }
}

/// SHA-256 over each DER in the order 9A, 9C, 9D, F9, each preceded by its length as u32be; absent = 0 (protocol §2).
#[must_use]
pub fn evidence_digest(evidence: &Evidence) -> [u8; 32] {
    let parts = [&evidence.leaf9a, &evidence.leaf9c, &evidence.leaf9d, &evidence.issuer];
    let lengths = parts.map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut all: Vec<&[u8]> = Vec::with_capacity(8);
    for (length, part) in lengths.iter().zip(parts) {
        all.push(length);
        all.push(part);
    }
    sha256(&all)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_over_lengths_and_contents() {
        let evidence = Evidence {
            leaf9a: vec![1, 2],
            leaf9c: vec![],
            leaf9d: vec![3],
            issuer: vec![4; 300],
        };
        let mut flat = vec![0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 1, 44];
        flat.extend([4; 300]);
        assert_eq!(evidence_digest(&evidence), sha256(&[&flat]));
    }

    #[test]
    fn absent_certificates_may_be_left_out() {
        let evidence: Evidence = serde_json::from_str(r#"{"leaf9a":"AQI"}"#).unwrap();
        assert_eq!(
            evidence,
            Evidence {
                leaf9a: vec![1, 2],
                ..Evidence::default()
            }
        );
        assert!(serde_json::from_str::<Evidence>(r#"{"leaf9a":"@"}"#).is_err());
    }
}
