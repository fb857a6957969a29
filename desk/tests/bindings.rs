//! The TypeScript of the view models is the one in the repository.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

#[test]
fn typescript_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/shared/src/generated/workstation.ts");
    let expected = wardkey_desk::bindings::typescript();
    if std::env::var_os("WARDKEY_WRITE_BINDINGS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "run: WARDKEY_WRITE_BINDINGS=1 cargo test --release -p wardkey-desk --test bindings"
    );
}
