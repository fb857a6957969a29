//! The gateway as the workstation uses it: every request signed, every answer's signature verified (protocol §7).

mod client;
mod error;
mod events;
mod log_proof;
mod requests;
mod wire;

pub(crate) use client::percent_encode;
pub use client::{Credential, Gateway, Permission};
pub use error::GatewayError;
pub use events::{Event, Events};
pub use log_proof::{LogProof, check_read};
pub use wire::{
    ActionDone, Challenge, DeviceFacts, DeviceRequestState, DeviceWithCertificate, GrantOffer, Head, InkView,
    InstitutionFacts, Network, ProposalBecame, Proposed, ProposedSignature, Records, SectionWrap, SessionOpened,
    UnblockShown, WaitingRequest, WrapTo, WrapView, WrittenReceipts,
};
