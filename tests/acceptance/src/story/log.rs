//! The patient looks at records and log.

use crate::patient;
use crate::stage::{Side, Stage};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Both of Summit's records are there, verified.
pub async fn records(s: &mut Stage) -> Result<Value> {
    patient::home(s).await?;
    let page = s.phone.page()?;
    page.click("nav-records").await?;
    page.at_least("[data-testid=\"record-line\"]", 2).await?;
    let wanted = [s.noted("note")?, s.noted("prescription")?];
    for record in &wanted {
        let selector = format!("[data-testid=\"record-line\"][data-record=\"{record}\"][data-verified=\"yes\"]");
        page.at_least(&selector, 1).await?;
    }
    let doubtful = page
        .count("[data-testid=\"record-line\"]:not([data-verified=\"yes\"])")
        .await?;
    ensure!(doubtful == 0, "{doubtful} records are not verified");
    page.shot(&s.place.out("phone-records.png")).await?;
    let all = page.count("[data-testid=\"record-line\"]").await?;
    Ok(json!({ "records": wanted, "shown": all, "verified": all }))
}

/// The ids of all records that the phone shows, each as often as it shows it.
pub async fn record_ids(s: &Stage) -> Result<Vec<String>> {
    patient::home(s).await?;
    let page = s.phone.page()?;
    page.click("nav-records").await?;
    page.at_least("[data-testid=\"record-line\"]", 1).await?;
    let script =
        "return [...document.querySelectorAll('[data-testid=\"record-line\"]')].map((line) => line.dataset.record)";
    let ids = page.run(script, Vec::new()).await?;
    Ok(serde_json::from_value(ids)?)
}

/// Every line of the log is verified, down to the checkpoint on chain.
pub async fn lines(s: &mut Stage) -> Result<Value> {
    let page = s.phone.page()?;
    page.click("nav-log").await?;
    whole(s).await?;
    let begun = Instant::now();
    // Lines newer than the newest checkpoint wait for the next one.
    while page
        .count("[data-testid=\"log-line\"]:not([data-verified=\"yes\"])")
        .await?
        > 0
    {
        ensure!(
            begun.elapsed() < Duration::from_secs(40),
            "some lines of the log stay unverified:\n{}",
            page.words().await
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        patient::home(s).await?;
        page.click("nav-log").await?;
        whole(s).await?;
    }
    page.shot(&s.place.out("phone-log.png")).await?;
    let checkpoint = s.gateway.get("/v1/checkpoints/latest").await?;
    let words = page.words().await;
    ensure!(
        words.contains(Side::Summit.terminal().institution),
        "the log does not name Summit Clinic"
    );
    Ok(json!({ "lines": page.count("[data-testid=\"log-line\"]").await?, "checkpoint": checkpoint }))
}

/// Shows every line.
async fn whole(s: &Stage) -> Result<()> {
    let page = s.phone.page()?;
    page.at_least("[data-testid=\"log-line\"]", 3).await?;
    while page.shows("log-more").await? {
        page.click("log-more").await?;
    }
    Ok(())
}

/// After the revocation the patient still has what was written.
pub async fn after_revocation(s: &mut Stage) -> Result<Value> {
    records(s).await
}
