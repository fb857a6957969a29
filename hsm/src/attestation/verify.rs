//! The verdict on the evidence, slot by slot.

use super::chain::{chains, issued, parse, parse_all};
use super::{Evidence, Facts, Roots, facts};
use crate::Slot;
use serde::{Deserialize, Serialize};
use wardkey_core::key::PublicKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;

/// What the evidence for one key is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "camelCase")]
pub enum Verdict {
    /// Chains to a maker's root.
    Genuine,
    /// Chains to the test root that a setting named. Never in production.
    TestRoot,
    /// Sound in itself, but the issuer is not on our list: newer than the list, or somebody's own.
    NewerThanOurList,
    /// The card gave none.
    None,
    /// It contradicts itself or the request.
    Invalid(String),
}

impl Verdict {
    /// From best to worst.
    const fn rank(&self) -> u8 {
        match self {
            Self::Genuine => 0,
            Self::TestRoot => 1,
            Self::NewerThanOurList => 2,
            Self::None => 3,
            Self::Invalid(_) => 4,
        }
    }
}

/// One slot's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotReport {
    /// Which.
    pub slot: Slot,
    /// What it is worth.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the leaf says; `None` without a readable leaf.
    pub facts: Option<Facts>,
}

/// The result for a whole card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// In the order of `expected`.
    pub slots: Vec<SlotReport>,
}

impl Report {
    /// The worst of all slots; `None` for a report without slots.
    #[must_use]
    pub fn overall(&self) -> Verdict {
        self.slots
            .iter()
            .map(|slot| &slot.verdict)
            .max_by_key(|verdict| verdict.rank())
            .cloned()
            .unwrap_or(Verdict::None)
    }
}

/// Examines the evidence for each expected key. `now` in seconds since 1970 (UTC).
#[must_use]
pub fn verify(evidence: &Evidence, expected: &[(Slot, PublicKey)], roots: &Roots, now: u64) -> Report {
    let time = i64::try_from(now)
        .ok()
        .and_then(|now| ASN1Time::from_timestamp(now).ok());
    let slots: Vec<SlotReport> = expected
        .iter()
        .map(|(slot, key)| {
            let leaf = parse(evidence.leaf(*slot));
            let facts = leaf.as_ref().map(Facts::read);
            let verdict = match (evidence.leaf(*slot), leaf, time) {
                ([], _, _) => Verdict::None,
                (_, Some(leaf), Some(time)) => {
                    slot_verdict(&leaf, &evidence.issuer, *slot, key, roots, time).unwrap_or_else(invalid)
                }
                _ => invalid("the certificate cannot be read"),
            };
            SlotReport {
                slot: *slot,
                verdict,
                facts,
            }
        })
        .collect();
    Report {
        slots: of_one_card(slots),
    }
}

/// The leaves of one card name one serial number; a leaf that names another than the first is of another card.
fn of_one_card(mut slots: Vec<SlotReport>) -> Vec<SlotReport> {
    let serial = |one: &SlotReport| one.facts.as_ref().and_then(|facts| facts.serial.clone());
    let first = slots.iter().find_map(serial);
    for slot in &mut slots {
        if slot.facts.is_some() && serial(slot) != first && !matches!(slot.verdict, Verdict::Invalid(_)) {
            slot.verdict = invalid("it names another card than the others");
        }
    }
    slots
}

fn invalid(reason: &str) -> Verdict {
    Verdict::Invalid(reason.to_owned())
}

fn slot_verdict(
    leaf: &X509Certificate<'_>,
    issuer: &[u8],
    slot: Slot,
    key: &PublicKey,
    roots: &Roots,
    time: ASN1Time,
) -> Result<Verdict, &'static str> {
    let card = parse(issuer).ok_or("the card's own certificate is missing or cannot be read")?;
    if leaf.public_key().subject_public_key.data.as_ref() != key.bytes() {
        return Err("it is about another key");
    }
    if !facts::names_slot(leaf, slot) {
        return Err("it is about another slot");
    }
    if !leaf.validity().is_valid_at(time) || !card.validity().is_valid_at(time) {
        return Err("it is not valid at this time");
    }
    if !issued(leaf, &card) {
        return Err("it was not signed by the card's own certificate");
    }
    strong_enough(&Facts::read(leaf), slot)?;
    // Test root first: a list that holds both must not make a test card look genuine.
    if chains(&card, &parse_all(&roots.test), time)? {
        Ok(Verdict::TestRoot)
    } else if chains(&card, &parse_all(&roots.makers), time)? {
        Ok(Verdict::Genuine)
    } else {
        Ok(Verdict::NewerThanOurList)
    }
}

/// A key that the card uses with less of its holder than Wardkey demands is worth nothing, however genuine the card.
fn strong_enough(facts: &Facts, slot: Slot) -> Result<(), &'static str> {
    match facts.pin_policy {
        None => Err("it does not say when the card asks for the PIN"),
        Some(policy) if policy < slot.pin_policy() => {
            Err("the card asks for the PIN less often than this slot demands")
        }
        Some(_) => Ok(()),
    }
}
