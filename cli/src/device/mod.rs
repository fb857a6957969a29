//! What the institution knows of its cards.

mod approve;
mod list;
mod request;
mod revoke;

pub use approve::approve;
pub use list::list;
pub use request::request;
pub use revoke::revoke;
