//! Evidence: what it proves and what it does not.

use super::*;
use proptest::prelude::*;
use wardkey_core::key::SoftKey;
use wardkey_hsm::attestation::{Evidence, Facts, Roots, Verdict, evidence_digest, verify};
use wardkey_hsm::{PinPolicy, PivCard, Slot, TouchPolicy};

/// 2026-01-01.
pub(crate) const NOW: u64 = 1_767_225_600;

/// Without a file of failed cases.
pub(crate) fn quiet(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

pub(crate) fn is_invalid(verdict: &Verdict, part: &str) -> bool {
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
