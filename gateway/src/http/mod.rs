//! What every request goes through: signatures, bodies, remote addresses, security headers.

mod body;
mod caller;
mod intake;
mod noted;
mod query;
mod remote;
mod signed;

pub use body::{JsonBody, json};
pub use caller::{Caller, Headers, MasterCaller, PatientCaller};
pub use intake::{Rooms, received};
pub use noted::{limited, noted};
pub use query::{PathIds, QueryOf, must_count};
pub use remote::Remote;
pub use signed::{Streamed, signed};
