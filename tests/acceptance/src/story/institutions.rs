//! The network and its institutions.

use crate::cast::{HARBOUR_IT, HARBOUR_MASTER, Person, SUMMIT_IT, SUMMIT_MASTER};
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The network answers with contract, operator and head of the chain.
pub async fn network(s: &mut Stage) -> Result<Value> {
    let network = s.gateway.get("/v1/network").await?;
    ensure!(
        network["contract"]
            .as_str()
            .is_some_and(|contract| contract.len() == 40),
        "no contract: {network}"
    );
    ensure!(
        network["operator"].as_str().is_some_and(|key| key.len() == 130),
        "no operator: {network}"
    );
    ensure!(
        network["head"]["number"].as_u64().is_some_and(|number| number >= 1),
        "no block: {network}"
    );
    Ok(network)
}

/// The master's card.
pub const fn master(side: Side) -> &'static Person {
    match side {
        Side::Harbour => &HARBOUR_MASTER,
        Side::Summit => &SUMMIT_MASTER,
    }
}

/// IT's card.
pub const fn it(side: Side) -> &'static Person {
    match side {
        Side::Harbour => &HARBOUR_IT,
        Side::Summit => &SUMMIT_IT,
    }
}

/// IT sets its own card up: the secret from which every card's PUK comes is sealed to it.
async fn set_it_up(s: &mut Stage, side: Side) -> Result<()> {
    go(s, side, "enrolment").await?;
    s.insert(side, it(side)).await?;
    let page = s.at(side).page()?;
    // The button waits for the card to be read.
    page.see("card-status").await?;
    page.click("it-found").await?;
    s.choose_pin(side, it(side)).await?;
    page.reads_with("it-state", "data-value", "open").await?;
    s.at(side).shot(&format!("{}-it-card", side.terminal().name)).await?;
    s.pull(side).await
}

/// Unlocks with IT's card, as IT does before it prepares a card. The reader is empty afterwards.
pub async fn unlock_it(s: &mut Stage, side: Side) -> Result<()> {
    go(s, side, "enrolment").await?;
    s.insert(side, it(side)).await?;
    let page = s.at(side).page()?;
    // The button waits for the card to be read.
    page.see("card-status").await?;
    page.click("it-unlock").await?;
    s.pin(side, it(side)).await?;
    page.reads_with("it-state", "data-value", "open").await?;
    s.pull(side).await
}

/// The master key is made on a card and registers the institution; the operator accredits it.
pub async fn found(s: &mut Stage, side: Side) -> Result<Value> {
    let terminal = side.terminal();
    s.at_mut(side).start().await?;
    s.at(side).page()?.see("locked").await?;
    s.at(side).shot(&format!("{}-locked", terminal.name)).await?;
    set_it_up(s, side).await?;
    // From one area of preparing to the other, so it stays unlocked.
    to_approvals(s, side).await?;
    s.insert(side, master(side)).await?;
    let page = s.at(side).page()?;
    page.click("prepare-master").await?;
    s.at(side)
        .pin_pictured(&[], &format!("{}-pinpad-choose", terminal.name))
        .await?;
    s.choose_pin(side, master(side)).await?;
    register_screen(s, side).await?;
    page.fill("institution-name", terminal.institution).await?;
    page.fill("institution-country", terminal.country).await?;
    s.at(side).shot(&format!("{}-registration", terminal.name)).await?;
    page.click("register").await?;
    s.pin(side, master(side)).await?;
    page.reads("master-state", "Registered").await?;
    let institution = s.gateway.institution(terminal.institution).await?;
    let id = institution["id"]
        .as_str()
        .context("the institution has no id")?
        .to_owned();
    ensure!(institution["status"] == "registered", "unexpected: {institution}");
    let said = s.gateway.operator("accredit", &id)?;
    let institution = s.gateway.get(&format!("/v1/institutions/{id}")).await?;
    ensure!(institution["status"] == "accredited", "unexpected: {institution}");
    s.note(if side == Side::Harbour { "harbour" } else { "summit" }, id.clone());
    Ok(json!({ "institution": id, "block": institution["block"], "master": institution["master"], "operator": said }))
}

/// After the master card is prepared, the window asks for the institution's name.
async fn register_screen(s: &Stage, side: Side) -> Result<()> {
    let page = s.at(side).page()?;
    let begun = Instant::now();
    while !page.shows("registration").await? {
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "the registration did not appear:\n{}",
            page.words().await
        );
        // A key that the registry does not know needs no PIN to be shown as such.
        if page.shows("master-prepared").await? && page.shows("master-sign-in").await? {
            page.click("master-sign-in").await?;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// From the lock screen or anywhere to the approvals.
pub async fn to_approvals(s: &Stage, side: Side) -> Result<()> {
    go(s, side, "approvals").await
}

/// Opens an area, from the lock screen too.
pub async fn go(s: &Stage, side: Side, area: &str) -> Result<()> {
    let page = s.at(side).page()?;
    if page.shows("tasks").await? {
        page.click("tasks").await?;
    }
    page.click(&format!("nav-{area}")).await?;
    page.see(area).await?;
    Ok(())
}

/// Signs the master key in.
pub async fn master_sign_in(s: &Stage, side: Side) -> Result<()> {
    let page = s.at(side).page()?;
    page.click("master-sign-in").await?;
    s.pin(side, master(side)).await?;
    page.see("master").await?;
    Ok(())
}
