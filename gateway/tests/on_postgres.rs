//! The gateway's tests once more, with its data store in PostgreSQL: `support::on_postgres` tells them apart.
#![allow(missing_docs, clippy::duplicate_mod, reason = "tests; each takes in what it needs")]

#[path = "enrolment.rs"]
mod enrolment;
#[path = "events.rs"]
mod events;
#[path = "flow.rs"]
mod flow;
#[path = "masters.rs"]
mod masters;
#[path = "process.rs"]
mod process;
#[path = "records.rs"]
mod records;
#[path = "refusals.rs"]
mod refusals;
#[path = "requests.rs"]
mod requests;
#[path = "unblocks.rs"]
mod unblocks;
#[path = "uses.rs"]
mod uses;
