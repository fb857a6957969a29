//! The contracts of Wardkey and the ledgers that run them.
//!
//! [`Chain`] is what a gateway needs of a chain; [`Embedded`] is the same contract bytecode in an in-process EVM with durable
//! storage; [`Mirror`] is the contract's state in memory, fed by events, for the fast path of the permission rule.
//! The contracts are in `contracts/src`, their compiled artefact in `contracts/out`.
#![forbid(unsafe_code)]

pub mod abi;
mod artefact;
mod call;
mod embedded;
mod error;
mod event;
mod ledger;
mod mirror;
mod projection;
mod query;
pub mod rpc;
mod view;

pub use alloy_primitives::Bytes;
pub use artefact::{Artefact, artefact};
pub use call::{call_data, must_carry_no_more};
pub use embedded::{Clock, Embedded, Genesis};
pub use error::{ChainError, Refusal, no_room};
pub use event::{Event, Logged};
pub use ledger::{Asked, Block, Chain, Head, Network, Receipt, Verdict, When};
pub use mirror::Mirror;
pub use projection::{Follower, Projection};
pub use rpc::{Finality, Rpc, RpcSettings, SponsorSettings};
pub use view::{Agreement, CheckpointState, Device, DeviceStatus, GrantState, Institution, Standing};
