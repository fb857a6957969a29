//! P-256 against Project Wycheproof's vectors, in the two forms that reach us: DER from PIV cards, r‖s from HSMs and browsers.
#![expect(clippy::unwrap_used, reason = "test")]

use wardkey_core::key::{PublicKey, Signature, SoftKey};
use wycheproof::{TestResult, ecdh, ecdsa};

/// A signature that the vectors call valid must verify after normalisation to low-S; an invalid one never.
fn ecdsa_vectors(name: ecdsa::TestName) {
    let set = ecdsa::TestSet::load(name).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let key = PublicKey::from_sec1(&group.key.key).unwrap();
        for test in group.tests {
            let holds = Signature::normalised(&test.sig).is_ok_and(|s| key.verify(&test.msg, &s).is_ok());
            assert_eq!(
                holds,
                test.result == TestResult::Valid,
                "{name:?} {}: {}",
                test.tc_id,
                test.comment
            );
            if holds { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(valid > 50 && invalid > 20, "{valid} valid, {invalid} invalid");
}

#[test]
fn ecdsa_raw() {
    ecdsa_vectors(ecdsa::TestName::EcdsaSecp256r1Sha256P1363);
}

#[test]
fn ecdsa_der() {
    ecdsa_vectors(ecdsa::TestName::EcdsaSecp256r1Sha256);
}

#[test]
fn ecdh_points() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    let mut agreed = 0;
    for test in set.test_groups.into_iter().flat_map(|g| g.tests) {
        let mut scalar = [0; 32];
        let raw: &[u8] = &test.private_key;
        let raw = &raw[raw.len().saturating_sub(32)..];
        scalar[32 - raw.len()..].copy_from_slice(raw);
        let key = SoftKey::from_bytes(&scalar).unwrap();
        let Ok(peer) = PublicKey::from_sec1(&test.public_key) else {
            assert_ne!(test.result, TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            continue;
        };
        assert_ne!(test.result, TestResult::Invalid, "{}: {}", test.tc_id, test.comment);
        assert_eq!(
            key.agree(&peer).unwrap().as_slice(),
            &test.shared_secret[..],
            "{}: {}",
            test.tc_id,
            test.comment
        );
        agreed += 1;
    }
    assert!(agreed > 100);
}
