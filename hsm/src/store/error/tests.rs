use super::*;
use std::collections::BTreeSet;

fn all() -> Vec<StoreFault> {
    use StoreFault as F;
    let (slot, text) = (Slot::Signature, || "…".to_owned());
    vec![
        F::Unsupported {
            kind: StoreKind::Soft,
            what: "attest its keys",
        },
        F::CardTwice,
        F::ModuleUnset,
        F::ModuleMissing {
            path: text(),
            detail: text(),
        },
        F::TokenMissing { wanted: text() },
        F::TokenTwice {
            wanted: text(),
            count: 2,
        },
        F::TokenNotReady { token: text() },
        F::KeyMissing {
            token: text(),
            slot,
            wanted: text(),
        },
        F::KeyTwice {
            token: text(),
            slot,
            wanted: text(),
        },
        F::KeyUnusable { slot, reason: "…" },
        F::PinWrong { few: true },
        F::PinLocked,
        F::SessionLost,
        F::Busy { detail: "…" },
        F::KdfRefused,
        F::ModuleFailed {
            step: text(),
            detail: text(),
        },
        F::SoftMissing { path: text() },
        F::SoftExists { path: text() },
        F::SoftDamaged {
            path: text(),
            reason: "…",
        },
        F::SoftLocked,
        F::SoftUnusable {
            path: text(),
            detail: text(),
        },
    ]
}

/// Codes that stand in the Cards' table with the same meaning.
const ELSEWHERE: [&str; 3] = ["pin-wrong", "pin-blocked", "card-two"];

#[test]
fn the_table_is_the_programs() {
    let table = include_str!("../../../../docs/errors.md");
    let part = table.split("\n## ").find(|part| part.starts_with("Key stores\n"));
    let listed: BTreeSet<&str> = part
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let mut codes: BTreeSet<&str> = all().iter().map(Coded::code).collect();
    // Both kinds of a locked PIN have one code.
    assert_eq!(codes.len() + 1, all().len());
    codes.retain(|code| !ELSEWHERE.contains(code));
    codes.extend(["key-uri-malformed", "key-uri-pin"]);
    assert_eq!(listed, codes);
    assert!(ELSEWHERE.iter().all(|code| table.contains(&format!("| `{code}` |"))));
}

#[test]
fn every_fault_says_what_to_do() {
    for fault in all() {
        assert!(
            fault.action().ends_with('.') && !fault.to_string().ends_with('.'),
            "{fault:?}"
        );
    }
    assert_eq!(
        StoreFault::Unsupported {
            kind: StoreKind::Pkcs11,
            what: "attest its keys"
        }
        .to_string(),
        "an HSM cannot attest its keys"
    );
}
