//! A disk that is full: the action fails with its reason, nothing is half written, and it works again with room.
#![expect(clippy::unwrap_used, reason = "test")]

use super::{Embedded, Genesis, lock};
use crate::error::ChainError;
use crate::ledger::Chain as _;
use std::sync::Arc;
use wardkey_core::action::SignedAction;
use wardkey_core::fault::Coded as _;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;

fn grant(ledger: &Embedded, key: &SoftKey, n: u8) -> Result<u64, ChainError> {
    let message = structs::Grant {
        commitment: [n; 32].into(),
        deadline: 2_000,
    };
    let signature = ledger.network().domain.sign(key, &message).unwrap();
    ledger
        .submit(&SignedAction::by_key(message, key.public(), signature))
        .map(|receipt| receipt.block)
}

#[test]
fn nothing_is_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let (operator, gateway, key) = (
        SoftKey::generate().unwrap(),
        SoftKey::generate().unwrap(),
        SoftKey::generate().unwrap(),
    );
    let genesis = Genesis {
        chain_id: 5,
        salt: [1; 32],
        operator: operator.public(),
        gateway: gateway.public(),
    };
    let ledger = Embedded::open(&dir.path().join("ledger.sqlite"), genesis, Arc::new(|| 1_000)).unwrap();
    grant(&ledger, &key, 0).unwrap();
    let limit = |pages: u32| {
        let writer = lock(&ledger.writer);
        writer
            .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, u32>(0))
            .unwrap()
    };
    limit(1); // SQLite raises it to the pages in use: no page more.

    let failed = (1..=255).find_map(|n| grant(&ledger, &key, n).err().map(|error| (n, error)));
    let (n, error) = failed.unwrap();
    assert_eq!(error.code(), "disk-full", "{error}");
    assert_eq!(ledger.head().unwrap().number, u64::from(n) + 1);
    assert_eq!(ledger.verify().unwrap(), u64::from(n) + 1);

    limit(u32::MAX - 1);
    assert_eq!(grant(&ledger, &key, n).unwrap(), u64::from(n) + 2);
    ledger.verify().unwrap();
}
