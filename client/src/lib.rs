//! A client of the Wardkey gateway (protocol §7): every request signed, every answer's signature verified, every read's proof checked.
//!
//! The workstation uses exactly this crate. Another vendor's program needs, besides it: a card or key store that signs a
//! delegation (`wardkey_core::delegation`), and somewhere to keep the institution's agreement key.
//!
//! | step | here |
//! |---|---|
//! | Which deployment, whose key signs answers | [`Gateway::network`]; keep [`Network::gateway`] from the first contact on |
//! | The institution, proved by its own signatures | [`Gateway::institution`] |
//! | A session: the card signs a delegation to a key in memory | [`Gateway::open_session`], then a [`Credential`] |
//! | Who granted access | [`Gateway::grants`] |
//! | Reading and writing under a grant, for a reason | [`Permission`], [`Gateway::records`], [`Gateway::write`] |
//! | That a read is in the log | [`check_read`]; data without it must not be used |
//! | What happens meanwhile | [`Events`]: hints to read again; when the line is dead, open it again and read again |
//!
//! Errors are [`GatewayError`]: [`GatewayError::passes`] says whether the same request may succeed later by itself, and
//! [`GatewayError::code`] is the stable code of `docs/errors.md`.
//!
//! # A reader
//! ```no_run
//! use wardkey_client::{Credential, Gateway, GatewayError, NotLogged, Permission, check_read};
//! use wardkey_core::delegation::SignedDelegation;
//! use wardkey_core::id::{Commitment, PatientId};
//! use wardkey_core::key::SoftKey;
//! use wardkey_core::section::Section;
//!
//! # #[derive(Debug)] enum Trouble { Gateway(GatewayError), Proof(NotLogged) }
//! # impl From<GatewayError> for Trouble { fn from(e: GatewayError) -> Self { Self::Gateway(e) } }
//! # impl From<NotLogged> for Trouble { fn from(e: NotLogged) -> Self { Self::Proof(e) } }
//! fn now() -> u64 {
//!     std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
//! }
//!
//! /// `session` was made for this sign-in; `delegation` names it and was signed by the card.
//! async fn allergies(
//!     session: SoftKey,
//!     delegation: &SignedDelegation,
//!     patient: &PatientId,
//!     grant: &Commitment,
//! ) -> Result<usize, Trouble> {
//!     let gateway = Gateway::new("https://wardkey.example", None, false, now)?;
//!     let network = gateway.network().await?;
//!     gateway.open_session(delegation).await?;
//!     let credential = Credential::new(session);
//!     let permission = Permission { commitment: grant, reason: Some("Emergency, patient unconscious") };
//!     let sections = [Section::Allergies];
//!     let by = (&credential, &network.gateway);
//!     let read = gateway.records(by, patient, &sections, permission).await?;
//!     check_read(&read.log, &sections, &network.domain, &network.gateway, now())?;
//!     // Each record is verified (`Record::verify`) before it is opened with the section's key (`Record::open`).
//!     Ok(read.records.len())
//! }
//! ```
//!
//! # Signing a request by hand
//! `wardkey_core::http_signature::sign_request` makes the two headers from the parts that are sent; what is covered, and in what order, is
//! protocol §7. `docs/openapi.json` lists every address with its headers, bodies, statuses and codes.
#![forbid(unsafe_code)]

mod client;
mod error;
mod events;
mod log_proof;
mod requests;
mod wire;

pub use client::{Credential, Gateway, Permission, percent_encode};
pub use error::GatewayError;
pub use events::{Event, Events};
pub use log_proof::{LogPlace, LogProof, NotLogged, check_read};
pub use wire::{
    ActionDone, Challenge, DeviceFacts, DeviceRequestState, DeviceWithCertificate, GrantOffer, Head, InkView,
    InstitutionFacts, Network, ProposalBecame, Proposed, ProposedSignature, Records, SectionWrap, SessionOpened,
    UnblockShown, WaitingRequest, WrapTo, WrapView, WrittenReceipts,
};
