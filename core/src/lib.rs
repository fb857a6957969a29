//! The domain of Wardkey: ids and keys, signed typed structs, the permission rule, HPKE, records, the log, HTTP message
//! signatures. Synchronous, no I/O; time and randomness come from the caller. Formats: `docs/protocol.md`.
#![forbid(unsafe_code)]

pub mod action;
pub mod audit;
pub mod blob;
pub mod canonical;
pub mod delegation;
pub mod device;
pub mod epoch;
pub mod fault;
pub mod grant;
pub mod hexbytes;
pub mod hpke;
pub mod http_signature;
pub mod id;
pub mod institution;
pub mod key;
pub mod log;
pub mod masters;
pub mod permission;
pub mod problem;
pub mod record;
pub mod section;
pub mod section_keys;
pub mod typed;
pub mod unblock;
pub mod uses;
