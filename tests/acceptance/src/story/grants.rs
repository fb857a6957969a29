//! The patient grants and revokes.

use crate::cast::WITHHELD;
use crate::patient;
use crate::stage::{Side, Stage};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

/// First opening, Harbour's poster through the camera, everything granted.
pub async fn harbour(s: &mut Stage) -> Result<Value> {
    patient::arrive(s, "harbour").await?;
    patient::first_opening(s).await?;
    let shown = patient::scan(s, "harbour-institution").await?;
    ensure!(
        shown.contains(Side::Harbour.terminal().institution),
        "the page names “{shown}”"
    );
    let choice = patient::Choice {
        withheld: &[],
        write: &[],
        last_day: None,
    };
    let grant = patient::grant(s, choice, "phone-grant-harbour").await?;
    s.note("harbour-grant", grant["commitment"].as_str().unwrap_or_default());
    Ok(json!({ "institution": shown, "grant": grant }))
}

/// Summit's poster; all but one section, notes may be written, until a date.
pub async fn summit(s: &mut Stage) -> Result<Value> {
    patient::arrive(s, "summit").await?;
    let shown = patient::scan(s, "summit-institution").await?;
    ensure!(
        shown.contains(Side::Summit.terminal().institution),
        "the page names “{shown}”"
    );
    let in_five_days = "return new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10)";
    let last_day = s
        .phone
        .page()?
        .run(in_five_days, Vec::new())
        .await?
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let choice = patient::Choice {
        withheld: &[WITHHELD],
        write: &["encounters", "medications"],
        last_day: Some(&last_day),
    };
    let grant = patient::grant(s, choice, "phone-grant-summit").await?;
    s.note("summit-grant", grant["commitment"].as_str().unwrap_or_default());
    Ok(json!({ "institution": shown, "withheld": WITHHELD, "last_day": last_day, "grant": grant }))
}

/// Summit is revoked: its open chart closes and it reads no more.
pub async fn revoke(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Summit).page()?;
    page.see("chart").await?;
    patient::revoke(s, &s.noted("summit-grant")?).await?;
    let begun = Instant::now();
    page.gone("chart").await?;
    let closed = begun.elapsed().as_millis() as u64;
    let reason = page.text("chart-ended").await?;
    s.at(Side::Summit).shot("summit-revoked").await?;
    let live = page.count("[data-testid=\"patient-row\"][data-state=\"live\"]").await?;
    ensure!(live == 0, "the patient is still listed as live at Summit");
    let refused = refused_read(s).await?;
    Ok(json!({ "closed_after_ms": closed, "reason": reason, "next_read": refused }))
}

/// Asks the workstation itself to read again, as a stale window would.
async fn refused_read(s: &Stage) -> Result<String> {
    let question = json!({ "commitment": s.noted("summit-grant")?, "reason": "Follow-up" });
    let answer = s.at(Side::Summit).page()?.ask("open_chart", question).await?;
    let code = answer["refused"].as_str().unwrap_or_default().to_owned();
    ensure!(
        code == "grant-revoked",
        "the next read answered `{code}`, not `grant-revoked`"
    );
    Ok(code)
}
