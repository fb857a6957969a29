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
use wardkey_hsm::PivCard;

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
    let left = PivCard::attach(side.terminal().reader)?.info()?.tries_left;
    ensure!(
        left == Some(4),
        "one of five tries was used, the card says {left:?} are left"
    );
    s.pin(side, doctor(side)).await?;
    page.reads("user-name", doctor(side).name).await?;
    page.click("lock").await?;
    page.see("locked").await?;
    s.pull(side).await?;
    Ok(json!({ "picture": "harbour-wrong-pin.png", "tries_left": left }))
}

/// No JSON, empty, 50 MB, another FHIR version: each refused with its reason, nothing written. Another encoding is read, and said.
pub async fn files(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Harbour).page()?.clone();
    let before = page.ask("outbox", json!({})).await?;
    page.open_writing("write-import").await?;
    let r5 = r#"{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Encounter","class":[{"text":"emergency"}]}}]}"#;
    let dstu2 = r#"{"resourceType":"Bundle","type":"document","meta":{"profile":["http://hl7.org/fhir/DSTU2/StructureDefinition/Bundle"]},"entry":[{"resource":{"resourceType":"MedicationOrder"}}]}"#;
    let cases: [(&str, &str, Vec<u8>); 6] = [
        ("import-not-json", "no-json", b"this is no JSON".to_vec()),
        ("import-empty", "empty", Vec::new()),
        (
            "import-not-a-bundle",
            "not-a-bundle",
            br#"{"resourceType":"Patient"}"#.to_vec(),
        ),
        ("import-fhir-version", "dstu2", dstu2.into()),
        ("import-fhir-version", "r5", r5.into()),
        ("import-too-large", "large", vec![b' '; 50 * 1024 * 1024]),
    ];
    let mut told = Vec::new();
    for (code, name, bytes) in cases {
        choose(s, name, &bytes).await?;
        let words = page.reads_with("import-fault", "data-code", code).await?;
        ensure!(!page.shows("import-preview").await?, "{name} was taken for a summary");
        told.push(json!({ "file": name, "code": code, "told": words }));
    }
    s.at(Side::Harbour).shot("harbour-import-refused").await?;
    let windows_1252 = b"{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Condition\",\"code\":{\"text\":\"Br\xfclures\"}}}]}";
    choose(s, "windows-1252", windows_1252).await?;
    page.see("import-preview").await?;
    let guessed = page
        .count("[data-testid=import-warning][data-code=import-encoding-guessed]")
        .await?;
    ensure!(guessed == 1, "a guessed encoding was not said");
    let after = page.ask("outbox", json!({})).await?;
    ensure!(before == after, "something of a refused file was written");
    Ok(Value::Array(told))
}

async fn choose(s: &Stage, name: &str, bytes: &[u8]) -> Result<()> {
    let file = s.place.data(&format!("bad-{name}.json"));
    std::fs::write(&file, bytes)?;
    s.at(Side::Harbour).page()?.choose_file("import-file", &file).await
}

/// Script of a stranger in the window: not run, reaches no network, and asks the shell only for what a capability names.
pub async fn window(s: &mut Stage) -> Result<Value> {
    let page = s.at(Side::Harbour).page()?;
    let script = "const done = arguments[arguments.length - 1];
        const inline = document.createElement('script');
        inline.textContent = 'window.strangerRan = true';
        document.body.append(inline);
        let evaluated = true;
        try { new Function('return 1')(); } catch { evaluated = false; }
        fetch(arguments[0]).then(() => true, () => false)
            .then((reached) => done({ inline: window.strangerRan === true, evaluated, reached }))";
    let network = format!("{}/v1/network", s.gateway.origin());
    let found = page.run_until_done(script, vec![network.into()]).await?;
    let nothing = json!({ "inline": false, "evaluated": false, "reached": false });
    ensure!(found == nothing, "the window's policy let through {found}");
    let asked = [
        (
            "plugin:window|set_title",
            json!({ "label": "main", "value": "Another title" }),
        ),
        (
            "plugin:event|emit",
            json!({ "event": "changed", "payload": { "topics": [] } }),
        ),
        (
            "plugin:webview|create_webview_window",
            json!({ "options": { "label": "other" } }),
        ),
    ];
    for (command, arguments) in asked {
        let answer = page.ask(command, arguments).await?;
        ensure!(answer.get("refused").is_some(), "the window may {command}: {answer}");
    }
    Ok(found)
}

/// Every private key in the phone's storage: the browser itself exports none.
pub async fn keys(s: &mut Stage) -> Result<Value> {
    let script = "const done = arguments[arguments.length - 1];
        const promised = (request) => new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
        });
        const inside = (value) => value instanceof CryptoKey ? [value]
            : value && typeof value === 'object' && !ArrayBuffer.isView(value) ? Object.values(value).flatMap(inside) : [];
        const search = async () => {
            const database = await promised(indexedDB.open('wardkey'));
            const stores = [...database.objectStoreNames];
            const all = await Promise.all(stores.map((name) => promised(database.transaction(name).objectStore(name).getAll())));
            database.close();
            const secret = inside(all).filter((key) => key.type !== 'public');
            const tries = secret.flatMap((key) => ['jwk', 'pkcs8', 'raw'].map((format) => crypto.subtle.exportKey(format, key)));
            const left = (await Promise.allSettled(tries)).filter((outcome) => outcome.status === 'fulfilled').length;
            return { keys: secret.length, exported: left };
        };
        search().then(done, (error) => done({ error: String(error) }))";
    let found = s.phone.page()?.run_until_done(script, Vec::new()).await?;
    ensure!(found["exported"] == 0, "keys left the phone's storage: {found}");
    ensure!(found["keys"].as_u64().unwrap_or(0) > 1, "no keys were found: {found}");
    Ok(found)
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
    let code = page.attribute("cover-fault", "data-code").await?;
    s.insert(side, doctor(side)).await?;
    resume(s, side).await?;
    page.see("chart").await?;
    ensure!(
        code.as_deref() == Some("device-unknown"),
        "the other card was refused as {code:?}"
    );
    Ok(json!({ "code": code, "told": words }))
}
