//! The figures of "first light", all measured in one run on the real parts. Printed, never asserted.

pub mod cards;
mod document;
mod moment;

use crate::cast::HARBOUR_DOCTOR;
use crate::patient;
use crate::phone::film;
use crate::pinpad;
use crate::place::Place;
use crate::process;
use crate::stage::{Side, Stage};
use crate::story::{chart, devices, institutions, posters};
use crate::workstation::Workstation;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const SIDE: Side = Side::Harbour;
/// Where the lock screen says so, without the clock: width, height, left, top.
const INSERT_YOUR_CARD: &str = "320x60+480+460";

/// One figure with its target.
#[derive(Debug, Serialize)]
struct Figure {
    figure: String,
    value: Option<f64>,
    unit: String,
    target: Option<f64>,
    met: Option<bool>,
}

/// A figure that must stay at or below its target.
fn most(figure: &str, value: f64, unit: &str, target: f64) -> Figure {
    let value = (value * 10.0).round() / 10.0;
    Figure {
        figure: figure.into(),
        value: Some(value),
        unit: unit.into(),
        target: Some(target),
        met: Some(value <= target),
    }
}

/// Measures everything, prints a table, writes it as JSON if a file is named.
pub async fn first_light(root: &Path, json: Option<&Path>) -> Result<()> {
    let place = Place::make(root, "bench-data", "bench", false)?;
    let mut figures = Vec::new();
    let mut stage = Stage::set(place.clone())?;
    let measured = measure(&mut stage, &mut figures).await;
    if measured.is_err() {
        stage.pictures_of_failure().await;
    }
    stage.close().await;
    drop(stage);
    drop(process::sweep());
    figures.extend(reads(&place)?);
    figures.extend(gas(&place)?);
    place.tidy(false)?;
    print(&figures);
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?)?;
    }
    measured
}

async fn measure(s: &mut Stage, figures: &mut Vec<Figure>) -> Result<()> {
    institutions::found(s, SIDE).await?;
    devices::enrol(s, SIDE).await?;
    posters::save(s, SIDE).await?;
    figures.push(cold_start(s).await?);
    figures.push(sign_in(s).await?);
    figures.extend(memory(s, "list of patients open")?);
    figures.extend(grant(s).await?);
    chart::open(s, SIDE).await?;
    figures.push(chart_of_500(s).await?);
    figures.extend(memory(s, "chart of 500 open")?);
    figures.push(cover(s).await?);
    Ok(())
}

/// From the start of the program to "insert your card" on the screen: the middle of three, seen on the display itself.
async fn cold_start(s: &mut Stage) -> Result<Figure> {
    s.pull(SIDE).await?;
    s.at_mut(SIDE).stop().await;
    let station = s.at(SIDE);
    let first = station.start_undriven()?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let ready = station.display().pixels(INSERT_YOUR_CARD)?;
    drop(first);
    let mut took = Vec::new();
    for _ in 0..3 {
        gone(station, &ready).await?;
        let begun = Instant::now();
        let window = station.start_undriven()?;
        while !alike(&station.display().pixels(INSERT_YOUR_CARD)?, &ready) {
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "the lock screen never looked as it did before"
            );
        }
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
        drop(window);
    }
    took.sort_by(f64::total_cmp);
    s.at_mut(SIDE).start().await?;
    s.at(SIDE).page()?.see("locked").await?;
    Ok(most(
        "workstation cold start to \"insert your card\"",
        took[1],
        "ms",
        1000.0,
    ))
}

/// The same but for the smoothing of letters, which is not the same at every start: less than 2 of 255 on average.
fn alike(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b)));
    one.len() == other.len() && differences.sum::<u64>() < 2 * one.len() as u64
}

/// Waits until the window before is gone from the display, so that it is not taken for the next one.
async fn gone(station: &Workstation, ready: &[u8]) -> Result<()> {
    let begun = Instant::now();
    while alike(&station.display().pixels(INSERT_YOUR_CARD)?, ready) {
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "the window did not leave the display"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Card in to patient list, without the time of typing.
async fn sign_in(s: &mut Stage) -> Result<Figure> {
    s.pull(SIDE).await?;
    let begun = Instant::now();
    s.insert(SIDE, &HARBOUR_DOCTOR).await?;
    let page = s.at(SIDE).page()?;
    let window = pinpad::appear(s.at(SIDE).display(), Duration::from_secs(15)).await?;
    let before_typing = begun.elapsed();
    pinpad::type_into(s.at(SIDE).display(), &window, HARBOUR_DOCTOR.pin)?;
    let typed = Instant::now();
    pinpad::confirm(s.at(SIDE).display(), &window)?;
    page.see("patients").await?;
    page.see("patient-count").await?;
    let total = before_typing + typed.elapsed();
    Ok(most(
        "card inserted to patient list, typing excluded",
        total.as_secs_f64() * 1000.0,
        "ms",
        1500.0,
    ))
}

/// The phone signs; the workstation shows. And what the phone page weighs.
async fn grant(s: &mut Stage) -> Result<Vec<Figure>> {
    film(&s.place.out("poster-harbour.png"), &s.place.data("poster-harbour.y4m"))?;
    patient::arrive(s, "harbour").await?;
    patient::first_opening(s).await?;
    patient::scan(s, "institution").await?;
    let weight = weight(s).await?;
    let window = s.at(SIDE).page()?;
    moment::watch(window, &["patient-row"]).await?;
    let phone = s.phone.page()?;
    phone.click("grant-start").await?;
    moment::watch_clicks(phone, &["grant-confirm"]).await?;
    phone.click("grant-confirm").await?;
    phone.see("grant-done").await?;
    window.see("patient-row").await?;
    let latency = moment::of(window, "patient-row").await? - moment::of(phone, "grant-confirm").await?;
    Ok(vec![
        most(
            "grant confirmed on the phone to shown on the workstation",
            latency,
            "ms",
            300.0,
        ),
        weight,
    ])
}

/// Everything that the page has loaded up to scanning, each asked for again as a browser asks: compressed.
async fn weight(s: &Stage) -> Result<Figure> {
    let script = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map((entry) => entry.name.split('#')[0]).filter((name) => !name.includes('/v1/'))";
    let names: Vec<String> = serde_json::from_value(s.phone.page()?.run(script, Vec::new()).await?)?;
    let mut bytes = 0;
    for name in names.iter().collect::<BTreeSet<_>>() {
        bytes += s.gateway.wire_size(name).await?;
    }
    Ok(most(
        "phone page, all it loads, compressed",
        bytes as f64 / 1024.0,
        "KiB",
        150.0,
    ))
}

/// A chart of 500 resources, from the click to the painted frame.
async fn chart_of_500(s: &mut Stage) -> Result<Figure> {
    let file = s.place.data("five-hundred.json");
    std::fs::write(&file, serde_json::to_vec(&document::of(500))?)?;
    let page = s.at(SIDE).page()?;
    page.open_writing("write-import").await?;
    page.choose_file("import-file", &file).await?;
    page.click("import-confirm").await?;
    page.see("import-done").await?;
    chart::sent(s, SIDE).await?;
    page.click("write-close").await?;
    let mut best = f64::MAX;
    for _ in 0..3 {
        page.click("close-chart").await?;
        page.click("patient-row").await?;
        page.see("reason-open").await?;
        moment::watch_clicks(page, &["reason-open"]).await?;
        moment::watch(page, &["entry"]).await?;
        page.click("reason-open").await?;
        page.see("chart").await?;
        best = best.min(moment::of(page, "entry").await? - moment::of(page, "reason-open").await?);
    }
    s.at(SIDE).shot("chart-of-500").await?;
    Ok(most("chart of 500 resources, click to painted", best, "ms", 300.0))
}

/// The service reports the removal; the cover is painted.
async fn cover(s: &mut Stage) -> Result<Figure> {
    let (send, reported) = channel();
    let reader = SIDE.terminal().reader.to_owned();
    let _watch = wardkey_hsm::monitor::watch(Some(reader), move |event| {
        if matches!(event, wardkey_hsm::monitor::ReaderEvent::CardRemoved { .. }) {
            let _ = send.send(moment::now());
        }
    })
    .context("failed to watch the reader")?;
    let page = s.at(SIDE).page()?.clone();
    moment::watch(&page, &["cover"]).await?;
    s.snatch(SIDE);
    page.see("cover").await?;
    let told = reported
        .recv_timeout(Duration::from_secs(5))
        .context("no removal was reported")?;
    let covered = moment::of(&page, "cover").await?;
    Ok(most(
        "removal reported to screen covered",
        (covered - told).max(0.0),
        "ms",
        100.0,
    ))
}

/// Proportional memory of the workstation's processes, together and each.
fn memory(s: &Stage, when: &str) -> Result<Vec<Figure>> {
    let root = s.at(SIDE).process().context("the workstation does not run")?;
    let mut parts = Vec::new();
    for id in process::descendants(root) {
        let name = std::fs::read_to_string(format!("/proc/{id}/comm"))
            .unwrap_or_default()
            .trim()
            .to_owned();
        // The driver and the bus belong to the test.
        if ["WebKitWebDriver", "dbus-daemon", "dbus-run-sessio"].contains(&name.as_str()) {
            continue;
        }
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or("0");
        let kib: f64 = pss
            .split_whitespace()
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(0.0);
        parts.push((name, kib / 1024.0));
    }
    let sum = parts.iter().map(|(_, mib)| mib).sum();
    let mut rows = vec![most(
        &format!("memory of the workstation's process tree (PSS), {when}"),
        sum,
        "MiB",
        250.0,
    )];
    rows.extend(parts.into_iter().map(|(name, mib)| Figure {
        figure: format!("  of it {name}"),
        value: Some(mib.round()),
        unit: "MiB".into(),
        target: None,
        met: None,
    }));
    Ok(rows)
}

/// The gateway's own measurement of verified against unverified reads.
fn reads(place: &Place) -> Result<Vec<Figure>> {
    let output = Command::new(place.program("wardkey-bench"))
        .arg("reads")
        .output()
        .context("failed to start wardkey-bench")?;
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).context("wardkey-bench printed no figures")?;
    Ok(rows
        .iter()
        .map(|row| Figure {
            figure: row["figure"].as_str().unwrap_or_default().to_owned(),
            value: row["value"].as_f64(),
            unit: row["unit"].as_str().unwrap_or_default().to_owned(),
            target: row["target"].as_f64(),
            met: row["met"].as_bool(),
        })
        .collect())
}

/// Gas as the contract's snapshot has it; `cargo xtask bench` measured it again just before.
fn gas(place: &Place) -> Result<Vec<Figure>> {
    let text = std::fs::read(place.source("chain/gas.json")).context("failed to read chain/gas.json")?;
    let gas: Value = serde_json::from_slice(&text)?;
    let row = |name: &str, key: &str, target: f64| match gas[key]["gas"].as_f64() {
        Some(value) => most(name, value, "gas", target),
        None => Figure {
            figure: name.into(),
            value: None,
            unit: "gas".into(),
            target: Some(target),
            met: None,
        },
    };
    Ok(vec![
        row("gas: grant", "grant", 90_000.0),
        row("gas: approve device", "approveDevice", 120_000.0),
    ])
}

fn print(figures: &[Figure]) {
    println!(
        "\n{:<72} {:>12} {:<5} {:>10} {:>9}",
        "figure", "value", "unit", "target", "of target"
    );
    for row in figures {
        let value = row
            .value
            .map_or_else(|| "-".to_owned(), |value| json!(value).to_string());
        let target = row
            .target
            .map_or_else(|| "-".to_owned(), |target| json!(target).to_string());
        let ratio = match (row.value, row.target) {
            (Some(value), Some(target)) => format!("{:.0} %", 100.0 * value / target),
            _ => String::new(),
        };
        let mark = match row.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        println!(
            "{:<72} {value:>12} {:<5} {target:>10} {ratio:>9}  {mark}",
            row.figure, row.unit
        );
    }
}
