//! A doctor's card: prepared, requested, approved.

use super::institutions::{go, master, master_sign_in, to_approvals, unlock_it};
use super::memory;
use crate::cast::{HARBOUR_DOCTOR, Person, SUMMIT_DOCTOR};
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The doctor of an institution.
pub const fn doctor(side: Side) -> &'static Person {
    match side {
        Side::Harbour => &HARBOUR_DOCTOR,
        Side::Summit => &SUMMIT_DOCTOR,
    }
}

/// IT prepares the card and asks; the master-key holder sees the evidence and approves; the chain knows the device.
pub async fn enrol(s: &mut Stage, side: Side) -> Result<Value> {
    let (person, name) = (doctor(side), side.terminal().name);
    unlock_it(s, side).await?;
    s.insert(side, person).await?;
    let page = s.at(side).page()?;
    page.fill("holder", person.name).await?;
    page.fill("role", person.role).await?;
    page.click("prepare-card").await?;
    s.choose_pin(side, person).await?;
    page.see("prepared").await?;
    page.click("request-device").await?;
    s.pin(side, person).await?;
    page.see("requested").await?;
    let words = page
        .attribute("request-words", "data-value")
        .await?
        .context("no words to compare")?;
    s.at(side).shot(&format!("{name}-enrolment")).await?;
    approve(s, side, &words).await?;
    go(s, side, "enrolment").await?;
    s.insert(side, person).await?;
    let page = s.at(side).page()?;
    page.reads("device-state", "Approved").await?;
    let slots = page.count("[data-testid^=\"slot-\"][data-state=\"key\"]").await?;
    ensure!(slots == 3, "{slots} slots hold a key, not 3");
    memory::learn(s, side).await?;
    s.pull(side).await?;
    Ok(json!({ "holder": person.name, "card": person.serial, "device": s.noted(device(side))?, "words": words }))
}

const fn device(side: Side) -> &'static str {
    match side {
        Side::Harbour => "harbour-device",
        Side::Summit => "summit-device",
    }
}

async fn approve(s: &mut Stage, side: Side, words: &str) -> Result<()> {
    let (person, name) = (doctor(side), side.terminal().name);
    to_approvals(s, side).await?;
    s.insert(side, master(side)).await?;
    master_sign_in(s, side).await?;
    let page = s.at(side).page()?;
    page.reads("request", person.name).await?;
    let evidence = page.attribute("evidence", "data-value").await?;
    ensure!(
        evidence.as_deref() == Some("testRoot"),
        "the evidence reads {evidence:?}, not testRoot"
    );
    let same = page
        .attribute("request-words", "data-value")
        .await?
        .context("no words to compare")?;
    ensure!(same == words, "the words differ: “{same}” and “{words}”");
    s.at(side).shot(&format!("{name}-approval")).await?;
    page.click("approve").await?;
    s.pin(side, master(side)).await?;
    page.reads("device-row", person.name).await?;
    s.at(side).shot(&format!("{name}-devices")).await?;
    let devices = page.ask("devices", json!({})).await?;
    let id = devices["answer"][0]["device"]
        .as_str()
        .context("the device has no id")?
        .to_owned();
    let known = s.gateway.get(&format!("/v1/devices/{id}")).await?;
    ensure!(known["status"] == "active", "unexpected: {known}");
    s.note(device(side), id);
    s.pull(side).await
}
