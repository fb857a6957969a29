//! The institution's master keys, and what waits for their signatures.

use super::Evidence;
use serde::Serialize;
use ts_rs::TS;

/// A master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct MasterRow {
    /// Its key id.
    pub key: String,
    /// Short name: the beginning of its id.
    pub name: String,
    /// Six words of its key, to compare.
    pub words: Vec<String>,
    /// It is on the card that is signed in.
    pub own: bool,
}

/// A new card that was offered on this terminal to become a master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct OfferedMaster {
    /// The card's serial number.
    pub card: String,
    /// What its attestation proves.
    pub evidence: Evidence,
    /// Six words of its key, shown to both holders.
    pub words: Vec<String>,
    /// Short name of the key whose place it takes; empty if it is a further one.
    pub replaces: String,
    /// How many must sign from then on.
    pub threshold: u8,
}

/// The list of master keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct MastersView {
    /// In their order.
    pub keys: Vec<MasterRow>,
    /// How many must sign.
    pub threshold: u8,
    /// A new card that waits for this master's signature.
    pub offered: Option<OfferedMaster>,
}

/// What a proposal would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ProposalKind {
    /// Approve a card.
    Approve,
    /// Suspend a card.
    Suspend,
    /// Let a suspended card act again.
    Resume,
    /// Change the list of master keys.
    Masters,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ProposalState {
    /// It waits for signatures.
    Open,
    /// It was carried out.
    Done,
    /// A master withdrew it.
    Withdrawn,
    /// It cannot be carried out any more.
    Stale,
}

/// Who signed, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SignatureRow {
    /// Short name of the key.
    pub name: String,
    /// It is on the card that is signed in.
    pub own: bool,
    /// Seconds since 1970.
    pub at: u64,
}

/// An action that waits for the signatures of several master keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProposalRow {
    /// Its id.
    pub proposal: String,
    /// What it would do.
    pub kind: ProposalKind,
    /// Whose card; empty for a change of master keys.
    pub holder: String,
    /// As what.
    pub role: String,
    /// Serial number of the card.
    pub card: String,
    /// Rights of an approval, bit 0 read, bit 1 write.
    pub rights: u8,
    /// End of an approval.
    pub not_after: u64,
    /// What the card's attestation proves, for an approval.
    pub evidence: Option<Evidence>,
    /// Six words of the card's request, or of the change, the same on every master's terminal.
    pub words: Vec<String>,
    /// Short names of the new list of master keys.
    pub masters: Vec<String>,
    /// How many of them must sign from then on.
    pub threshold: u8,
    /// Who proposed it.
    pub proposer: String,
    /// When.
    pub proposed: u64,
    /// Who signed so far.
    pub signatures: Vec<SignatureRow>,
    /// How many signatures it needs.
    pub needed: u8,
    /// The last second at which it can be carried out.
    pub deadline: u64,
    /// Where it stands.
    pub state: ProposalState,
    /// Why it was withdrawn, or the code of why it is stale; empty otherwise.
    pub reason: String,
}
