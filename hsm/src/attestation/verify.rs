//! The verdict on the evidence, slot by slot.

use super::{Evidence, Facts, Roots, facts};
use crate::Slot;
use crate::piv::tlv;
use serde::{Deserialize, Serialize};
use wardkey_core::key::PublicKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;

/// Certificates between the card's and the root, at most: two tiers from firmware 5.7.4, one to spare.
const DEEPEST: usize = 3;
/// SHA-1 signatures, which the library below would accept.
const SHA1: [&str; 3] = ["1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1"];

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
    let slots = expected
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
    Report { slots }
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
    // Test root first: a list that holds both must not make a test card look genuine.
    if chains(&card, &parse_all(&roots.test), time)? {
        Ok(Verdict::TestRoot)
    } else if chains(&card, &parse_all(&roots.makers), time)? {
        Ok(Verdict::Genuine)
    } else {
        Ok(Verdict::NewerThanOurList)
    }
}

/// True if `card` chains to a root of the list, false if an issuer is not on it.
fn chains(card: &X509Certificate<'_>, list: &[X509Certificate<'_>], time: ASN1Time) -> Result<bool, &'static str> {
    let mut current = card;
    for _ in 0..=DEEPEST {
        let named: Vec<_> = list
            .iter()
            .filter(|one| one.subject().as_raw() == current.issuer().as_raw())
            .collect();
        if named.is_empty() {
            return Ok(false);
        }
        let above = named
            .into_iter()
            .find(|one| issued(current, one))
            .ok_or("a known issuer did not sign it")?;
        if !above.is_ca() || !above.validity().is_valid_at(time) {
            return Err("its issuer may not sign, or not at this time");
        }
        if above.subject().as_raw() == above.issuer().as_raw() {
            return Ok(true);
        }
        current = above;
    }
    Err("its chain is too long")
}

fn issued(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> bool {
    let algorithm = &child.signature_algorithm;
    child.issuer().as_raw() == parent.subject().as_raw()
        && !SHA1.contains(&algorithm.algorithm.to_id_string().as_str())
        && child.verify_signature(Some(parent.public_key())).is_ok()
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match x509_parser::parse_x509_certificate(der) {
        Ok(([], certificate)) if is_canonical(der) => Some(certificate),
        _ => None,
    }
}

/// True if the parts that no signature covers are exactly as they must be (RFC 5280 §4.1.1): the frame in DER, the algorithm
/// the same as inside, no unused bits in the signature. The parser above forgives some of that.
fn is_canonical(der: &[u8]) -> bool {
    let parts = || {
        let content = tlv::find(der, 0x30)?;
        let (tbs, rest) = tlv::next(content)?;
        let (algorithm, rest) = tlv::next(rest)?;
        let (signature, _) = tlv::next(rest)?;
        Some([tbs, algorithm, signature])
    };
    let Some([tbs, algorithm, signature]) = parts() else {
        return false;
    };
    let content = [tbs, algorithm, signature]
        .map(|part| tlv::encode(part.tag, part.value))
        .concat();
    [tbs.tag, algorithm.tag, signature.tag] == [0x30, 0x30, 0x03]
        && tlv::encode(0x30, &content) == der
        && tlv::find(tbs.value, 0x30) == Some(algorithm.value)
        && signature.value.first() == Some(&0)
}

fn parse_all(list: &[Vec<u8>]) -> Vec<X509Certificate<'_>> {
    list.iter().filter_map(|der| parse(der)).collect()
}
