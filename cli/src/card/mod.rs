//! One card in a reader.

mod prepare;
mod reset;
mod status;
mod unblock;

pub use prepare::prepare;
pub use reset::reset;
pub use status::{stage_words, status};
pub use unblock::unblock;
