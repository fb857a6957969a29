//! `wardkey card status`.

use crate::exit::Exit;
use crate::out::{Out, notice};
use crate::reader::chosen;
use wardkey_desk::Notice;
use wardkey_hsm::status::{CardStage, CardStatus, SecretStatus};

/// Shows the card in the reader. No PIN, no network, no settings; nothing is changed.
///
/// # Errors
/// No reader, no card, a card that cannot be read.
pub fn status(out: &Out, reader: Option<&str>) -> Result<Exit, Notice> {
    let status = wardkey_hsm::status::status(&chosen(reader)?).map_err(|error| notice(&error))?;
    out.result(&status, words);
    Ok(Exit::Ok)
}

/// How far a card is, in a few words.
#[must_use]
pub const fn stage_words(stage: &CardStage) -> &'static str {
    match stage {
        CardStage::Factory => "as it left the factory",
        CardStage::HalfPrepared { .. } => "its preparation was broken off",
        CardStage::AwaitingPin => "prepared; its holder has not chosen a PIN yet",
        CardStage::Ready => "ready",
        CardStage::PinBlocked => "its PIN is blocked",
        CardStage::Blocked => "PIN and PUK are blocked",
        CardStage::Foreign => "used by somebody, or prepared by another program",
        CardStage::Untold => "it does not tell how far it is",
    }
}

fn words(card: &CardStatus) -> String {
    let mut lines = vec![
        format!(
            "Card      {}",
            card.serial.as_deref().unwrap_or("without serial number")
        ),
        format!("Reader    {}", card.reader),
        format!("Firmware  {}", card.firmware.as_deref().unwrap_or("unknown")),
        format!("State     {}", stage_words(&card.stage)),
        format!("PIN       {}", secret(&card.pin)),
        format!("PUK       {}", secret(&card.puk)),
    ];
    for slot in &card.slots {
        let key = if slot.filled { "key" } else { "empty" };
        lines.push(format!("Slot {}   {key}", slot.slot));
    }
    lines.push(format!("Now       {}", card.stage.action()));
    lines.join("\n")
}

fn secret(of: &SecretStatus) -> String {
    let tries = of
        .tries_left
        .map_or_else(|| "tries unknown".to_owned(), |n| format!("{n} tries left"));
    if of.factory == Some(true) {
        format!("the factory's, {tries}")
    } else {
        tries
    }
}
