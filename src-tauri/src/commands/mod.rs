//! What the window may ask for: one line per command over `wardkey_desk::Workstation`, nothing else. No command takes or
//! returns a PIN.

pub mod approvals;
pub mod chart;
pub mod enrolment;
pub mod masters;
pub mod outbox;
pub mod posters;
pub mod session;
pub mod writing;

use std::sync::Arc;
use tauri::State;
use wardkey_desk::Notice;
use wardkey_desk::Workstation;

/// The workstation, as Tauri hands it to a command.
type Desk<'a> = State<'a, Arc<Workstation>>;

/// What a command answers.
type Answer<T> = Result<T, Notice>;
