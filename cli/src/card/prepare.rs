//! `wardkey card prepare` for one card.

use crate::args::Prepare;
use crate::exit::Exit;
use crate::it;
use crate::out::{Out, notice};
use crate::station::{settings, unwatched};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::{Notice, named};

/// `{"prepared": "17402958", "holder": …, "role": …, "reader": …}`.
#[derive(Serialize)]
struct Done<'a> {
    prepared: &'a str,
    holder: &'a str,
    role: &'a str,
    reader: &'a str,
}

/// Makes the keys; the holder chooses a PIN in the PIN window.
///
/// # Errors
/// As [`wardkey_desk::Workstation::prepare_card`].
pub async fn prepare(out: &Out, file: &Path, asked: &Prepare) -> Result<Exit, Notice> {
    let (holder, role) = (asked.holder.as_deref(), asked.role.as_deref());
    let (holder, role) = named(holder.unwrap_or_default(), role.unwrap_or_default()).map_err(|e| notice(&e))?;
    let settings = settings(file)?;
    let work = unwatched(settings)?;
    let it = it::unlock(&work, out).await?;
    let (reader, serial) = it::next_card(out, asked.reader.first().map(String::as_str), &it).await;
    out.say(&format!(
        "Preparing card {serial} for {holder}. The PIN window opens in a moment."
    ));
    work.prepare_in(&reader, &serial, holder, role).await?;
    let done = Done {
        prepared: &serial,
        holder,
        role,
        reader: &reader,
    };
    out.result(&done, |done| {
        format!("Card {} is prepared for {}.", done.prepared, done.holder)
    });
    Ok(Exit::Ok)
}
