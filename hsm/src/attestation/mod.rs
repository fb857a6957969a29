//! Proof that keys were made inside a genuine card: Yubico's PIV attestation.
//!
//! A leaf certificate per key, signed by the card's own certificate (F9), which chains to a root of the maker. It proves where a
//! key was made and under which policies, not who holds the card: compare serial number and public key with the request, and
//! bind a fresh challenge signed by the key.

mod chain;
mod evidence;
mod facts;
mod roots;
mod verify;

pub use evidence::{Evidence, evidence_digest};
pub use facts::Facts;
pub use roots::{Roots, RootsError};
pub use verify::{Report, SlotReport, Verdict, verify};
