//! `wardkey device list`.

use crate::exit::Exit;
use crate::out::Out;
use crate::reader::chosen;
use crate::station::{settings, with_master};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::Notice;
use wardkey_desk::view::{DeviceRow, DeviceStatus, RequestRow};

/// `{"devices": […]}`.
#[derive(Serialize)]
struct Devices {
    devices: Vec<DeviceRow>,
}

/// `{"requests": […]}`.
#[derive(Serialize)]
struct Requests {
    requests: Vec<RequestRow>,
}

/// Lists the institution's cards, or the requests that wait.
///
/// # Errors
/// Everything of the master key's card, its PIN and the network.
pub async fn list(out: &Out, file: &Path, reader: Option<&str>, waiting: bool) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(reader.or(settings.reader.as_deref()))?;
    let work = with_master(settings, reader, out).await?;
    if waiting {
        let requests = work.requests().await?;
        out.result(&Requests { requests }, |all| {
            table(
                all.requests
                    .iter()
                    .map(|row| format!("{}  {}, {}  {}", row.card, row.holder, row.role, row.words.join(" "))),
            )
        });
    } else {
        let devices = work.devices().await?;
        out.result(&Devices { devices }, |all| {
            table(
                all.devices
                    .iter()
                    .map(|row| format!("{}  {}, {}  {}", row.card, row.holder, row.role, word(row.status))),
            )
        });
    }
    Ok(Exit::Ok)
}

fn table(rows: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = rows.collect();
    if lines.is_empty() {
        "None.".to_owned()
    } else {
        lines.join("\n")
    }
}

/// The words of the workstation's screen.
const fn word(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Active => "Approved",
        DeviceStatus::Suspended => "Suspended",
        DeviceStatus::Revoked => "Revoked",
        DeviceStatus::Expired => "Expired",
    }
}
