//! Being measured: actors whose keys are in memory, and the figures of the gateway.

pub mod actors;
mod reads;
pub mod stage;

pub use reads::{Figures, SHAPES, Shape, reads};
