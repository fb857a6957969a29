//! The doctors at their workstations.

use super::devices::doctor;
use crate::cast::{PATIENT, WITHHELD};
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The note that Summit's doctor writes.
pub const NOTE: &str =
    "Collapsed on the mountain railway. Dehydrated, no fracture. Two litres of fluid, better after an hour.";
/// What she prescribes.
pub const MEDICATION: &str = "Oral rehydration salts";

/// Harbour's doctor signs in; the patient is there.
pub async fn sign_in_harbour(s: &mut Stage) -> Result<Value> {
    let evidence = sign_in(s, Side::Harbour).await?;
    let page = s.at(Side::Harbour).page()?;
    page.see("patient-row").await?;
    s.at(Side::Harbour).shot("harbour-patients").await?;
    open(s, Side::Harbour).await?;
    Ok(evidence)
}

/// Summit's doctor signs in; nobody is there yet.
pub async fn sign_in_summit(s: &mut Stage) -> Result<Value> {
    let evidence = sign_in(s, Side::Summit).await?;
    let page = s.at(Side::Summit).page()?;
    page.see("patients-empty").await?;
    s.at(Side::Summit).shot("summit-patients-empty").await?;
    Ok(evidence)
}

async fn sign_in(s: &mut Stage, side: Side) -> Result<Value> {
    let person = doctor(side);
    s.ask_to_sign_in(side, person).await?;
    let page = s.at(side).page()?;
    s.at(side)
        .pin_pictured(&[], &format!("{}-sign-in", side.terminal().name))
        .await?;
    let begun = Instant::now();
    s.pin(side, person).await?;
    page.reads("user-name", person.name).await?;
    let trial = page.shows("trial-banner").await?;
    ensure!(
        trial,
        "test roots are trusted, but the screen does not say that this is a trial"
    );
    Ok(json!({ "holder": person.name, "ms_from_pin_window": begun.elapsed().as_millis() as u64 }))
}

/// Opens the patient's chart.
pub async fn open(s: &Stage, side: Side) -> Result<()> {
    let page = s.at(side).page()?;
    page.click("patient-row").await?;
    page.click("reason-open").await?;
    page.see("chart").await?;
    page.reads("patient-name", PATIENT).await?;
    Ok(())
}

/// A real summary where the corpus is, else the project's own.
pub fn summary(s: &Stage) -> Result<PathBuf> {
    if let Some(corpus) = std::env::var_os("WARDKEY_CORPUS") {
        let file = PathBuf::from(corpus).join("ips").join("CY_194315.json");
        if file.is_file() {
            return Ok(file);
        }
    }
    let folder = s.place.source("desk/fixtures");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort_by_key(|file| std::fs::metadata(file).map(|about| about.len()).unwrap_or(0));
    files.pop().context("desk/fixtures holds no summary")
}

/// A real document is split, sealed, signed, written.
pub async fn import(s: &mut Stage) -> Result<Value> {
    let file = summary(s)?;
    let page = s.at(Side::Harbour).page()?;
    page.open_writing("write-import").await?;
    page.choose_file("import-file", &file).await?;
    page.see("import-preview").await?;
    let sections = page.count("[data-testid=\"import-section\"]").await?;
    s.at(Side::Harbour).shot("harbour-import").await?;
    page.click("import-confirm").await?;
    let said = page.text("import-done").await?;
    sent(s, Side::Harbour).await?;
    page.click("write-close").await?;
    reopen(s, Side::Harbour).await?;
    let entries = entries(s, Side::Harbour).await?;
    ensure!(entries > 3, "only {entries} entries are in the chart after the import");
    s.at(Side::Harbour).shot("harbour-chart").await?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(json!({ "file": name, "sections": sections, "said": said, "entries": entries }))
}

/// Closes and opens the chart: a fresh read.
pub async fn reopen(s: &Stage, side: Side) -> Result<()> {
    let page = s.at(side).page()?;
    page.click("close-chart").await?;
    open(s, side).await
}

/// How many entries the open chart shows, by its list of sections.
pub async fn entries(s: &Stage, side: Side) -> Result<u64> {
    let script = "return [...document.querySelectorAll('[data-testid^=\"section-link-\"] b')]
        .reduce((sum, b) => sum + Number(b.textContent), 0)";
    s.at(side)
        .page()?
        .run(script, Vec::new())
        .await?
        .as_u64()
        .context("the chart lists no sections")
}

/// How many records wait in the outbox.
pub async fn waiting(s: &Stage, side: Side) -> Result<u64> {
    let snapshot = s.at(side).page()?.ask("snapshot", json!({})).await?;
    snapshot["answer"]["outbox"]["waiting"]
        .as_u64()
        .with_context(|| format!("no outbox in {snapshot}"))
}

/// Waits until the outbox holds nothing unsent.
pub async fn sent(s: &Stage, side: Side) -> Result<()> {
    let begun = Instant::now();
    while waiting(s, side).await? > 0 {
        ensure!(
            begun.elapsed() < Duration::from_secs(60),
            "the outbox was not emptied within a minute"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// The grant appears by itself; the chart shows sections, sources, signatures, and the withheld one as withheld.
pub async fn read_at_summit(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Summit).page()?;
    page.see("patient-row").await?;
    page.see("fresh").await?;
    s.at(Side::Summit).shot("summit-grant-arrived").await?;
    open(s, Side::Summit).await?;
    for section in ["allergies", "medications", "problems", "results"] {
        let state = page.attribute(&format!("section-link-{section}"), "data-state").await?;
        ensure!(state.as_deref() == Some("loaded"), "{section} is {state:?}, not loaded");
    }
    let state = page.attribute(&format!("section-{WITHHELD}"), "data-state").await?;
    ensure!(
        state.as_deref() == Some("withheld"),
        "{WITHHELD} is {state:?}, not withheld"
    );
    let shown = page.count("[data-testid=\"entry\"]").await?;
    let verified = page
        .count("[data-testid=\"entry\"][data-signature=\"verified\"]")
        .await?;
    ensure!(
        shown > 0 && shown == verified,
        "{verified} of {shown} entries are verified"
    );
    let source = page.text("source").await?;
    ensure!(source.contains("Harbour Hospital"), "the source reads “{source}”");
    let allergies = page.texts("[data-testid=\"allergy\"]").await?;
    ensure!(!allergies.is_empty(), "no allergy is shown on top");
    s.at(Side::Summit).shot("summit-chart").await?;
    page.click(&format!("section-link-{WITHHELD}")).await?;
    let top = "return document.querySelector(`[data-testid=\"section-${arguments[0]}\"]`).getBoundingClientRect().top";
    let top = page.run(top, vec![WITHHELD.into()]).await?.as_f64().unwrap_or(f64::MAX);
    ensure!(
        (0.0..700.0).contains(&top),
        "the withheld section is out of sight: its top is at {top}"
    );
    s.at(Side::Summit).shot("summit-chart-withheld").await?;
    let log = page.text("chart-log").await?;
    Ok(json!({ "entries": entries(s, Side::Summit).await?, "allergies": allergies, "source": source, "log": log }))
}

/// An encounter note.
pub async fn note(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Summit).page()?;
    page.open_writing("write-note").await?;
    page.fill("note-text", NOTE).await?;
    s.at(Side::Summit).shot("summit-note").await?;
    page.click("note-write").await?;
    page.see("note-done").await?;
    sent(s, Side::Summit).await?;
    let record = record_titled(s, "encounters").await?;
    s.note("note", record.clone());
    Ok(json!({ "record": record }))
}

/// A prescription, signed by the signature key: the PIN is asked again.
pub async fn prescription(s: &mut Stage) -> Result<Value> {
    let side = Side::Summit;
    let page = s.at(side).page()?;
    page.open_writing("write-prescription").await?;
    page.fill("rx-medication", MEDICATION).await?;
    page.fill("rx-dose", "1 sachet in 200 ml water after each loose stool")
        .await?;
    page.fill("rx-quantity", "20 sachets").await?;
    page.fill("rx-reason", "Dehydration").await?;
    page.click("rx-sign").await?;
    s.at(side).pin_pictured(&[], "summit-prescription-pin").await?;
    s.pin(side, doctor(side)).await?;
    page.see("prescription-done").await?;
    sent(s, side).await?;
    page.click("write-close").await?;
    reopen(s, side).await?;
    page.at_least("[data-testid=\"entry\"][data-by=\"signature\"]", 1)
        .await?;
    page.click("section-link-medications").await?;
    s.at(side).shot("summit-prescription").await?;
    let script = "return document.querySelector('[data-testid=\"entry\"][data-by=\"signature\"]').dataset.record";
    let record = page
        .run(script, Vec::new())
        .await?
        .as_str()
        .unwrap_or_default()
        .to_owned();
    s.note("prescription", record.clone());
    Ok(json!({ "record": record }))
}

/// Reads the chart anew and answers the newest record of a section.
async fn record_titled(s: &Stage, section: &str) -> Result<String> {
    let page = s.at(Side::Summit).page()?;
    if page.shows("write-close").await? {
        page.click("write-close").await?;
    }
    reopen(s, Side::Summit).await?;
    let selector = format!("[data-testid=\"section-{section}\"] [data-testid=\"entry\"][data-signature=\"verified\"]");
    page.at_least(&selector, 1).await?;
    let script = "return document.querySelector(arguments[0]).dataset.record";
    let record = page.run(script, vec![selector.into()]).await?;
    record.as_str().map(str::to_owned).context("the entry has no record id")
}
