//! The log of writes and reads (protocol §6): a Merkle tree of salted hashes, each event sealed to its patient.

mod ink;
mod scribe;
mod seal;
mod signer;
pub mod tiles;
mod tree;

pub use ink::{INK_LASTS, Ink, Pen};
pub use scribe::{Draft, Entry, Prepared, Scribe, ScribeError};
pub use signer::Signer;
pub use tree::{Hashes, Proof, Tree, TreeError, prove, root};
