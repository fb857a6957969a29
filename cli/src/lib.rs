//! The command line for IT, `wardkey`: cards and devices, one or a hundred. PINs are typed in the PIN window only.
//!
//! Start at [`args`] (what can be said), [`batch`] (a list of holders) and [`exit`] (how it ends). What the commands do is in
//! `wardkey_desk` and `wardkey_hsm`, the same as behind the workstation's window.
#![forbid(unsafe_code)]

pub mod args;
pub mod batch;
pub mod card;
pub mod chain;
pub mod device;
pub mod exit;
pub mod fault;
pub mod institution;
pub mod it;
pub mod log;
pub mod manual;
pub mod out;
pub mod port;
pub mod reader;
pub mod run;
pub mod station;
pub mod verify_log;
