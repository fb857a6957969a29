//! Proof that keys were made inside a genuine card: Yubico's PIV attestation.

mod evidence;

pub use evidence::{Evidence, evidence_digest};
