//! The institution: its master key on a card, and its registration.

use crate::exit::Exit;
use crate::it;
use crate::out::{Out, notice};
use crate::reader::chosen;
use crate::station::{at_card, settings, unwatched};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::Notice;
use wardkey_desk::error::DeskError;

/// `{"prepared": "17402958", "master": true, "reader": …}`.
#[derive(Serialize)]
struct Master {
    prepared: String,
    master: bool,
    reader: String,
}

/// `{"registered": institution id, "name": …, "status": …}`.
#[derive(Serialize)]
struct Registered {
    registered: String,
    name: String,
    status: wardkey_desk::view::MasterStatus,
}

/// Prepares the card that is to hold the master key.
///
/// # Errors
/// As [`wardkey_desk::Workstation::prepare_master`].
pub async fn prepare_master(out: &Out, file: &Path, readers: &[String]) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let work = unwatched(settings)?;
    let it = it::unlock(&work, out).await?;
    let (reader, serial) = it::next_card(out, readers.first().map(String::as_str), &it).await;
    out.say(&format!(
        "Preparing card {serial} for the master key. The PIN window opens in a moment."
    ));
    work.prepare_master_in(&reader, &serial).await?;
    let done = Master {
        prepared: serial,
        master: true,
        reader,
    };
    out.result(&done, |done| {
        format!(
            "Card {} holds a master key now. Register the institution.",
            done.prepared
        )
    });
    Ok(Exit::Ok)
}

/// Registers the institution; the network's operator accredits it.
///
/// # Errors
/// As [`wardkey_desk::Workstation::register_institution`].
pub async fn register(out: &Out, file: &Path, reader: Option<&str>, name: &str, country: &str) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(reader.or(settings.reader.as_deref()))?;
    let work = at_card(settings, reader).await?;
    out.say("Type the master key's PIN in the PIN window.");
    work.register_institution(name, country).await?;
    let master = work
        .snapshot()
        .await?
        .master
        .ok_or_else(|| notice(&DeskError::NotAMaster))?;
    let done = Registered {
        registered: master.id,
        name: master.name,
        status: master.status,
    };
    out.result(&done, |done| {
        format!(
            "{} is registered as {}. The operator accredits it.",
            done.name, done.registered
        )
    });
    Ok(Exit::Ok)
}
