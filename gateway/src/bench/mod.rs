//! Being measured: actors whose keys are in memory, and the figures of the gateway.

pub mod actors;
pub mod country;
mod load;
mod program;
mod reads;
mod row;
pub mod stage;

pub use reads::{Figures, SHAPES, Shape, reads};
pub use row::Row;
