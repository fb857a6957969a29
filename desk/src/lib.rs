//! What the workstation does without a window: sign-in, patients, charts, writing, outbox, enrolment, approvals, posters.
//!
//! Start at [`Workstation`]: one async method per command of the window. Everything it shows is in [`view`], everything that can
//! go wrong ends as a [`Notice`] with a stable code. Keys and plaintext live while a card is in the reader and no longer.
#![forbid(unsafe_code)]

pub mod bindings;
pub mod card;
pub mod clock;
pub mod compose;
pub mod error;
pub mod fhir;
pub mod grants;
pub mod import;
pub mod notice;
pub mod phase;
pub mod poster;
pub mod reading;
pub mod settings;
pub mod store;
pub mod view;
pub mod words;
mod workstation;

pub use notice::Notice;
pub use settings::Settings;
pub use workstation::{Enrolling, Workstation, named};
