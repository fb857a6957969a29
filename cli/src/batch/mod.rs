//! A list of holders: one card each, in as many readers as there are, resumed after any interruption.
//!
//! The list is checked whole before a card is touched ([`holders`]). What was done is in a file beside it ([`state`]), written before
//! a card is used and after each step. Which card belongs to which line is decided in one place ([`plan`]).

pub mod holders;
pub mod plan;
mod serve;
pub mod state;

use crate::exit::Exit;
use crate::it;
use crate::out::{Out, notice};
use crate::reader;
use crate::station::{settings, unwatched};
use plan::Plan;
use serde::Serialize;
use serve::{Desk, serve};
use state::{Row, Stand};
use std::path::Path;
use std::sync::Arc;
use wardkey_desk::Notice;

/// `{"rows": 100, "requested": 97, "unfinished": […]}`.
#[derive(Serialize)]
struct Summary {
    rows: usize,
    requested: usize,
    unfinished: Vec<Row>,
}

/// Goes through the list until every line has its card, or somebody ends it.
///
/// # Errors
/// The list or the settings are wrong, the data folder is in use, no reader.
pub async fn prepare(out: &Out, file: &Path, list: &Path, named: &[String]) -> Result<Exit, Notice> {
    let (holders, lock) = holders::read(list).map_err(|error| notice(&error))?;
    let plan = Plan::open(list, &holders).map_err(|error| notice(&error))?;
    if !plan.is_done() {
        let settings = settings(file)?;
        let readers = reader::all(named)?;
        let work = unwatched(settings)?;
        // Long lists outlast the quarter of an hour; whoever serves a reader asks for IT's card again.
        it::unlock(&work, out).await?;
        let desk = Arc::new(Desk {
            work,
            plan: plan.clone(),
            out: *out,
        });
        out.say(&format!(
            "{} of {} cards to go. Readers: {}.",
            plan.left(),
            holders.len(),
            readers.join(", ")
        ));
        let mut tasks = tokio::task::JoinSet::new();
        for reader in readers {
            tasks.spawn(serve(Arc::clone(&desk), reader));
        }
        tokio::select! {
            () = async { while tasks.join_next().await.is_some() {} } => {}
            () = ended() => out.say("Ended; the same command goes on."),
        }
        tasks.abort_all();
    }
    drop(lock);
    let rows = plan.rows();
    let (done, unfinished): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.stand == Stand::Requested);
    let exit = if unfinished.is_empty() { Exit::Ok } else { Exit::Partial };
    let summary = Summary {
        rows: holders.len(),
        requested: done.len(),
        unfinished,
    };
    out.result(&summary, words);
    Ok(exit)
}

fn words(summary: &Summary) -> String {
    let mut lines = vec![format!(
        "{} of {} cards are prepared and requested.",
        summary.requested, summary.rows
    )];
    for row in &summary.unfinished {
        let card = row
            .serial
            .as_deref()
            .map_or(String::new(), |serial| format!(", card {serial}"));
        let why = row
            .error
            .as_ref()
            .map_or("not begun or not finished", |error| error.message.as_str());
        lines.push(format!("  line {}: {}{card}: {why}", row.line, row.holder));
    }
    lines.join("\n")
}

/// Ctrl-C, or a polite request to end.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    drop(tokio::signal::ctrl_c().await);
}
