//! What can go wrong with a chain: the contract refuses, or the ledger fails.

use crate::abi;
use alloy_sol_types::SolError;
use wardkey_core::fault::Coded;

/// Why the contract refuses an action: one of its custom errors, whose exact conditions are in `contracts/src`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Signed for an earlier time.
    #[error("the action was to be submitted until {0} (seconds since 1970), and that time has passed")]
    DeadlinePassed(u64),
    /// Not by the key that must sign, or high-S.
    #[error("the action is not signed by the key that must sign it")]
    BadSignature,
    /// Not the next nonce of its sequence.
    #[error("another action came first; the next number is {0}")]
    BadNonce(u64),
    /// No point of P-256.
    #[error("a key in the action is no P-256 key")]
    BadKey,
    /// The id is not the master key's.
    #[error("the institution's id is not that of its master key")]
    InstitutionMismatch,
    /// Registered before.
    #[error("the institution is registered already")]
    InstitutionExists,
    /// Never registered.
    #[error("the institution is not registered")]
    InstitutionUnknown,
    /// Empty or over 200 bytes.
    #[error("the institution's name is empty or longer than 200 bytes")]
    BadName,
    /// Not two capital letters.
    #[error("the country is not a code of two capital letters (ISO 3166-1)")]
    BadCountry,
    /// Not the next epoch.
    #[error("the agreement key's next epoch is {0}")]
    BadEpoch(u32),
    /// Not 1, 2 or 3.
    #[error("the card's rights are neither read nor write")]
    BadRights,
    /// Ends in the past.
    #[error("the card's approval would have ended already")]
    BadExpiry,
    /// Request and approval differ.
    #[error("the card's request names another institution or certificate than the approval")]
    ProofMismatch,
    /// Not the card's signature, or too old.
    #[error("the card's request is not signed by the card, or is too old")]
    BadProof,
    /// Another institution's.
    #[error("the card belongs to another institution")]
    DeviceElsewhere,
    /// Revoked for good.
    #[error("the card was revoked and cannot be approved again")]
    DeviceIsRevoked,
    /// Not the institution's device.
    #[error("the institution has not approved this card")]
    DeviceUnknown,
    /// No list of one to five keys.
    #[error("the list of master keys is empty, too long, malformed, or names a key twice")]
    BadMasters,
    /// Not below the number of keys.
    #[error(
        "the number of master keys that must sign must be less than their number, so that a lost one can be replaced"
    )]
    BadThreshold,
    /// For another list of master keys.
    #[error("the institution's master keys have changed since this was signed; the list's version is now {0}")]
    MastersChanged(u32),
    /// Too few or too many signatures.
    #[error("the action carries {given} signatures; it needs {needed}")]
    SignatureCount {
        /// So many are needed.
        needed: u64,
        /// So many were given.
        given: u64,
    },
    /// Revoked for good.
    #[error("the grant was revoked and cannot become live again")]
    GrantIsRevoked,
    /// The log would become shorter.
    #[error("the chain has a checkpoint of {0} lines already")]
    CheckpointFalls(u64),
    /// Two roots for one size.
    #[error("the chain has another root for a checkpoint of this size")]
    CheckpointForks,
    /// Not canonical.
    #[error("the bytes are no grant document")]
    GrantMalformed,
}

impl Refusal {
    /// The custom error in a revert's data; `None` if it is none of the contract's.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (selector, _) = data.split_first_chunk::<4>()?;
        Some(match *selector {
            abi::DeadlinePassed::SELECTOR => Self::DeadlinePassed(abi::DeadlinePassed::abi_decode(data).ok()?.deadline),
            abi::BadSignature::SELECTOR => Self::BadSignature,
            abi::BadNonce::SELECTOR => Self::BadNonce(abi::BadNonce::abi_decode(data).ok()?.expected),
            abi::BadKey::SELECTOR => Self::BadKey,
            abi::InstitutionMismatch::SELECTOR => Self::InstitutionMismatch,
            abi::InstitutionExists::SELECTOR => Self::InstitutionExists,
            abi::InstitutionUnknown::SELECTOR => Self::InstitutionUnknown,
            abi::BadName::SELECTOR => Self::BadName,
            abi::BadCountry::SELECTOR => Self::BadCountry,
            abi::BadEpoch::SELECTOR => Self::BadEpoch(abi::BadEpoch::abi_decode(data).ok()?.expected),
            abi::BadRights::SELECTOR => Self::BadRights,
            abi::BadExpiry::SELECTOR => Self::BadExpiry,
            abi::ProofMismatch::SELECTOR => Self::ProofMismatch,
            abi::BadProof::SELECTOR => Self::BadProof,
            abi::DeviceElsewhere::SELECTOR => Self::DeviceElsewhere,
            abi::DeviceIsRevoked::SELECTOR => Self::DeviceIsRevoked,
            abi::DeviceUnknown::SELECTOR => Self::DeviceUnknown,
            abi::BadMasters::SELECTOR => Self::BadMasters,
            abi::BadThreshold::SELECTOR => Self::BadThreshold,
            abi::MastersChanged::SELECTOR => Self::MastersChanged(abi::MastersChanged::abi_decode(data).ok()?.current),
            abi::SignatureCount::SELECTOR => {
                let count = abi::SignatureCount::abi_decode(data).ok()?;
                Self::SignatureCount {
                    needed: count.needed.saturating_to(),
                    given: count.given.saturating_to(),
                }
            }
            abi::GrantIsRevoked::SELECTOR => Self::GrantIsRevoked,
            abi::CheckpointFalls::SELECTOR => Self::CheckpointFalls(abi::CheckpointFalls::abi_decode(data).ok()?.size),
            abi::CheckpointForks::SELECTOR => Self::CheckpointForks,
            abi::GrantMalformed::SELECTOR => Self::GrantMalformed,
            _ => return None,
        })
    }
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::DeadlinePassed(_) => "action-deadline-passed",
            Self::BadSignature => "action-bad-signature",
            Self::BadNonce(_) => "action-bad-nonce",
            Self::BadKey => "action-bad-key",
            Self::InstitutionMismatch => "institution-mismatch",
            Self::InstitutionExists => "institution-exists",
            Self::InstitutionUnknown => "institution-unknown",
            Self::BadName => "institution-bad-name",
            Self::BadCountry => "institution-bad-country",
            Self::BadEpoch(_) => "agreement-bad-epoch",
            Self::BadRights => "device-bad-rights",
            Self::BadExpiry => "device-bad-expiry",
            Self::ProofMismatch => "device-proof-mismatch",
            Self::BadProof => "device-bad-proof",
            Self::DeviceElsewhere => "device-elsewhere",
            Self::DeviceIsRevoked => "device-revoked",
            Self::DeviceUnknown => "device-unknown",
            Self::BadMasters => "masters-bad-list",
            Self::BadThreshold => "masters-bad-threshold",
            Self::MastersChanged(_) => "masters-changed",
            Self::SignatureCount { .. } => "action-signature-count",
            Self::GrantIsRevoked => "grant-revoked",
            Self::CheckpointFalls(_) => "checkpoint-falls",
            Self::CheckpointForks => "checkpoint-forks",
            Self::GrantMalformed => "grant-malformed",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::DeadlinePassed(_) => "Sign it again and submit it at once; check this computer's clock.",
            Self::BadSignature | Self::InstitutionMismatch | Self::BadKey => {
                "Check that the right key or card was used, and sign again."
            }
            Self::BadNonce(_) | Self::BadEpoch(_) | Self::MastersChanged(_) => {
                "Reload the institution's state, check what changed, and sign again."
            }
            Self::SignatureCount { .. } => "Let as many master-key holders sign as the institution demands.",
            Self::BadMasters => "Enter one to five different master keys.",
            Self::BadThreshold => "Demand fewer signatures, or add a master key first.",
            Self::DeviceUnknown => "Ask IT to request its approval.",
            Self::InstitutionExists => "Nothing is to be done: use the institution as it is.",
            Self::InstitutionUnknown => "Register the institution first.",
            Self::BadName => "Enter the institution's name, at most 200 bytes.",
            Self::BadCountry => "Enter the country's code, such as CH.",
            Self::BadRights => "Choose at least one of reading and writing.",
            Self::BadExpiry => "Choose an end in the future.",
            Self::ProofMismatch | Self::BadProof => "Ask IT to request the card's approval again.",
            Self::DeviceElsewhere | Self::DeviceIsRevoked => "Use another card, or make new keys on this one.",
            Self::GrantIsRevoked | Self::GrantMalformed => "Make a new grant.",
            Self::CheckpointFalls(_) | Self::CheckpointForks => {
                "Stop the gateway and compare its log with the chain: one of them was altered or restored."
            }
        }
    }
}

/// Why a chain did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The contract refused the action.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The action lacks what its type needs.
    #[error("the action is incomplete: {0}")]
    Malformed(&'static str),
    /// The ledger's file cannot be read or written.
    #[error("the ledger's file failed: {0}")]
    Storage(#[from] rusqlite::Error),
    /// The ledger belongs to another network.
    #[error("the ledger was made for another {0}")]
    OtherGenesis(&'static str),
    /// The ledger contradicts itself.
    #[error("the ledger is damaged or was altered: {0}")]
    Corrupt(String),
    /// No node answers, or what it answers is no answer.
    #[error("no node of the chain answers as it should: {0}")]
    Unreachable(String),
    /// The nodes contradict each other.
    #[error("the chain's nodes contradict each other: {0}")]
    Disagreement(String),
    /// A node's answer is not what its own hashes say.
    #[error("a node's answer does not prove itself: {0}")]
    Unproven(String),
    /// The nodes are of another chain, or the contract is not this program's.
    #[error("the chain is not the one in the settings: {0}")]
    OtherDeployment(String),
    /// All nodes are behind what was seen before.
    #[error("the chain's nodes are behind what was seen before")]
    Behind,
    /// The state that was asked for is gone.
    #[error("the chain has moved on from the block that was asked for")]
    Moved,
    /// A block that counted as final was replaced.
    #[error("the chain replaced block {0}, which counted as final")]
    Reorganised(u64),
    /// What follows from the chain's events is not what the contract answers.
    #[error("what was learned from the chain is not what the contract answers: {0}")]
    Diverged(String),
    /// Sent, not yet in a block.
    #[error("the action is not yet in a block of the chain")]
    Pending,
    /// The chain asks for more than may be paid.
    #[error("the chain asks for {asked} gwei a unit of gas; at most {cap} may be paid")]
    FeeCap {
        /// Gwei, rounded up.
        asked: u64,
        /// Gwei.
        cap: u64,
    },
    /// The sponsor's key or balance does not do.
    #[error("the sponsor cannot pay: {0}")]
    Sponsor(String),
    /// The machine refused to run a transaction: a bug, not a user's mistake.
    #[error("the contract could not be run: {0}")]
    Machine(String),
}

/// Whether SQLite failed because the disk is full. It says so itself, but for its index of the journal (the `-shm` file), of
/// which it says only that the file could not be made larger.
#[must_use]
pub fn no_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == rusqlite::ErrorCode::DiskFull || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    })
}

impl Coded for ChainError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Malformed(_) => "action-malformed",
            Self::Storage(error) if no_room(error) => "disk-full",
            Self::Storage(_) => "chain-storage",
            Self::OtherGenesis(_) => "chain-other-genesis",
            Self::Corrupt(_) => "chain-corrupt",
            Self::Unreachable(_) => "chain-unreachable",
            Self::Disagreement(_) => "chain-disagreement",
            Self::Unproven(_) => "chain-unproven",
            Self::OtherDeployment(_) => "chain-other-deployment",
            Self::Behind => "chain-behind",
            Self::Moved => "chain-moved",
            Self::Reorganised(_) => "chain-reorganised",
            Self::Diverged(_) => "chain-diverged",
            Self::Pending => "chain-pending",
            Self::FeeCap { .. } => "chain-fee-cap",
            Self::Sponsor(_) => "chain-sponsor",
            Self::Machine(_) => "chain-machine",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.action(),
            Self::Malformed(_) => "Use a current version of the program that made it.",
            Self::Storage(_) => "Check that the disk has room and the ledger's file may be written, then try again.",
            Self::OtherGenesis(_) => "Start with the settings that made this ledger, or name another file.",
            Self::Corrupt(_) => "Stop the gateway, keep the file as evidence, and restore the ledger from a backup.",
            Self::Unreachable(_) | Self::Behind => {
                "Check the nodes under [chain] endpoints; nothing is permitted until one answers."
            }
            Self::Disagreement(_) | Self::Unproven(_) => {
                "Find out which node is wrong and take it out of [chain] endpoints; nothing is permitted until they agree."
            }
            Self::OtherDeployment(_) => "Correct [chain] in the settings, or deploy with `wardkey chain deploy`.",
            Self::Moved => "Ask again.",
            Self::Reorganised(_) | Self::Diverged(_) => {
                "Nothing is permitted until the gateway has read the whole chain again; find out what happened to the chain."
            }
            Self::Pending => {
                "Nothing is to be done: it will be sent again until it is in a block. Ask again in a minute."
            }
            Self::FeeCap { .. } => "Wait until the chain is cheaper, or raise [chain] max_fee_gwei.",
            Self::Sponsor(_) => "Check the sponsor's key file, and send the sponsor's account some money.",
            Self::Machine(_) => "Try again; if it happens again, report it with the gateway's log.",
        }
    }
}
