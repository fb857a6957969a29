//! `wardkey card unblock`.

use crate::exit::Exit;
use crate::it;
use crate::out::Out;
use crate::station::{settings, unwatched};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::Notice;

/// `{"unblocked": "17402958"}`.
#[derive(Serialize)]
struct Done {
    unblocked: String,
}

/// IT's card unlocks, then the holder of the next card chooses a new PIN.
///
/// # Errors
/// As [`wardkey_desk::Workstation::unblock_card`].
pub async fn unblock(out: &Out, file: &Path, reader: Option<&str>) -> Result<Exit, Notice> {
    let work = unwatched(settings(file)?)?;
    let it = it::unlock(&work, out).await?;
    let (reader, serial) = it::next_card(out, reader, &it).await;
    out.say(&format!(
        "The holder of card {serial} chooses a new PIN in the PIN window."
    ));
    work.unblock_in(&reader, &serial).await?;
    out.result(&Done { unblocked: serial }, |done| {
        format!("Card {} has a new PIN.", done.unblocked)
    });
    Ok(Exit::Ok)
}
