//! What can be found in the workstation's memory: never a PIN; the institution's agreement key only while somebody is signed in.

use super::devices::doctor;
use crate::memory::count;
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::{Sealed, open_agreed};
use wardkey_core::id::InstitutionId;
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;
use wardkey_hsm::{Pin, PivCard, Slot};

/// What is searched for.
type Needles = Vec<Vec<u8>>;

const SIDE: Side = Side::Harbour;
/// How long the window may take to let go of a key after the card was pulled.
const PATIENCE: Duration = Duration::from_secs(5);

/// Learns the secrets that the workstation will hold, through the doctor's own card: what it agrees on, and the agreement key.
pub async fn learn(s: &mut Stage, side: Side) -> Result<()> {
    if side != SIDE {
        return Ok(());
    }
    let domain: Domain = serde_json::from_value(s.gateway.get("/v1/network").await?)?;
    let institution: InstitutionId = s.noted("harbour")?.parse()?;
    let mut card = PivCard::open(side.terminal().reader)?;
    let recipient = card.public_key(Slot::KeyManagement)?;
    let path = format!("/v1/institutions/{institution}/wraps/{}", recipient.id());
    let wrap = s.gateway.get(&path).await?;
    let epoch = u32::try_from(wrap["epoch"].as_u64().context("no epoch")?)?;
    let sealed: Sealed = serde_json::from_value(wrap)?;
    let peer = PublicKey::from_sec1(&sealed.enc)?;
    let pin = Pin::new(doctor(side).pin.as_bytes())?;
    let shared = card.with_pin(&pin, |card| card.agree(Slot::KeyManagement, &peer))?;
    card.forget_pin()?;
    let aad = agreement_aad(&institution, epoch, &recipient.id());
    let key = open_agreed(&recipient, &shared, &agreement_context(&domain, &aad), &sealed)?;
    s.note("harbour-agreement-key", hex(&key));
    s.note("harbour-shared", hex(shared.as_slice()));
    Ok(())
}

/// The PIN as typed and as script holds text; the key as bytes, as the arithmetic holds it, and as text; what the card agreed on.
fn needles(s: &Stage) -> Result<(Needles, Needles)> {
    let pin = doctor(SIDE).pin;
    let wide = pin.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (key, shared) = (s.noted("harbour-agreement-key")?, s.noted("harbour-shared")?);
    let turned = unhex(&key).into_iter().rev().collect();
    Ok((
        vec![pin.as_bytes().to_vec(), wide],
        vec![
            unhex(&key),
            turned,
            key.into_bytes(),
            unhex(&shared),
            shared.into_bytes(),
        ],
    ))
}

/// After the sign-in: no PIN. The key is there, which also shows that the search finds what is there.
pub async fn signed_in(s: &mut Stage) -> Result<Value> {
    let process = s.at(SIDE).process().context("the workstation does not run")?;
    let (pins, keys) = needles(s)?;
    let found = count(process, &pins);
    ensure!(found == [0, 0], "the PIN is in memory {found:?} times");
    let held = count(process, &keys);
    ensure!(
        held[0] + held[1] > 0,
        "the agreement key of a signed-in doctor was not found"
    );
    Ok(json!({ "pin": 0, "agreement_key": held[0] + held[1], "key_as_text": held[2], "agreed": held[3] + held[4] }))
}

/// After the card was pulled: neither PIN nor key. Milliseconds until that held.
pub async fn card_gone(s: &Stage) -> Result<u64> {
    let process = s.at(SIDE).process().context("the workstation does not run")?;
    let (pins, keys) = needles(s)?;
    let begun = Instant::now();
    loop {
        let left = count(process, &[pins.clone(), keys.clone()].concat());
        if left.iter().all(|found| *found == 0) {
            return Ok(begun.elapsed().as_millis() as u64);
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "after the card was pulled there is in memory: {left:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap_or_default();
    (0..text.len() / 2).map(|at| pair(2 * at)).collect()
}
