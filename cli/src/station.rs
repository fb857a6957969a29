//! The workstation without its window.

use crate::out::{Out, notice};
use crate::port::Unwatched;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wardkey_desk::error::DeskError;
use wardkey_desk::view::MasterStatus;
use wardkey_desk::{Notice, Settings, Workstation};
use wardkey_hsm::CardError;

/// How long a card may take from the reader to being read.
const CARD: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(50);

/// The settings.
///
/// # Errors
/// The file cannot be read, or is wrong.
pub fn settings(path: &Path) -> Result<Settings, Notice> {
    Settings::load(path).map_err(|error| notice(&error))
}

/// A workstation that uses readers by name.
///
/// # Errors
/// As [`Workstation::start`]; the data folder may be in use by the workstation's window.
pub fn unwatched(settings: Settings) -> Result<Arc<Workstation>, Notice> {
    let port = Arc::new(Unwatched::new(settings.pinpad_program()));
    Workstation::start_with(settings, port, |_| ())
}

/// A workstation that has read the card in this reader.
///
/// # Errors
/// No card, or one that cannot be read.
pub async fn at_card(mut settings: Settings, reader: String) -> Result<Arc<Workstation>, Notice> {
    settings.reader = Some(reader);
    let work = Workstation::start(settings, |_| ())?;
    let begun = Instant::now();
    loop {
        let shown = work.snapshot().await?;
        match (shown.card, shown.notice) {
            (Some(_), _) => return Ok(work),
            (None, Some(notice)) => return Err(notice),
            (None, None) if begun.elapsed() > CARD => return Err(notice(&CardError::NoCard)),
            (None, None) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// A workstation with the master key on a card signed in: the PIN window opens once.
///
/// # Errors
/// No card, another card, and everything of PIN and network.
pub async fn with_master(settings: Settings, reader: String, out: &Out) -> Result<Arc<Workstation>, Notice> {
    let work = at_card(settings, reader).await?;
    out.say("Type the master key's PIN in the PIN window.");
    work.master_sign_in().await?;
    let master = work.snapshot().await?.master;
    match master {
        Some(master) if master.status != MasterStatus::Unregistered => Ok(work),
        _ => Err(notice(&DeskError::NotAMaster)),
    }
}
