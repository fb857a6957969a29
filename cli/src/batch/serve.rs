//! One reader: a card comes in, is recognised, goes its way, and is pulled.

use super::plan::{Claim, Plan};
use super::state::{Row, Stand};
use crate::out::{Out, notice};
use crate::reader::has_card;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use wardkey_desk::error::DeskError;
use wardkey_desk::view::ItState;
use wardkey_desk::{Notice, Workstation};
use wardkey_hsm::CardError;
use wardkey_hsm::status::{CardStage, CardStatus};

/// Time between two looks at the reader.
const LOOK: Duration = Duration::from_millis(150);

/// What all readers share.
pub struct Desk {
    /// The workstation.
    pub work: Arc<Workstation>,
    /// The list.
    pub plan: Plan,
    /// Where it is said.
    pub out: Out,
}

/// `{"progress": {"reader": …, "row": {…}}}`.
#[derive(Serialize)]
struct Progress<'a> {
    progress: Step<'a>,
}

/// One step of one line.
#[derive(Serialize)]
struct Step<'a> {
    reader: &'a str,
    row: &'a Row,
}

/// Serves one reader until every line has its card.
pub async fn serve(desk: Arc<Desk>, reader: String) {
    let mut asked = false;
    while !desk.plan.is_done() {
        if !has_card(&reader) {
            if !std::mem::replace(&mut asked, true) {
                desk.out.say(&format!("{reader}: insert the next new card."));
            }
            tokio::time::sleep(LOOK).await;
            continue;
        }
        asked = false;
        if let Err(notice) = one(&desk, &reader).await {
            desk.out
                .say(&format!("{reader}: {}. {}", notice.message, notice.action));
        }
        while has_card(&reader) {
            if desk.plan.is_done() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn one(desk: &Desk, reader: &str) -> Result<(), Notice> {
    let card = look(reader).await?;
    let serial = card.serial.clone().ok_or_else(|| notice(&CardError::NotYubiKey))?;
    let it = desk.work.it_card().await?;
    if it.cards.contains(&serial) {
        // A list may outlast the quarter of an hour: put in again, IT's card goes on with it.
        if it.state != ItState::Open {
            desk.work.unlock_it_in(reader).await?;
        }
        desk.out
            .say(&format!("{reader}: IT's card {serial} has unlocked. Pull it."));
        return Ok(());
    }
    if it.state != ItState::Open {
        return Err(notice(&DeskError::ItLocked));
    }
    let claim = desk.plan.claim(&serial, &card.stage).map_err(|error| notice(&error))?;
    match claim {
        Claim::Row(place, row) => {
            let outcome = go_on(desk, reader, &serial, &card.stage, place, &row).await;
            if let Err(fault) = &outcome {
                let row = desk.plan.failed(place, fault).map_err(|error| notice(&error))?;
                desk.tell(reader, row.as_ref());
            }
            outcome
        }
        Claim::Done(row) => {
            desk.out.say(&format!(
                "{reader}: card {serial} of {} is done already. Pull it.",
                row.holder
            ));
            Ok(())
        }
        Claim::NotNew(detail) => Err(notice(&crate::fault::CliError::NotNew { detail })),
        Claim::NoLine => {
            desk.out
                .say(&format!("{reader}: every line has its card. Pull this one."));
            Ok(())
        }
    }
}

async fn go_on(
    desk: &Desk,
    reader: &str,
    serial: &str,
    stage: &CardStage,
    place: usize,
    row: &Row,
) -> Result<(), Notice> {
    let of = |text: &str| format!("{reader}: {text} {} (line {}, card {serial}).", row.holder, row.line);
    let ready = matches!(stage, CardStage::Ready) || (row.stand == Stand::Prepared && *stage == CardStage::Untold);
    let card = if ready {
        desk.work.enrolling(reader, serial, &row.holder, &row.role).await?
    } else {
        desk.out.say(&of("preparing the card of"));
        let card = desk.work.prepare_in(reader, serial, &row.holder, &row.role).await?;
        let row = desk.plan.prepared(place).map_err(|error| notice(&error))?;
        desk.tell(reader, row.as_ref());
        card
    };
    desk.out.say(&of("asking for the approval of"));
    let sent = desk.work.request_in(reader, &card).await?;
    let row = desk.plan.requested(place, sent).map_err(|error| notice(&error))?;
    desk.tell(reader, row.as_ref());
    if let Some(row) = row {
        desk.out.say(&format!(
            "{reader}: {} is done. Words: {}. {} to go. Pull the card.",
            row.holder,
            row.words.join(" "),
            desk.plan.left()
        ));
    }
    Ok(())
}

impl Desk {
    fn tell(&self, reader: &str, row: Option<&Row>) {
        if let Some(row) = row {
            self.out.progress(&Progress {
                progress: Step { reader, row },
            });
        }
    }
}

async fn look(reader: &str) -> Result<CardStatus, Notice> {
    let reader = reader.to_owned();
    tokio::task::spawn_blocking(move || wardkey_hsm::status::status(&reader))
        .await
        .map_err(|_| notice(&DeskError::Internal))?
        .map_err(|error| notice(&error))
}
