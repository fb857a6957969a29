//! IT's card on the command line: the secret is opened once per run, in whichever reader IT's card is.

use crate::exit::Exit;
use crate::fault::CliError;
use crate::out::{Out, notice};
use crate::reader::{chosen, has_card};
use crate::station::{settings, unwatched};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use wardkey_desk::view::{ItState, ItView};
use wardkey_desk::{Notice, Workstation};
use wardkey_hsm::{CardError, readers};

/// Time between two looks at the readers.
const LOOK: Duration = Duration::from_millis(150);

/// `{"itCard": "17402958"}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    it_card: String,
}

/// The serial number of the card in a reader; nothing if it cannot be read.
async fn serial_in(reader: &str) -> Option<String> {
    let reader = reader.to_owned();
    let status = tokio::task::spawn_blocking(move || wardkey_hsm::status::status(&reader));
    status.await.ok()?.ok()?.serial
}

/// Sets up the first IT card; without one, no card is prepared or unblocked.
///
/// # Errors
/// As [`Workstation::found_it_card`].
pub async fn setup(out: &Out, file: &Path, reader: Option<&str>) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(reader.or(settings.reader.as_deref()))?;
    let serial = serial_in(&reader).await.ok_or_else(|| notice(&CardError::NotYubiKey))?;
    let work = unwatched(settings)?;
    out.say("Setting up IT's card. The PIN window opens in a moment.");
    work.found_it_in(&reader, &serial).await?;
    out.result(&Done { it_card: serial }, |done| {
        format!("Card {} is IT's card now.", done.it_card)
    });
    Ok(Exit::Ok)
}

/// Makes one more card IT's: IT's card unlocks, then the other, prepared, is inserted.
///
/// # Errors
/// As [`Workstation::add_it_card`].
pub async fn add(out: &Out, file: &Path, reader: Option<&str>) -> Result<Exit, Notice> {
    let work = unwatched(settings(file)?)?;
    let it = unlock(&work, out).await?;
    let (reader, serial) = next_card(out, reader, &it).await;
    work.add_it_in(&reader, &serial).await?;
    out.result(&Done { it_card: serial }, |done| {
        format!("Card {} is IT's card too.", done.it_card)
    });
    Ok(Exit::Ok)
}

/// Waits for IT's card in any reader and unlocks with it; answers with it.
///
/// # Errors
/// There is no IT card yet, and everything of card and PIN.
pub async fn unlock(work: &Workstation, out: &Out) -> Result<ItView, Notice> {
    let view = work.it_card().await?;
    if matches!(view.state, ItState::None | ItState::Clear) {
        return Err(notice(&wardkey_desk::error::DeskError::ItNone));
    }
    let mut asked = false;
    loop {
        let all = readers().map_err(|error| notice(&error))?;
        if all.is_empty() {
            return Err(notice(&CliError::NoReader));
        }
        for reader in all.iter().filter(|reader| reader.card_present) {
            let serial = serial_in(&reader.name).await.unwrap_or_default();
            if view.cards.contains(&serial) {
                out.say("Type the PIN of IT's card in the PIN window.");
                work.unlock_it_in(&reader.name).await?;
                out.say(&format!("IT's card {serial} has unlocked."));
                return Ok(view);
            }
        }
        if !std::mem::replace(&mut asked, true) {
            out.say(&format!("Insert IT's card ({}).", view.cards.join(", ")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The next card that is not IT's: in the reader that was named, or in any.
pub async fn next_card(out: &Out, named: Option<&str>, it: &ItView) -> (String, String) {
    let mut asked = false;
    loop {
        let all = readers().unwrap_or_default();
        let may = all.iter().filter(|reader| named.is_none_or(|name| reader.name == name));
        for reader in may.filter(|reader| has_card(&reader.name)) {
            if let Some(serial) = serial_in(&reader.name).await
                && !it.cards.contains(&serial)
            {
                return (reader.name.clone(), serial);
            }
        }
        if !std::mem::replace(&mut asked, true) {
            out.say("Insert the card; IT's card may be pulled now.");
        }
        tokio::time::sleep(LOOK).await;
    }
}
