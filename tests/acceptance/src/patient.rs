//! What the patient does on the phone.

use crate::cast::{BORN, PATIENT};
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// What is granted.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Sections that are not to be read; all others are.
    pub withheld: &'a [&'a str],
    /// Sections that may be written; all if empty.
    pub write: &'a [&'a str],
    /// Last day (YYYY-MM-DD); a month if missing.
    pub last_day: Option<&'a str>,
}

/// Stands before a poster: the browser is started with a camera that sees it, and the page is opened.
pub async fn arrive(s: &mut Stage, poster: &str) -> Result<()> {
    let film = s.place.data(&format!("poster-{poster}.y4m"));
    s.phone.start(Some(&film)).await?;
    home(s).await
}

/// Opens the page at its start.
pub async fn home(s: &Stage) -> Result<()> {
    let page = s.phone.page()?;
    page.goto("about:blank").await?;
    page.goto(&format!("{}/", s.gateway.origin())).await
}

/// Name and date of birth; the key is made.
pub async fn first_opening(s: &Stage) -> Result<()> {
    let page = s.phone.page()?;
    page.see("first-open").await?;
    page.shot(&s.place.out("phone-welcome.png")).await?;
    page.fill("first-open-name", PATIENT).await?;
    let (year, month, day) = BORN;
    page.fill("first-open-birthdate", &format!("{day} {month} {year}"))
        .await?;
    page.click("first-open-continue").await?;
    page.see("scan-start").await?;
    page.shot(&s.place.out("phone-home.png")).await
}

/// Lets the camera read the poster; answers the institution's name that the page shows.
pub async fn scan(s: &Stage, picture: &str) -> Result<String> {
    let page = s.phone.page()?;
    page.click("scan-start").await?;
    let name = page.text("institution-name").await?;
    page.see("grant-start").await?;
    page.shot(&s.place.out(&format!("phone-{picture}.png"))).await?;
    Ok(name)
}

/// Grants; answers what the page says of it: commitment, transaction, block.
pub async fn grant(s: &Stage, choice: Choice<'_>, picture: &str) -> Result<Value> {
    let page = s.phone.page()?;
    page.click("grant-start").await?;
    page.see("grant-confirm").await?;
    page.shot(&s.place.out(&format!("{picture}.png"))).await?;
    if !choice.withheld.is_empty() {
        page.click("grant-read-change").await?;
        for section in choice.withheld {
            page.tick(&format!("grant-section-{section}")).await?;
        }
        page.shot(&s.place.out(&format!("{picture}-sections.png"))).await?;
    }
    if !choice.write.is_empty() {
        page.click("grant-write-change").await?;
        page.click("write-sections-all").await?;
        for section in choice.write {
            page.tick(&format!("write-section-{section}")).await?;
        }
    }
    match choice.last_day {
        Some(day) => {
            page.tick("until-date").await?;
            page.set("until-date-input", day).await?;
        }
        None => page.tick("until-month").await?,
    }
    page.shot(&s.place.out(&format!("{picture}-chosen.png"))).await?;
    page.click("grant-confirm").await?;
    let done = page.see("grant-done").await?;
    page.shot(&s.place.out(&format!("{picture}-done.png"))).await?;
    let commitment = done.attr("data-commitment").await?.context("the page names no grant")?;
    Ok(json!({ "commitment": commitment, "tx": done.attr("data-tx").await?, "block": done.attr("data-block").await? }))
}

/// Revokes a grant.
pub async fn revoke(s: &Stage, commitment: &str) -> Result<()> {
    home(s).await?;
    let page = s.phone.page()?;
    page.see("grant-line").await?;
    page.shot(&s.place.out("phone-access.png")).await?;
    page.goto(&format!("{}/#/access/{commitment}", s.gateway.origin()))
        .await?;
    page.see("access-detail").await?;
    page.shot(&s.place.out("phone-access-one.png")).await?;
    page.click("revoke").await?;
    page.shot(&s.place.out("phone-revoke.png")).await?;
    page.click("revoke-confirm").await?;
    page.see("revoked").await?;
    page.shot(&s.place.out("phone-revoked.png")).await
}

/// Opens a poster's link: the page must warn and offer nothing to grant. Answers the warning's code and words.
pub async fn stopped(s: &Stage, link: &str) -> Result<(String, String)> {
    let page = s.phone.page()?;
    page.goto("about:blank").await?;
    page.goto(link).await?;
    let code = page.attribute("warning", "data-code").await?.unwrap_or_default();
    let words = page.text("warning").await?;
    ensure!(
        !page.shows("grant-start").await?,
        "the page offers to grant in spite of the warning “{words}”"
    );
    Ok((code, words))
}
