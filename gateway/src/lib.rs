//! The gateway of Wardkey: sponsors signed actions, keeps ciphertext, logs every read and write, serves the patient's page.
//!
//! Three places to look at first: [`routes::app`] (what it serves), `http::signed` (who may ask), `routes::records` (the rule,
//! the log, and only then the ciphertext). Formats: `docs/protocol.md`; error codes: `docs/errors.md`.
#![forbid(unsafe_code)]

mod access;
pub mod admin;
pub mod backup;
pub mod bench;
pub mod blobs;
mod certificate;
pub mod clock;
pub mod connections;
pub mod counts;
pub mod description;
pub mod error;
mod http;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod news;
pub mod objects;
pub mod operator;
mod proposals;
pub mod quota;
pub mod random;
pub mod rates;
pub mod replay;
pub mod routes;
pub mod serve;
mod service_manager;
pub mod settings;
mod sponsor;
pub mod state;
pub mod store;
pub mod traces;

pub use clock::Clock;
pub use routes::app;
pub use settings::Settings;
pub use state::Gateway;
