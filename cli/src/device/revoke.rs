//! `wardkey device revoke`.

use crate::exit::Exit;
use crate::fault::CliError;
use crate::out::{Out, notice};
use crate::reader::chosen;
use crate::station::{settings, with_master};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::Notice;
use wardkey_desk::view::{DeviceRow, DeviceStatus};

/// `{"revoked": "17402958", "device": …, "holder": …}`.
#[derive(Serialize)]
struct Done {
    revoked: String,
    device: String,
    holder: String,
}

/// Revokes a card for good, after its serial number was typed.
///
/// # Errors
/// [`CliError::UnknownDevice`], [`CliError::NotConfirmed`], and everything of card, PIN and network.
pub async fn revoke(
    out: &Out,
    file: &Path,
    reader: Option<&str>,
    card: &str,
    reason: &str,
    yes: Option<&str>,
) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(reader.or(settings.reader.as_deref()))?;
    let work = with_master(settings, reader, out).await?;
    let row = find(work.devices().await?, card)?;
    let typed = match yes {
        Some(serial) => serial.to_owned(),
        None => out.ask(&format!(
            "Card {} of {}, {} will be revoked for good.\nType its serial number:",
            row.card, row.holder, row.role
        )),
    };
    if typed != row.card {
        return Err(notice(&CliError::NotConfirmed));
    }
    out.say("Type the master key's PIN in the PIN window.");
    work.revoke_device(&row.device, reason).await?;
    let done = Done {
        revoked: row.card,
        device: row.device,
        holder: row.holder,
    };
    out.result(&done, |done| {
        format!("Card {} of {} is revoked.", done.revoked, done.holder)
    });
    Ok(Exit::Ok)
}

/// The card that is still approved, by serial number or id.
fn find(rows: Vec<DeviceRow>, name: &str) -> Result<DeviceRow, Notice> {
    rows.into_iter()
        .find(|row| row.status != DeviceStatus::Revoked && (row.card == name || row.device == name))
        .ok_or_else(|| notice(&CliError::UnknownDevice { name: name.to_owned() }))
}
