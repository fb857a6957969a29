//! A doctor's card is lost: revoked, and the institution learns what it did.

use super::devices::doctor;
use super::institutions::{master, master_sign_in, to_approvals};
use crate::stage::{Side, Stage};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Harbour's master-key holder revokes the doctor's card and looks what it read and wrote; the card opens nothing any more.
pub async fn revoked(s: &mut Stage) -> Result<Value> {
    let (side, person) = (Side::Harbour, doctor(Side::Harbour));
    s.insert(side, master(side)).await?;
    // The doctor was signed in: her work is under the cover, which another person's card does not lift.
    let page = s.at(side).page()?;
    page.click("cover-lock").await?;
    page.see("tasks").await?;
    to_approvals(s, side).await?;
    master_sign_in(s, side).await?;
    let page = s.at(side).page()?;
    page.reads("device-row", person.name).await?;
    page.click("revoke-device").await?;
    page.see("revoke-dialog").await?;
    page.click("revoke-confirm").await?;
    s.pin(side, master(side)).await?;
    let page = s.at(side).page()?;
    page.see("uses-dialog").await?;
    page.click("uses-show").await?;
    s.pin(side, master(side)).await?;
    let page = s.at(side).page()?;
    page.see("uses-count").await?;
    s.at(side).shot("harbour-lost-card").await?;
    let reads = page.count("[data-testid=\"use-line\"][data-action=\"read\"]").await?;
    let writes = page.count("[data-testid=\"use-line\"][data-action=\"write\"]").await?;
    ensure!(
        reads > 0 && writes > 0,
        "the report has {reads} readings and {writes} writings"
    );
    page.click("uses-close").await?;
    s.pull(side).await?;
    let device = s.noted("harbour-device")?;
    let known = s.gateway.get(&format!("/v1/devices/{device}")).await?;
    ensure!(known["status"] == "revoked", "unexpected: {known}");
    Ok(json!({ "device": device, "reads": reads, "writes": writes }))
}
