//! What the card layer costs beside the bare card, in one run on one machine. Virtual cards: a real one is slower by itself, so
//! the shares are the worst that can be.

use super::{Figure, most, print};
use anyhow::{Context, Result, ensure};
use pcsc::{Protocols, Scope, ShareMode, State};
use std::ffi::CString;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use wardkey_hsm::monitor::{ReaderEvent, watch};
use wardkey_hsm::prepare::{PrepareSettings, Prepared, derive_management_key, derive_puk, prepare};
use wardkey_hsm::{Pin, PivCard, Slot};
use wardkey_virtual_card::rig::{CardHandle, PORTS, READERS, Rig};

const SECRET: [u8; 32] = [0x5a; 32];
const PIN: &[u8; 8] = b"482913\xff\xff";
const ROUNDS: usize = 1000;
const PULLS: usize = 20;
const LIST: u32 = 100;

/// Measures everything, prints a table, writes it as JSON if a file is named.
pub fn run(json: Option<&Path>) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("wardkey-bench-cards-{}", std::process::id()));
    let figures = measure(&folder);
    // Test keys only; what cannot be removed now is removed with the folder of temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    let figures = figures?;
    print(&figures);
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?)?;
    }
    Ok(())
}

fn measure(folder: &Path) -> Result<Vec<Figure>> {
    let rig = Rig::start(&folder.join("ca"))?;
    let card = rig.insert(PORTS[0], &folder.join("doctor"), None)?;
    let begun = Instant::now();
    let prepared = make(&card)?;
    let alone = begun.elapsed();
    let mut open = PivCard::open(card.reader())?;
    open.change_pin(&Pin::factory(), &Pin::new(b"482913")?)?;
    let mut figures = operations(&card, &mut open, &prepared)?;
    drop((open, card));
    rig.wait_for_card(READERS[0], false)?;
    figures.extend(events(&rig, folder)?);
    figures.push(plain("preparing a card, end to end", ms(alone), "ms"));
    figures.extend(list(&rig, folder)?);
    Ok(figures)
}

fn plain(figure: &str, value: f64, unit: &str) -> Figure {
    Figure {
        target: None,
        met: None,
        ..most(figure, value, unit, f64::MAX)
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |&time| ms(time))
}

/// The first quartile: on a machine that others use too, the middle of so short times says more about them than about us.
fn quick(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 4).map_or(0.0, |&time| ms(time))
}

fn make(card: &CardHandle) -> Result<Prepared> {
    let serial = card.serial();
    let settings = PrepareSettings {
        puk: derive_puk(&SECRET, &serial),
        management_key: derive_management_key(&SECRET, &serial),
        retries: (5, 3),
        overwrite: false,
    };
    Ok(prepare(card.reader(), &settings, &mut |_| {})?)
}

/// The same commands by our card layer and by the bare service, in turns.
fn operations(card: &CardHandle, open: &mut PivCard, prepared: &Prepared) -> Result<Vec<Figure>> {
    let pin = Pin::new(b"482913")?;
    let context = pcsc::Context::establish(Scope::System)?;
    let mut bare = context.connect(&CString::new(card.reader())?, ShareMode::Shared, Protocols::ANY)?;
    let peer = prepared.authentication;
    let mut rows = Vec::new();
    let sign = template(0x9c, 0x81, &[7; 32]);
    rows.extend(compare(
        "verify and sign (9C), one transaction",
        card,
        &mut bare,
        &sign,
        || open.with_pin(&pin, |verified| verified.sign(Slot::Signature, &[7; 32]).map(drop)),
    )?);
    let agree = template(0x9d, 0x85, peer.bytes());
    rows.extend(compare(
        "verify and agree (9D), one transaction",
        card,
        &mut bare,
        &agree,
        || open.with_pin(&pin, |verified| verified.agree(Slot::KeyManagement, &peer).map(drop)),
    )?);
    Ok(rows)
}

/// GENERAL AUTHENTICATE with one input (SP 800-73-4 part 2 §3.2.4), as short as ours are.
fn template(slot: u8, tag: u8, input: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u8::try_from(bytes).unwrap_or(u8::MAX);
    let inner = [&[0x82, 0, tag, length(input.len())][..], input].concat();
    let outer = [&[0x7c, length(inner.len())][..], &inner].concat();
    [&[0, 0x87, 0x11, slot, length(outer.len())][..], &outer, &[0]].concat()
}

fn compare(
    what: &str,
    card: &CardHandle,
    bare: &mut pcsc::Card,
    last: &[u8],
    mut ours: impl FnMut() -> Result<(), wardkey_hsm::CardError>,
) -> Result<Vec<Figure>> {
    let commands = [
        vec![0, 0xa4, 4, 0, 5, 0xa0, 0, 0, 3, 8, 0],
        vec![0, 0xf7, 0, 0x80, 0],
        [&[0, 0x20, 0, 0x80, 8][..], PIN, &[0]].concat(),
        last.to_vec(),
    ];
    let (mut layer, mut raw) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let sent = card.commands();
        // Each goes first in half of the rounds, so that neither has the warmer caches.
        for bare_now in [round % 2 == 0, round % 2 == 1] {
            let begun = Instant::now();
            if bare_now {
                send_all(bare, &commands)?;
                raw.push(begun.elapsed());
            } else {
                ours()?;
                layer.push(begun.elapsed());
            }
        }
        ensure!(card.commands() - sent == 8, "the two did not send the same commands");
    }
    let (layer, raw) = (quick(layer), quick(raw));
    Ok(vec![
        plain(&format!("{what}: the bare card"), 1000.0 * raw, "µs"),
        plain(&format!("{what}: ours"), 1000.0 * layer, "µs"),
        most(&format!("{what}: what we add"), 100.0 * (layer / raw - 1.0), "%", 10.0),
    ])
}

fn send_all(bare: &mut pcsc::Card, commands: &[Vec<u8>]) -> Result<()> {
    let transaction = bare.transaction()?;
    let mut buffer = [0; pcsc::MAX_BUFFER_SIZE];
    for command in commands {
        let answer = transaction.transmit(command, &mut buffer)?;
        ensure!(answer.ends_with(&[0x90, 0]), "the bare card refused a command");
    }
    transaction
        .end(pcsc::Disposition::LeaveCard)
        .map_err(|(_, error)| error)?;
    Ok(())
}

/// How much later our monitor tells what the service has told a bare program.
fn events(rig: &Rig, folder: &Path) -> Result<Vec<Figure>> {
    let (ours, told) = channel();
    let _watch = watch(Some(READERS[0].to_owned()), move |event| {
        let card = match event {
            ReaderEvent::CardInserted { .. } => true,
            ReaderEvent::CardRemoved { .. } => false,
            _ => return,
        };
        let _ = ours.send((card, Instant::now()));
    })?;
    let (bare, reported) = channel();
    let mut later = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let watcher = scope.spawn(move || {
            follow(2 * PULLS, |card| {
                let _ = bare.send((card, Instant::now()));
            })
        });
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..PULLS {
            let card = rig.insert(PORTS[0], &folder.join("doctor"), None)?;
            later.push(gap(&told, &reported)?);
            drop(card);
            later.push(gap(&told, &reported)?);
            rig.wait_for_card(READERS[0], false)?;
        }
        watcher
            .join()
            .map_err(|_| anyhow::anyhow!("the bare watcher panicked"))?
    })?;
    let worst = later.iter().max().copied().unwrap_or_default();
    Ok(vec![
        most(
            "card in or out, reported by the service to told by us",
            middle(later),
            "ms",
            5.0,
        ),
        plain("  of it the worst", ms(worst), "ms"),
    ])
}

fn gap(told: &Receiver<(bool, Instant)>, reported: &Receiver<(bool, Instant)>) -> Result<Duration> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let (ours, at) = told.recv_timeout(PATIENCE).context("our monitor told nothing")?;
    let (bare, since) = reported
        .recv_timeout(PATIENCE)
        .context("the service reported nothing")?;
    ensure!(ours == bare, "the two did not see the same");
    Ok(at.saturating_duration_since(since))
}

/// A bare program that waits for this many events of the first reader.
fn follow(events: usize, mut report: impl FnMut(bool)) -> Result<()> {
    let context = pcsc::Context::establish(Scope::System)?;
    let mut states = [pcsc::ReaderState::new(CString::new(READERS[0])?, State::UNAWARE)];
    context.get_status_change(None, &mut states)?;
    let mut left = events;
    while left > 0 {
        let before = states[0].event_state().contains(State::PRESENT);
        states[0].sync_current_state();
        context.get_status_change(Duration::from_secs(20), &mut states)?;
        let card = states[0].event_state().contains(State::PRESENT);
        if card != before {
            report(card);
            left -= 1;
        }
    }
    Ok(())
}

/// A hundred cards, half of them in each reader.
fn list(rig: &Rig, folder: &Path) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let times = std::thread::scope(|scope| -> Result<Vec<Duration>> {
        let mut halves = Vec::new();
        for (half, port) in (0u32..).zip(PORTS) {
            halves.push(scope.spawn(move || -> Result<Vec<Duration>> {
                let mut times = Vec::new();
                for serial in (20_000_000 + half..20_000_000 + LIST).step_by(2) {
                    let card = rig.insert(port, &folder.join(serial.to_string()), Some(serial))?;
                    let begun = Instant::now();
                    make(&card)?;
                    times.push(begun.elapsed());
                    let reader = card.reader();
                    drop(card);
                    rig.wait_for_card(reader, false)?;
                }
                Ok(times)
            }));
        }
        let mut all = Vec::new();
        for half in halves {
            all.extend(
                half.join()
                    .map_err(|_| anyhow::anyhow!("a reader's thread panicked"))??,
            );
        }
        Ok(all)
    })?;
    ensure!(times.len() == LIST as usize, "not every card was prepared");
    Ok(vec![
        plain(
            "a list of 100 cards on two readers, exchanged by a machine",
            begun.elapsed().as_secs_f64(),
            "s",
        ),
        plain("  of it each card's preparation, two at a time", middle(times), "ms"),
    ])
}
