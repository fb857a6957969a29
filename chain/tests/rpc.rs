//! The same tests again, over a real chain: each has an anvil of its own (see `common`). Not the
//! gas: it depends on the zero bytes in signatures, and those on the contract's address.
#![allow(
    clippy::unwrap_used,
    clippy::duplicate_mod,
    reason = "tests; every file brings its own world"
)]

#[path = "checkpoints.rs"]
mod checkpoints;
#[path = "devices.rs"]
mod devices;
#[path = "grants.rs"]
mod grants;
#[path = "institutions.rs"]
mod institutions;
#[path = "masters.rs"]
mod masters;
#[path = "operator.rs"]
mod operator;
#[path = "permission.rs"]
mod permission;
