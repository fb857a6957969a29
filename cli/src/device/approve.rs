//! `wardkey device approve`.

use crate::args::Approve;
use crate::exit::Exit;
use crate::fault::CliError;
use crate::out::{Out, notice};
use crate::reader::chosen;
use crate::station::{settings, with_master};
use serde::Serialize;
use std::path::Path;
use wardkey_desk::view::RequestRow;
use wardkey_desk::{Notice, clock};

const DAY: u64 = 24 * 3600;

/// `{"approved": "17402958", "request": …, "holder": …, "notAfter": …}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    approved: String,
    request: String,
    holder: String,
    not_after: u64,
}

/// Approves one waiting request, after its words were compared. The master key's PIN is typed twice: to sign in, and to approve.
///
/// # Errors
/// [`CliError::UnknownDevice`], [`CliError::WordsDiffer`], and everything of evidence, card, PIN and network.
pub async fn approve(out: &Out, file: &Path, asked: &Approve) -> Result<Exit, Notice> {
    let settings = settings(file)?;
    let reader = chosen(asked.reader.reader.as_deref().or(settings.reader.as_deref()))?;
    let work = with_master(settings, reader, out).await?;
    let rows = work.requests().await?;
    let row = newest(rows, &asked.card)?;
    compare(out, &row, asked.words.as_deref())?;
    let not_after = clock::now() + u64::from(asked.days) * DAY;
    out.say(&format!(
        "Type the master key's PIN to approve the card of {}.",
        row.holder
    ));
    work.approve(&row.request, asked.rights.bits(), not_after).await?;
    let done = Done {
        approved: row.card,
        request: row.request,
        holder: row.holder,
        not_after,
    };
    out.result(&done, |done| {
        format!("Card {} of {} is approved.", done.approved, done.holder)
    });
    Ok(Exit::Ok)
}

/// The newest request of that card, or the one with that id.
fn newest(rows: Vec<RequestRow>, name: &str) -> Result<RequestRow, Notice> {
    rows.into_iter()
        .filter(|row| row.card == name || row.request == name)
        .max_by_key(|row| row.submitted)
        .ok_or_else(|| notice(&CliError::UnknownDevice { name: name.to_owned() }))
}

fn compare(out: &Out, row: &RequestRow, words: Option<&str>) -> Result<(), Notice> {
    let Some(given) = words else {
        let question = format!(
            "Card {} of {}, {}. Its words are: {}\nAre these the words that IT saw? Type yes:",
            row.card,
            row.holder,
            row.role,
            row.words.join(" ")
        );
        return if out.ask(&question) == "yes" {
            Ok(())
        } else {
            Err(notice(&CliError::NotConfirmed))
        };
    };
    let given: Vec<String> = given.split_whitespace().map(str::to_lowercase).collect();
    if given == row.words {
        Ok(())
    } else {
        Err(notice(&CliError::WordsDiffer))
    }
}
