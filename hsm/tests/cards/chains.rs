//! Attestation chains as makers have them, and as forgers would: made here with every signature kind met in the field.

use super::attestation::{NOW, is_invalid, quiet};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    SignatureAlgorithm, date_time_ymd,
};
use std::process::Command;
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_hsm::attestation::{Evidence, Facts, Roots, Verdict, verify};
use wardkey_hsm::{PinPolicy, Slot};

const NAMES: [&str; 4] = [
    "Root 1",
    "Intermediate B 1",
    "PIV Attestation B 1",
    "Yubico PIV Attestation",
];
const ROOT: usize = 0;
const F9: usize = 3;
const LEAF: usize = 4;
const SERIAL: u64 = 7;
const POLICY: u64 = 8;

/// Leaf ← F9 ← tier ← tier ← root, as firmware 5.7.4 has it. The two tiers are not on the card, and the F9 certificate lacks
/// CA:TRUE, as some do.
#[derive(Clone)]
struct Plan {
    /// How root, tiers and F9 sign.
    signs: [&'static SignatureAlgorithm; 4],
    slot: Slot,
    /// Contents of the leaf's extensions under Yubico's arc.
    says: Vec<(u64, Vec<u8>)>,
    tiers_are_ca: bool,
    f9_is_ca: bool,
    /// The certificate that ended in 2025, if one did.
    expired: Option<usize>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            signs: [&rcgen::PKCS_ECDSA_P256_SHA256; 4],
            slot: Slot::Authentication,
            says: vec![(POLICY, vec![2, 1])],
            tiers_are_ca: true,
            f9_is_ca: false,
            expired: None,
        }
    }
}

struct Chain {
    slot: Slot,
    key: PublicKey,
    evidence: Evidence,
    tiers: [String; 2],
    root: String,
    keys: [KeyPair; 4],
}

/// A key whose certificate somebody else signs.
struct Point([u8; 65]);
impl rcgen::PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn make_key(signs: &'static SignatureAlgorithm) -> KeyPair {
    if *signs == rcgen::PKCS_ECDSA_P256_SHA256 {
        return KeyPair::generate().unwrap();
    }
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .unwrap();
    KeyPair::from_pkcs8_pem_and_sign_algo(std::str::from_utf8(&made.stdout).unwrap(), signs).unwrap()
}

impl Plan {
    fn params(&self, level: usize) -> CertificateParams {
        let mut params = CertificateParams::default();
        let leaf = format!("YubiKey PIV Attestation {:02x}", self.slot.reference());
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, NAMES.get(level).copied().unwrap_or(&leaf));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(if self.expired == Some(level) { 2025 } else { 2050 }, 1, 1);
        let ca = match level {
            ROOT => true,
            F9 => self.f9_is_ca,
            LEAF => false,
            _ => self.tiers_are_ca,
        };
        params.is_ca = if ca {
            IsCa::Ca(BasicConstraints::Unconstrained)
        } else {
            IsCa::NoCa
        };
        params
    }

    fn make(&self) -> Chain {
        let keys = self.signs.map(make_key);
        let issuer = |level: usize| Issuer::new(self.params(level), &keys[level]);
        let below = |level: usize| self.params(level).signed_by(&keys[level], &issuer(level - 1)).unwrap();
        let (key, leaf) = self.leaf(&keys[F9]);
        let mut evidence = Evidence {
            issuer: below(F9).der().to_vec(),
            ..Evidence::default()
        };
        match self.slot {
            Slot::Authentication => evidence.leaf9a = leaf,
            Slot::Signature => evidence.leaf9c = leaf,
            Slot::KeyManagement => evidence.leaf9d = leaf,
        }
        Chain {
            slot: self.slot,
            key,
            evidence,
            tiers: [below(1).pem(), below(2).pem()],
            root: self.params(ROOT).self_signed(&keys[ROOT]).unwrap().pem(),
            keys,
        }
    }

    /// A new key and its leaf, signed by the card's own.
    fn leaf(&self, f9: &KeyPair) -> (PublicKey, Vec<u8>) {
        let key = SoftKey::generate().unwrap().public();
        let mut params = self.params(LEAF);
        let extension = |(last, content): &(u64, Vec<u8>)| {
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 41482, 3, *last], content.clone())
        };
        params.custom_extensions = self.says.iter().map(extension).collect();
        let issuer = Issuer::new(self.params(F9), f9);
        (
            key,
            params.signed_by(&Point(*key.bytes()), &issuer).unwrap().der().to_vec(),
        )
    }

    /// The verdict of somebody who has the whole bundle.
    fn verdict(&self) -> Verdict {
        let chain = self.make();
        chain.verdict(&[&chain.root, &chain.tiers[0], &chain.tiers[1]])
    }
}

impl Chain {
    fn verdict(&self, bundle: &[&str]) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.pem"), bundle.concat()).unwrap();
        let roots = Roots::from_pem_dir(folder.path()).unwrap();
        verify(&self.evidence, &[(self.slot, self.key)], &roots, NOW).overall()
    }
}

#[test]
fn the_longer_chain_of_newer_cards_is_followed() {
    let chain = Plan::default().make();
    let [upper, lower] = [chain.tiers[0].as_str(), chain.tiers[1].as_str()];
    assert_eq!(chain.verdict(&[&chain.root, upper, lower]), Verdict::Genuine);
    assert_eq!(chain.verdict(&[lower, &chain.root, upper]), Verdict::Genuine);
    assert_eq!(chain.verdict(&[&chain.root, upper]), Verdict::NewerThanOurList);
    assert_eq!(chain.verdict(&[&chain.root, lower]), Verdict::NewerThanOurList);
    // Trusting a step alone is not trusting a root.
    assert_eq!(chain.verdict(&[upper, lower]), Verdict::NewerThanOurList);
}

#[test]
fn every_kind_of_signature_met_in_the_field_is_verified() {
    let (ecdsa, rsa256, rsa512) = (
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA512,
    );
    let plans = [[rsa256; 4], [rsa512; 4], [rsa512, rsa512, rsa256, ecdsa]];
    for (n, signs) in plans.into_iter().enumerate() {
        let plan = Plan {
            signs,
            ..Plan::default()
        };
        let chain = plan.make();
        let bundle = [chain.root.as_str(), &chain.tiers[0], &chain.tiers[1]];
        assert_eq!(chain.verdict(&bundle), Verdict::Genuine, "plan {n}");
        // The same names and kinds, other keys.
        let forged = plan.make().verdict(&bundle);
        assert!(is_invalid(&forged, "did not sign"), "plan {n}: {forged:?}");
    }
}

#[test]
fn an_f9_certificate_may_lack_the_ca_flag_and_a_tier_may_not() {
    for f9_is_ca in [false, true] {
        let plan = Plan {
            f9_is_ca,
            ..Plan::default()
        };
        assert_eq!(plan.verdict(), Verdict::Genuine);
    }
    let weak = Plan {
        tiers_are_ca: false,
        ..Plan::default()
    };
    assert!(is_invalid(&weak.verdict(), "may not sign"), "{:?}", weak.verdict());
}

#[test]
fn forged_chains_are_invalid() {
    let (chain, other) = (Plan::default().make(), Plan::default().make());
    // Everything has the right names, but the lowest tier is another key.
    let forged = other.verdict(&[&chain.root, &chain.tiers[0], &chain.tiers[1]]);
    assert!(is_invalid(&forged, "did not sign"), "{forged:?}");
}

#[test]
fn an_expired_certificate_anywhere_in_the_chain_is_invalid() {
    assert_eq!(Plan::default().verdict(), Verdict::Genuine);
    for level in [ROOT, 1, 2, F9, LEAF] {
        let plan = Plan {
            expired: Some(level),
            ..Plan::default()
        };
        let verdict = plan.verdict();
        assert!(is_invalid(&verdict, "at this time"), "level {level}: {verdict:?}");
    }
}

#[test]
fn a_key_with_a_weaker_pin_policy_than_the_slot_demands_is_invalid() {
    const NEVER: u8 = 1;
    const ONCE: u8 = 2;
    const ALWAYS: u8 = 3;
    let cases = [
        (Slot::Authentication, NEVER, false),
        (Slot::Authentication, ONCE, true),
        (Slot::Authentication, ALWAYS, true),
        (Slot::Signature, NEVER, false),
        (Slot::Signature, ONCE, false),
        (Slot::Signature, ALWAYS, true),
        (Slot::KeyManagement, NEVER, false),
        (Slot::KeyManagement, ONCE, true),
    ];
    for (slot, policy, good) in cases {
        let says = vec![(POLICY, vec![policy, 1])];
        let verdict = Plan {
            slot,
            says,
            ..Plan::default()
        }
        .verdict();
        if good {
            assert_eq!(verdict, Verdict::Genuine, "{slot} {policy}");
        } else {
            assert!(is_invalid(&verdict, "less often"), "{slot} {policy}: {verdict:?}");
        }
    }
    for says in [vec![], vec![(POLICY, vec![])], vec![(POLICY, vec![9, 1])]] {
        let verdict = Plan {
            says,
            ..Plan::default()
        }
        .verdict();
        assert!(is_invalid(&verdict, "does not say"), "{verdict:?}");
    }
    assert!(PinPolicy::Never < PinPolicy::Once && PinPolicy::Once < PinPolicy::Always);
}

#[test]
fn leaves_that_name_two_cards_are_invalid() {
    let says = |serial: u8| vec![(POLICY, vec![3, 1]), (SERIAL, vec![2, 1, serial])];
    let first = Plan {
        says: says(17),
        ..Plan::default()
    }
    .make();
    let second_slot = |serial| {
        let mut evidence = first.evidence.clone();
        let plan = Plan {
            slot: Slot::Signature,
            says: says(serial),
            ..Plan::default()
        };
        let (key, leaf) = plan.leaf(&first.keys[F9]);
        evidence.leaf9c = leaf;
        let expected = [(Slot::Authentication, first.key), (Slot::Signature, key)];
        verify(&evidence, &expected, &Roots::default(), NOW).overall()
    };
    assert_eq!(second_slot(17), Verdict::NewerThanOurList);
    assert!(
        is_invalid(&second_slot(18), "another card than the others"),
        "{:?}",
        second_slot(18)
    );
}

#[test]
fn any_content_of_the_extensions_is_read_without_panic() {
    let content = || proptest::collection::vec(any::<u8>(), 0..12);
    proptest!(quiet(96), |(firmware in content(), serial in content(), policy in content())| {
        let says = vec![(3, firmware.clone()), (SERIAL, serial), (POLICY, policy.clone())];
        let chain = Plan { says, ..Plan::default() }.make();
        let facts = Facts::of(&chain.evidence.leaf9a).unwrap();
        prop_assert_eq!(facts.firmware.is_some(), firmware.len() == 3);
        let strong = matches!(policy.first(), Some(2 | 3));
        let bundle = [chain.root.as_str(), &chain.tiers[0], &chain.tiers[1]];
        prop_assert_eq!(chain.verdict(&bundle) == Verdict::Genuine, strong);
    });
}

/// Evidence comes from strangers, through the gateway: whatever the bytes are, they get a verdict, and altered ones never the best.
#[test]
fn any_bytes_are_judged_and_no_altered_leaf_is_genuine() {
    let chain = Plan::default().make();
    let folder = tempfile::tempdir().unwrap();
    let bundle = [chain.root.as_str(), &chain.tiers[0], &chain.tiers[1]].concat();
    std::fs::write(folder.path().join("bundle.pem"), bundle).unwrap();
    let roots = Roots::from_pem_dir(folder.path()).unwrap();
    let judged = |evidence: &Evidence| verify(evidence, &[(chain.slot, chain.key)], &roots, NOW).overall();
    assert_eq!(judged(&chain.evidence), Verdict::Genuine);
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    proptest!(quiet(256), |(at in any::<prop::sample::Index>(), bits in 1u8.., junk in bytes(), which in 0..4u8)| {
        let mut evidence = chain.evidence.clone();
        let at = at.index(evidence.leaf9a.len());
        match which {
            0 => evidence.leaf9a = junk,
            1 => evidence.issuer = junk,
            2 => evidence.leaf9a.truncate(at),
            _ => evidence.leaf9a[at] ^= bits,
        }
        let _reads_or_not = Facts::of(&evidence.leaf9a);
        prop_assert_ne!(judged(&evidence), Verdict::Genuine);
    });
}
