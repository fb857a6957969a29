//! The institution's poster: one A4 page as SVG, PDF and PNG (QR content: protocol §8).

mod page;
mod print;

pub use page::{Sheet, link, svg};
pub use print::{pdf, png};
