//! Every code of the workstation is in `docs/errors.md`, and nothing there is of the past.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;
use wardkey_core::fault::Coded as _;
use wardkey_desk::error::DeskError;
use wardkey_desk::import::ImportError;
use wardkey_desk::settings::SettingsError;
use wardkey_desk::store::StoreError;

/// Codes that stand in the Gateway's or the Cards' table with the same meaning.
const ELSEWHERE: [&str; 5] = [
    "card-absent",
    "disk-full",
    "grant-unknown",
    "settings-unreadable",
    "internal",
];
/// Warnings of an import, and what the client says of a gateway.
const NOTICES: [&str; 10] = [
    "gateway-offline",
    "gateway-refused",
    "gateway-unreadable",
    "import-encoding-guessed",
    "import-entry-skipped",
    "import-no-composition",
    "import-no-full-url",
    "import-other-patient",
    "import-section-not-writable",
    "import-version-mixed",
];

#[test]
fn the_table_is_the_programs() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md")).unwrap();
    let part = text
        .split("\n## ")
        .find(|part| part.starts_with("Workstation\n"))
        .unwrap();
    let listed: BTreeSet<&str> = part
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let detail = || String::new();
    let store = [
        StoreError::DiskFull,
        StoreError::Stopped,
        StoreError::DraftInTheWay,
        StoreError::NotRefused,
        StoreError::InUse,
        StoreError::Broken { detail: detail() },
        StoreError::Unreadable,
    ];
    let settings = [
        SettingsError::Unreadable {
            path: detail(),
            detail: detail(),
        },
        SettingsError::Wrong { detail: detail() },
    ];
    let import = [
        ImportError::Empty,
        ImportError::TooLarge { mib: 0 },
        ImportError::TooMany { count: 0 },
        ImportError::Encoding,
        ImportError::Xml,
        ImportError::NotJson { line: 0, column: 0 },
        ImportError::NotFhir,
        ImportError::NotABundle { kind: detail() },
        ImportError::NoEntries,
        ImportError::Version {
            found: "",
            sign: detail(),
        },
    ];
    let mut codes: BTreeSet<&str> = DeskError::CODES.iter().map(|(code, _)| *code).chain(NOTICES).collect();
    codes.extend(store.iter().map(|e| e.code()));
    codes.extend(settings.iter().map(|e| e.code()));
    codes.extend(import.iter().map(|e| e.code()));
    let missing: Vec<_> = codes
        .iter()
        .filter(|c| !listed.contains(*c) && !ELSEWHERE.contains(c))
        .collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    let stale: Vec<_> = listed.iter().filter(|c| !codes.contains(*c)).collect();
    assert!(stale.is_empty(), "only in docs/errors.md: {stale:?}");
}
