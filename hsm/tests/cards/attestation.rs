//! Evidence: what it proves and what it does not.

use super::*;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_hsm::attestation::{Evidence, Facts, Roots, Verdict, evidence_digest, verify};
use wardkey_hsm::{PinPolicy, PivCard, Slot, TouchPolicy};

/// 2026-01-01.
pub(crate) const NOW: u64 = 1_767_225_600;

/// Without a file of failed cases.
fn quiet(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

fn is_invalid(verdict: &Verdict, part: &str) -> bool {
    matches!(verdict, Verdict::Invalid(reason) if reason.contains(part))
}

#[test]
fn a_test_root_counts_only_when_a_setting_names_it() {
    let bench = Bench::new();
    let (card, prepared) = bench.with_keys("doctor");
    let shipped = Roots::default();
    let report = verify(&prepared.evidence, &prepared.keys(), &shipped, NOW);
    assert_eq!(report.overall(), Verdict::NewerThanOurList);

    let trial = shipped.with_test_root(&bench.rig.root_pem()).unwrap();
    let report = verify(&prepared.evidence, &prepared.keys(), &trial, NOW);
    assert_eq!(report.overall(), Verdict::TestRoot);
    let facts: Vec<_> = report.slots.iter().map(|slot| slot.facts.clone().unwrap()).collect();
    let fact = |pin_policy| Facts {
        serial: Some(card.serial()),
        firmware: Some("5.4.3".to_owned()),
        pin_policy: Some(pin_policy),
        touch_policy: Some(TouchPolicy::Never),
    };
    assert_eq!(
        facts,
        [fact(PinPolicy::Once), fact(PinPolicy::Always), fact(PinPolicy::Once)]
    );

    // The same certificates in the makers' folder are a maker's root: the folder is a decision of the institution.
    let folder = bench.folder.path().join("roots");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(bench.rig.root_pem(), folder.join("maker.pem")).unwrap();
    std::fs::write(folder.join("notes.txt"), "not a certificate").unwrap();
    let makers = Roots::from_pem_dir(&folder).unwrap();
    assert_eq!(
        verify(&prepared.evidence, &prepared.keys(), &makers, NOW).overall(),
        Verdict::Genuine
    );
    std::fs::write(folder.join("broken.pem"), "not a certificate").unwrap();
    assert!(Roots::from_pem_dir(&folder).is_err());
}

#[test]
fn evidence_that_does_not_fit_is_invalid() {
    let bench = Bench::new();
    let (card, prepared) = bench.with_keys("doctor");
    let roots = Roots::default().with_test_root(&bench.rig.root_pem()).unwrap();
    let [first, second, _] = prepared.keys();
    let good = &prepared.evidence;
    let verdict = |evidence: &Evidence, expected| verify(evidence, &[expected], &roots, NOW).overall();

    assert_eq!(verdict(good, first), Verdict::TestRoot);
    let stranger = SoftKey::generate().unwrap().public();
    assert!(is_invalid(&verdict(good, (first.0, stranger)), "another key"));
    let swapped = Evidence {
        leaf9a: good.leaf9c.clone(),
        ..good.clone()
    };
    assert!(is_invalid(&verdict(&swapped, first), "another key"));
    assert!(is_invalid(
        &verdict(&swapped, (Slot::Authentication, second.1)),
        "another slot"
    ));
    let absent = Evidence {
        leaf9a: vec![],
        ..good.clone()
    };
    assert_eq!(verdict(&absent, first), Verdict::None);
    let headless = Evidence {
        issuer: vec![],
        ..good.clone()
    };
    assert!(is_invalid(&verdict(&headless, first), "missing"));
    // A leaf must not pass as an issuer.
    let climbing = Evidence {
        issuer: good.leaf9c.clone(),
        ..good.clone()
    };
    assert!(is_invalid(&verdict(&climbing, first), "not signed"));
    let early = verify(good, &[first], &roots, 1_000_000_000);
    assert!(is_invalid(&early.overall(), "not valid at this time"));
    drop(card);

    // Another card's certificate did not sign these leaves.
    bench.rig.wait_for_card("Virtual PCD 00 00", false).unwrap();
    let (_other, others) = bench.with_keys("other");
    let mixed = Evidence {
        issuer: others.evidence.issuer.clone(),
        ..good.clone()
    };
    assert!(is_invalid(&verdict(&mixed, first), "not signed"));
    assert_ne!(evidence_digest(good), evidence_digest(&others.evidence));
}

#[test]
fn an_altered_bit_never_passes() {
    let bench = Bench::new();
    let (_card, prepared) = bench.with_keys("doctor");
    let roots = Roots::default().with_test_root(&bench.rig.root_pem()).unwrap();
    let bits = (prepared.evidence.leaf9a.len() + prepared.evidence.issuer.len()) * 8;
    let mut runner = proptest::test_runner::TestRunner::new(quiet(1024));
    runner
        .run(&(0..bits), |bit| {
            let mut evidence = prepared.evidence.clone();
            let (byte, mask) = (bit / 8, 1u8 << (bit % 8));
            let leaf = evidence.leaf9a.len();
            if byte < leaf {
                evidence.leaf9a[byte] ^= mask
            } else {
                evidence.issuer[byte - leaf] ^= mask
            }
            let verdict = verify(
                &evidence,
                &[(Slot::Authentication, prepared.authentication)],
                &roots,
                NOW,
            )
            .overall();
            prop_assert!(
                matches!(verdict, Verdict::Invalid(_) | Verdict::NewerThanOurList),
                "{:?}",
                verdict
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_bytes_as_evidence_are_read_without_panic() {
    let key = SoftKey::generate().unwrap().public();
    proptest!(quiet(256), |(leaf9a in proptest::collection::vec(any::<u8>(), 0..200), issuer in proptest::collection::vec(any::<u8>(), 0..200))| {
        let evidence = Evidence { leaf9a, issuer, ..Evidence::default() };
        let verdict = verify(&evidence, &[(Slot::Authentication, key)], &Roots::default(), NOW).overall();
        prop_assert!(matches!(verdict, Verdict::Invalid(_) | Verdict::None));
    });
}

#[test]
fn a_card_without_keys_gives_no_evidence() {
    let bench = Bench::new();
    let card = bench.insert("empty");
    let evidence = PivCard::open(card.reader()).unwrap().evidence().unwrap();
    assert!(Slot::ALL.iter().all(|&slot| evidence.leaf(slot).is_empty()));
    assert!(!evidence.issuer.is_empty());
}

#[test]
fn the_shipped_folder_is_read_and_holds_no_root_yet() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/attestation");
    let bench_key = SoftKey::generate().unwrap().public();
    let roots = Roots::from_pem_dir(&folder).unwrap();
    let report = verify(&Evidence::default(), &[(Slot::Authentication, bench_key)], &roots, NOW);
    assert_eq!(report.overall(), Verdict::None);
}

/// A key whose certificate somebody else signs.
struct Point([u8; 65]);
impl rcgen::PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn named(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = if ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::NoCa
    };
    params
}

/// Leaf ← F9 ← tier ← tier ← root, as firmware 5.7.4 has it; the F9 certificate lacks CA:TRUE, as some do.
struct Chain {
    key: PublicKey,
    evidence: Evidence,
    tiers: [String; 2],
    root: String,
}

impl Chain {
    fn make(tiers_are_ca: bool) -> Self {
        let names = [
            "Root 1",
            "Intermediate B 1",
            "PIV Attestation B 1",
            "Yubico PIV Attestation",
        ];
        let keys: Vec<KeyPair> = names.iter().map(|_| KeyPair::generate().unwrap()).collect();
        let params = |level: usize| named(names[level], level == 0 || (tiers_are_ca && level < 3));
        let below = |level: usize| {
            let issuer = Issuer::new(params(level - 1), &keys[level - 1]);
            params(level).signed_by(&keys[level], &issuer).unwrap()
        };
        let key = SoftKey::generate().unwrap().public();
        let leaf = named("YubiKey PIV Attestation 9a", false)
            .signed_by(&Point(*key.bytes()), &Issuer::new(params(3), &keys[3]))
            .unwrap();
        Self {
            key,
            evidence: Evidence {
                leaf9a: leaf.der().to_vec(),
                issuer: below(3).der().to_vec(),
                ..Evidence::default()
            },
            tiers: [below(1).pem(), below(2).pem()],
            root: params(0).self_signed(&keys[0]).unwrap().pem(),
        }
    }

    fn verdict(&self, bundle: &[&str]) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.pem"), bundle.concat()).unwrap();
        let roots = Roots::from_pem_dir(folder.path()).unwrap();
        verify(&self.evidence, &[(Slot::Authentication, self.key)], &roots, NOW).overall()
    }
}

#[test]
fn the_longer_chain_of_newer_cards_is_followed() {
    let chain = Chain::make(true);
    let [upper, lower] = [chain.tiers[0].as_str(), chain.tiers[1].as_str()];
    assert_eq!(chain.verdict(&[&chain.root, upper, lower]), Verdict::Genuine);
    assert_eq!(chain.verdict(&[lower, &chain.root, upper]), Verdict::Genuine);
    assert_eq!(chain.verdict(&[&chain.root, upper]), Verdict::NewerThanOurList);
    assert_eq!(chain.verdict(&[&chain.root, lower]), Verdict::NewerThanOurList);
    // Trusting a step alone is not trusting a root.
    assert_eq!(chain.verdict(&[upper, lower]), Verdict::NewerThanOurList);
}

#[test]
fn forged_chains_are_invalid() {
    let (chain, other) = (Chain::make(true), Chain::make(true));
    // Everything has the right names, but the lowest tier is another key.
    let forged = other.verdict(&[&chain.root, &chain.tiers[0], &chain.tiers[1]]);
    assert!(is_invalid(&forged, "did not sign"), "{forged:?}");
    let weak = Chain::make(false);
    let verdict = weak.verdict(&[&weak.root, &weak.tiers[0], &weak.tiers[1]]);
    assert!(is_invalid(&verdict, "may not sign"), "{verdict:?}");
}
