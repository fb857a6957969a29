//! Bad input and bad days that need the whole system. Each is told clearly, and nothing is lost.

use super::devices::doctor;
use super::outbox::resume;
use crate::cast::HARBOUR_MASTER;
use crate::patient;
use crate::pinpad;
use crate::stage::{Side, Stage};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// Posters with a forged name, an unknown institution, another chain, another contract.
pub async fn posters(s: &mut Stage) -> Result<Value> {
    let link = s.noted("summit-link")?;
    let id = s.noted("summit")?;
    let contract = parameter(&link, "k");
    let cases = [
        (
            "forged name",
            "poster-name-forged",
            link.replace(&parameter(&link, "n"), "Grand%20Hospital"),
        ),
        (
            "unknown institution",
            "institution-unknown",
            link.replace(&id, &"ab".repeat(32)),
        ),
        (
            "other chain",
            "poster-other-network",
            link.replace(&format!("c={}", parameter(&link, "c")), "c=1"),
        ),
        (
            "other contract",
            "poster-other-network",
            link.replace(&contract, &"cd".repeat(20)),
        ),
    ];
    let mut told = Vec::new();
    for (name, wanted, forged) in cases {
        ensure!(forged != link, "the poster for “{name}” was not changed");
        let (code, words) = patient::stopped(s, &forged).await?;
        ensure!(
            code == wanted,
            "the poster with {name} was stopped as `{code}`, not `{wanted}`"
        );
        s.phone
            .page()?
            .shot(&s.place.out(&format!("phone-stop-{}.png", name.replace(' ', "-"))))
            .await?;
        told.push(json!({ "poster": name, "code": code, "told": words }));
    }
    Ok(Value::Array(told))
}

fn parameter(link: &str, name: &str) -> String {
    let rest = link.split(&format!("{name}=")).nth(1).unwrap_or_default();
    rest.split('&').next().unwrap_or_default().to_owned()
}

/// A suspended institution cannot be granted to; accredited again, it can.
pub async fn suspended(s: &mut Stage) -> Result<Value> {
    let (id, link) = (s.noted("summit")?, s.noted("summit-link")?);
    s.gateway.operator("suspend", &id)?;
    let (code, told) = patient::stopped(s, &link).await?;
    ensure!(code == "institution-suspended", "stopped as `{code}`");
    s.phone.page()?.shot(&s.place.out("phone-stop-suspended.png")).await?;
    s.gateway.operator("accredit", &id)?;
    Ok(json!({ "told": told }))
}

/// A wrong PIN leaves the window open, says how many tries are left, and takes the right one.
pub async fn wrong_pin(s: &mut Stage) -> Result<Value> {
    let side = Side::Harbour;
    s.ask_to_sign_in(side, doctor(side)).await?;
    let page = s.at(side).page()?;
    s.at(side).pin(&["102938"]).await?;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    s.at(side).display().shot(&s.place.out("harbour-wrong-pin.png"))?;
    pinpad::appear(s.at(side).display(), Duration::from_secs(1)).await?;
    s.pin(side, doctor(side)).await?;
    page.reads("user-name", doctor(side).name).await?;
    page.click("lock").await?;
    page.see("locked").await?;
    s.pull(side).await?;
    Ok(json!({ "picture": "harbour-wrong-pin.png" }))
}

/// No JSON, empty, another FHIR version, another encoding: each refused with a reason, nothing written.
pub async fn files(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Harbour).page()?;
    page.open_writing("write-import").await?;
    let dstu2 = r#"{"resourceType":"Bundle","type":"document","meta":{"profile":["http://hl7.org/fhir/DSTU2/StructureDefinition/Bundle"]},"entry":[{"resource":{"resourceType":"MedicationOrder"}}]}"#;
    let r5 = r#"{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Encounter","class":[{"text":"emergency"}]}}]}"#;
    let cases: [(&str, &[u8]); 5] = [
        ("no-json", b"this is no JSON"),
        ("empty", b""),
        ("not-a-bundle", br#"{"resourceType":"Patient"}"#),
        ("dstu2", dstu2.as_bytes()),
        ("r5", r5.as_bytes()),
    ];
    let mut told = Vec::new();
    for (name, bytes) in cases {
        let file = s.place.data(&format!("bad-{name}.json"));
        std::fs::write(&file, bytes)?;
        page.choose_file("import-file", &file).await?;
        let words = page.text("import-fault").await;
        told.push(json!({ "file": name, "told": words? }));
        ensure!(!page.shows("import-preview").await?, "{name} was taken for a summary");
    }
    s.at(Side::Harbour).shot("harbour-import-refused").await?;
    Ok(Value::Array(told))
}

/// Another card under the cover: its holder gets nothing of the first person's work.
pub async fn other_card(s: &mut Stage) -> Result<Value> {
    let side = Side::Harbour;
    let page = s.at(side).page()?.clone();
    s.pull(side).await?;
    page.see("cover").await?;
    s.insert(side, &HARBOUR_MASTER).await?;
    if pinpad::appear(s.at(side).display(), Duration::from_secs(3))
        .await
        .is_ok()
    {
        s.pin(side, &HARBOUR_MASTER).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(!page.shows("chart").await?, "another card opened the chart");
    s.at(side).shot("harbour-other-card").await?;
    let words = page.words().await;
    s.insert(side, doctor(side)).await?;
    resume(s, side).await?;
    page.see("chart").await?;
    Ok(json!({ "told": words }))
}
