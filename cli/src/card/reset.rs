//! `wardkey card reset`.

use crate::exit::Exit;
use crate::fault::CliError;
use crate::out::{Out, notice};
use crate::reader::chosen;
use serde::Serialize;
use wardkey_desk::Notice;
use wardkey_hsm::CardError;

/// `{"reset": "17402958"}`.
#[derive(Serialize)]
struct Done {
    reset: String,
}

/// Destroys every key of the card in the reader, after its serial number was typed.
///
/// # Errors
/// [`CliError::NotConfirmed`], and the card's.
pub fn reset(out: &Out, reader: Option<&str>, yes: Option<&str>) -> Result<Exit, Notice> {
    let reader = chosen(reader)?;
    let card = wardkey_hsm::status::status(&reader).map_err(|error| notice(&error))?;
    let serial = card.serial.ok_or_else(|| notice(&CardError::NotYubiKey))?;
    let typed = match yes {
        Some(serial) => serial.to_owned(),
        None => out.ask(&format!(
            "Every key in card {serial} will be destroyed. An approved card must be revoked first.\nType its serial number:"
        )),
    };
    if typed != serial {
        return Err(notice(&CliError::NotConfirmed));
    }
    wardkey_hsm::reset::reset(&reader, &serial).map_err(|error| notice(&error))?;
    out.result(&Done { reset: serial }, |done| {
        format!("Card {} is as it left the factory.", done.reset)
    });
    Ok(Exit::Ok)
}
