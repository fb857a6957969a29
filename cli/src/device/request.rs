//! `wardkey device request`.

use crate::exit::Exit;
use crate::out::{Out, notice};
use crate::reader::chosen;
use crate::station::{settings, unwatched};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::Notice;
use wardkey_hsm::CardError;

/// `{"requested": "17402958", "request": …, "words": […]}`.
#[derive(Serialize)]
struct Done<'a> {
    requested: &'a str,
    request: String,
    words: Vec<String>,
}

/// Asks for the approval of the prepared card in the reader; its holder types the PIN.
///
/// # Errors
/// As [`wardkey_desk::Workstation::request_device`].
pub async fn request(out: &Out, file: &Path, reader: Option<&str>, holder: &str, role: &str) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(reader.or(settings.reader.as_deref()))?;
    let card = wardkey_hsm::status::status(&reader).map_err(|error| notice(&error))?;
    let serial = card.serial.ok_or_else(|| notice(&CardError::NotYubiKey))?;
    let work = unwatched(settings)?;
    let card = work.enrolling(&reader, &serial, holder, role).await?;
    out.say(&format!("{holder} types the PIN of card {serial} in the PIN window."));
    let sent = work.request_in(&reader, &card).await?;
    let done = Done {
        requested: card.serial(),
        request: sent.request,
        words: sent.words,
    };
    out.result(&done, |done| {
        format!(
            "Approval of card {} is asked for. Words to compare: {}",
            done.requested,
            done.words.join(" ")
        )
    });
    Ok(Exit::Ok)
}
