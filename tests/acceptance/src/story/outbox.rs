//! The card is pulled; the gateway is killed. Nothing is lost.

use super::chart::{sent, summary, waiting};
use super::devices::doctor;
use super::log::record_ids;
use super::memory;
use crate::cast::PATIENT;
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const HALF: &str = "Second visit: blood pressure 118 over 76, walks without";

/// Half a note is typed, the card goes, the cover comes at once; card and PIN bring the half note back.
pub async fn pulled(s: &mut Stage) -> Result<Value> {
    let side = Side::Harbour;
    let page = s.at(side).page()?.clone();
    page.open_writing("write-note").await?;
    page.fill("note-text", HALF).await?;
    let typed = Instant::now();
    let pulled = s.snatch(side);
    page.see("cover").await?;
    let covered = pulled.elapsed().as_millis() as u64;
    let words = page.words().await;
    ensure!(
        !words.contains(PATIENT) && !words.contains(HALF),
        "the cover shows something of the patient: {words}"
    );
    s.at(side).shot("harbour-covered").await?;
    s.at(side).display().shot(&s.place.out("harbour-covered-screen.png"))?;
    s.rig.wait_for_card(side.terminal().reader, false)?;
    let wiped = memory::card_gone(s).await?;
    s.insert(side, doctor(side)).await?;
    resume(s, side).await?;
    page.see("chart").await?;
    if page.see_within("note-text", Duration::from_secs(2)).await.is_err() {
        page.click("write").await?;
    }
    let back = page
        .run(
            "return document.querySelector('[data-testid=note-text]').value",
            Vec::new(),
        )
        .await?;
    ensure!(back == HALF, "the half-typed note came back as {back}");
    s.at(side).shot("harbour-draft-returned").await?;
    let unsaved = pulled.duration_since(typed).as_millis() as u64;
    Ok(
        json!({ "covered_ms_after_pulling": covered, "ms_between_typing_and_pulling": unsaved, "draft": HALF, "ms_until_keys_are_wiped": wiped }),
    )
}

/// The same card lifts the cover: the PIN window opened by itself when it was inserted.
pub async fn resume(s: &Stage, side: Side) -> Result<()> {
    let page = s.at(side).page()?;
    s.pin(side, doctor(side)).await?;
    page.gone("cover").await
}

/// A large document at Harbour, or the same summary again.
fn large(s: &Stage) -> Result<PathBuf> {
    if let Some(corpus) = std::env::var_os("WARDKEY_CORPUS") {
        let file = PathBuf::from(corpus).join("synthea").join("Kathy_Walker.json");
        if file.is_file() {
            return Ok(file);
        }
    }
    summary(s)
}

/// SIGKILL amid the writes of an import; after the restart everything is there, once.
pub async fn killed(s: &mut Stage) -> Result<Value> {
    let side = Side::Harbour;
    let file = large(s)?;
    let before = record_ids(s).await?;
    let page = s.at(side).page()?.clone();
    if !page.shows("write-pane").await? {
        page.click("write").await?;
    }
    page.click("write-import").await?;
    page.choose_file("import-file", &file).await?;
    page.see("import-preview").await?;
    let count = "return [...document.querySelectorAll('[data-testid=import-section]')].reduce((n, e) => n + Number(e.dataset.count), 0)";
    let total = page
        .run(count, Vec::new())
        .await?
        .as_u64()
        .context("the preview counts nothing")?;
    let killer = s.gateway.kill_at_next_write()?;
    page.click("import-confirm").await?;
    page.see("import-done").await?;
    ensure!(killer.join().unwrap_or(false), "the gateway wrote nothing");
    let waiting = waiting(s, side).await?;
    ensure!(waiting > 0, "everything had arrived before the gateway was killed");
    page.reads("online", "Offline").await?;
    s.at(side).shot("harbour-gateway-down").await?;
    let down = Instant::now();
    s.gateway.restart()?;
    sent(s, side).await?;
    let arrived = down.elapsed().as_millis() as u64;
    let after = record_ids(s).await?;
    let distinct: HashSet<&String> = after.iter().collect();
    ensure!(
        distinct.len() == after.len(),
        "{} records are there more than once",
        after.len() - distinct.len()
    );
    let came = (after.len() - before.len()) as u64;
    ensure!(came == total, "{total} records were written, {came} arrived");
    s.at(side).page()?.reads("online", "Online").await?;
    super::institutions::go(s, side, "status").await?;
    s.at(side).shot("harbour-status").await?;
    Ok(
        json!({ "records": total, "waiting_when_killed": waiting, "all_sent_ms_after_restart": arrived, "arrived": came }),
    )
}
