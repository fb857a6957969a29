//! What a gateway needs of a chain.

use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::view::{CheckpointState, Device, GrantState, Institution};
use serde::Serialize;
use wardkey_core::action::SignedAction;
use wardkey_core::id::{Commitment, DeviceId, Digest, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::{Denial, Request};
use wardkey_core::typed::Domain;

/// One deployment of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Chain id, contract address, salt: what every signature is bound to.
    pub domain: Domain,
    /// The operator's key.
    pub operator: PublicKey,
    /// The gateway's key that was set at deployment.
    pub gateway: PublicKey,
}

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: Digest,
    /// Seconds since 1970.
    pub time: u64,
}

/// An action's proof of arrival: it is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Transaction hash.
    pub tx: Digest,
    /// Block number.
    pub block: u64,
    /// Gas of the whole transaction.
    pub gas: u64,
    /// The action's digest.
    pub digest: Digest,
    /// What it changed.
    #[serde(skip)]
    pub events: Vec<Event>,
}

/// A grant as presented, in bytes, and what is asked under it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Canonical bytes of the grant document.
    pub document: &'a [u8],
    /// The patient's signature, `r‖s`.
    pub signature: &'a [u8],
    /// The patient's root key, 65 bytes.
    pub key: &'a [u8],
    /// Device, section, right, and the time at which the contract judges.
    pub request: Request,
}

/// The contract's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Code 0.
    Granted,
    /// The first reason against it.
    Denied(Denial),
}

/// A chain with the contract on it. Calls block: asynchronous programs call it from a blocking thread.
///
/// Every method fails with [`ChainError`] when the chain cannot be read.
#[expect(clippy::missing_errors_doc, reason = "said once above")]
pub trait Chain: Send + Sync {
    /// Which deployment this is.
    fn network(&self) -> Network;

    /// Brings an action onto the chain; returns when it is durable. An action that is already there is a success, with
    /// the receipt of the first time; its signatures are not judged again, so success says that the effect is there, not
    /// who sent it.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's reason; [`ChainError::Malformed`].
    fn submit(&self, action: &SignedAction) -> Result<Receipt, ChainError>;

    /// The newest block.
    fn head(&self) -> Result<Head, ChainError>;

    /// An institution, `None` if not registered.
    fn institution(&self, id: &InstitutionId) -> Result<Option<Institution>, ChainError>;

    /// Every institution in the order of registration.
    fn institutions(&self) -> Result<Vec<Institution>, ChainError>;

    /// A device, `None` if never approved.
    fn device(&self, id: &DeviceId) -> Result<Option<Device>, ChainError>;

    /// The signed actions that made an institution what it is, in order: its registration and its rotations. Empty if not
    /// registered.
    fn institution_actions(&self, id: &InstitutionId) -> Result<Vec<SignedAction>, ChainError>;

    /// The signed action that last approved a device, `None` if never approved.
    fn device_approval(&self, id: &DeviceId) -> Result<Option<SignedAction>, ChainError>;

    /// A grant under its one-time key.
    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> Result<GrantState, ChainError>;

    /// The newest checkpoint, `None` before the first.
    fn checkpoint(&self) -> Result<Option<CheckpointState>, ChainError>;

    /// Whether a key is an active gateway's.
    fn is_gateway(&self, id: &GatewayId) -> Result<bool, ChainError>;

    /// Nonce of the operator's next action.
    fn operator_nonce(&self) -> Result<u64, ChainError>;

    /// The permission rule as the contract judges it.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with [`crate::Refusal::GrantMalformed`] if the document is not canonical.
    fn permission(&self, asked: &Asked<'_>) -> Result<Verdict, ChainError>;

    /// Events of the blocks after `block`, oldest first.
    fn events_since(&self, block: u64) -> Result<Vec<Logged>, ChainError>;
}
