//! Actions that wait for the signatures of several master keys.

use super::Wrap;
use serde::{Deserialize, Serialize};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::id::{Digest, InstitutionId, KeyId};
use wardkey_core::key::{PublicKey, Signature};

/// An action with the signatures that it has so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The action's digest.
    pub digest: Digest,
    /// Whose.
    pub institution: InstitutionId,
    /// What is to happen.
    #[serde(flatten)]
    pub action: Action,
    /// The device's request, for ApproveDevice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// So far, in the order of their coming.
    pub signatures: Vec<ProposalSignature>,
    /// The master key whose session proposed it.
    pub proposer: PublicKey,
    /// When, seconds since 1970.
    pub proposed: u64,
    /// Kept when it is carried out.
    #[serde(default)]
    pub wraps: Vec<WrapTo>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ProposalEnd>,
}

impl Proposal {
    /// The signature of a key.
    #[must_use]
    pub fn by(&self, key: &PublicKey) -> Option<Signature> {
        self.signatures.iter().find(|s| s.key == *key).map(|s| s.signature)
    }

    /// With these signatures, as it goes to the chain.
    #[must_use]
    pub fn with(&self, signatures: Vec<Signature>) -> SignedAction {
        SignedAction {
            action: self.action.clone(),
            signatures,
            keys: vec![],
            proof: self.proof.clone(),
        }
    }
}

/// A verified signature over a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalSignature {
    /// Whose: a master key's, or a new master key's.
    pub key: PublicKey,
    /// Over the action.
    pub signature: Signature,
    /// When it came, seconds since 1970.
    pub at: u64,
}

/// How a proposal ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "camelCase")]
pub enum ProposalEnd {
    /// It is on the chain.
    Done {
        /// Block.
        block: u64,
        /// Seconds since 1970.
        at: u64,
    },
    /// A master withdrew it.
    Withdrawn {
        /// Who.
        by: PublicKey,
        /// Why.
        reason: String,
        /// Seconds since 1970.
        at: u64,
    },
    /// The chain would refuse it, whoever signs.
    Stale {
        /// The contract's code.
        code: String,
        /// When that was seen, seconds since 1970.
        at: u64,
    },
}

impl ProposalEnd {
    /// When, seconds since 1970.
    #[must_use]
    pub const fn at(&self) -> u64 {
        match self {
            Self::Done { at, .. } | Self::Withdrawn { at, .. } | Self::Stale { at, .. } => *at,
        }
    }
}

/// A wrap and for whom it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapTo {
    /// Key id of a 9D key.
    pub recipient: KeyId,
    /// The sealed agreement key.
    #[serde(flatten)]
    pub wrap: Wrap,
}
