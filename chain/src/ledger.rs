//! What a gateway needs of a chain.

use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::query;
use crate::view::{CheckpointState, Device, GrantState, Institution};
use alloy_primitives::{Bytes, Log};
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

/// A block, with the contract's logs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number, hash and time.
    pub head: Head,
    /// Hash of the block before.
    pub parent: Digest,
    /// The contract's logs in their order.
    pub logs: Vec<Log>,
}

impl Block {
    /// The logs as events.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] if one is none of the contract's.
    pub fn events(&self) -> Result<Vec<Logged>, ChainError> {
        let place = |(index, log): (u32, &Log)| {
            let (digest, event) = Event::decode(log)?;
            Ok(Logged {
                block: self.head.number,
                index,
                time: self.head.time,
                digest,
                event,
            })
        };
        (0u32..).zip(&self.logs).map(place).collect()
    }
}

/// The state in which a view is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The newest block, now.
    Newest,
    /// The newest block, judged at this time, seconds since 1970.
    Time(u64),
    /// This block; [`ChainError::Moved`] if its state is gone.
    Block(Head),
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

    /// Number of the newest block that cannot be undone, given the newest block.
    fn finalized(&self, head: &Head) -> Result<u64, ChainError>;

    /// Number of the first block that can hold an event of the contract.
    fn first(&self) -> u64;

    /// Whether the ledger is this process's own, so that its head cannot lag behind what was seen before.
    fn own(&self) -> bool;

    /// The blocks from `first` to `last`, both included, each the parent of the next.
    fn blocks(&self, first: u64, last: u64) -> Result<Vec<Block>, ChainError>;

    /// The contract's answer to a view's call data.
    fn call(&self, data: Vec<u8>, when: When) -> Result<Bytes, ChainError>;

    /// The key of an approved device, from its approval.
    fn device_key(&self, id: &DeviceId) -> Result<Option<PublicKey>, ChainError>;

    /// The signed actions that made an institution what it is, in order: its registration and its rotations. Empty if not
    /// registered.
    fn institution_actions(&self, id: &InstitutionId) -> Result<Vec<SignedAction>, ChainError>;

    /// The signed action that last approved a device, `None` if never approved.
    fn device_approval(&self, id: &DeviceId) -> Result<Option<SignedAction>, ChainError>;

    /// Looks after actions that are not yet in a block: sends them again, pays more. To be called every few seconds.
    fn tend(&self) -> Result<(), ChainError> {
        Ok(())
    }

    /// An institution, `None` if not registered.
    fn institution(&self, id: &InstitutionId) -> Result<Option<Institution>, ChainError> {
        query::institution(self, id, When::Newest)
    }

    /// Every institution in the order of registration.
    fn institutions(&self) -> Result<Vec<Institution>, ChainError> {
        query::institutions(self)
    }

    /// A device, `None` if never approved.
    fn device(&self, id: &DeviceId) -> Result<Option<Device>, ChainError> {
        query::device(self, id, When::Newest)
    }

    /// A grant under its one-time key.
    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> Result<GrantState, ChainError> {
        query::grant(self, commitment, key, When::Newest)
    }

    /// The newest checkpoint, `None` before the first.
    fn checkpoint(&self) -> Result<Option<CheckpointState>, ChainError> {
        query::checkpoint(self, When::Newest)
    }

    /// Whether a key is an active gateway's.
    fn is_gateway(&self, id: &GatewayId) -> Result<bool, ChainError> {
        query::is_gateway(self, id, When::Newest)
    }

    /// Nonce of the operator's next action.
    fn operator_nonce(&self) -> Result<u64, ChainError> {
        query::operator_nonce(self)
    }

    /// The permission rule as the contract judges it.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with [`crate::Refusal::GrantMalformed`] if the document is not canonical.
    fn permission(&self, asked: &Asked<'_>) -> Result<Verdict, ChainError> {
        query::permission(self, asked)
    }

    /// Events of the blocks after `block`, oldest first.
    fn events_since(&self, block: u64) -> Result<Vec<Logged>, ChainError> {
        let (first, last) = (self.first().max(block.saturating_add(1)), self.head()?.number);
        let mut events = Vec::new();
        if first <= last {
            for block in self.blocks(first, last)? {
                events.extend(block.events()?);
            }
        }
        Ok(events)
    }
}
