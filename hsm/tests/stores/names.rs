//! Cards by their URIs.

use super::*;
use wardkey_hsm::store::{self, StoreKind};
use wardkey_virtual_card::rig::{PORTS, Rig};

fn opened(uri: &str) -> Result<Box<dyn KeyStore>, CardError> {
    store::open(&uri.parse().unwrap())
}

#[test]
fn a_card_is_found_by_its_serial_number_in_whichever_reader() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(&folder.path().join("ca")).unwrap();
    assert_eq!(code(opened("piv:")), "card-absent");
    assert_eq!(code(opened("piv:serial=77")), "card-absent");
    let first = rig.insert(PORTS[0], &folder.path().join("first"), Some(11)).unwrap();
    assert_eq!(opened("piv:").unwrap().info().unwrap().serial.as_deref(), Some("11"));
    assert_eq!(code(opened("piv:serial=77")), "card-wrong");

    let _second = rig.insert(PORTS[1], &folder.path().join("second"), Some(77)).unwrap();
    let mut found = opened("piv:serial=77;slot=9c").unwrap();
    assert_eq!(
        found.kind(),
        StoreKind::YubiKey,
        "by what it answers, not by its reader"
    );
    assert_eq!(found.info().unwrap().serial.as_deref(), Some("77"));
    assert_eq!(code(opened("piv:")), "card-two");
    drop(first);
    rig.wait_for_card("Virtual PCD 00 00", false).unwrap();
    assert_eq!(code(opened("piv:serial=11")), "card-wrong");
    opened("piv:").unwrap();
}
