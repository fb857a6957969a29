//! An institution's signed history: what proves it, and everything that a gateway may try instead. The browser's tests read
//! `tests/vectors/institution.json`; rewrite it as `vectors.rs` says.
#![expect(clippy::unwrap_used, reason = "test")]

use serde_json::{Value, json};
use std::path::PathBuf;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::fault::Coded as _;
use wardkey_core::id::InstitutionId;
use wardkey_core::institution::{History, Unproved};
use wardkey_core::key::SoftKey;
use wardkey_core::typed::{Domain, structs};

const DOMAIN: Domain = Domain {
    chain_id: 7,
    contract: [1; 20],
    salt: [2; 32],
};

fn key(n: u8) -> SoftKey {
    SoftKey::from_bytes(&[n; 32]).unwrap()
}

fn id(master: u8) -> InstitutionId {
    key(master).public().id().into()
}

fn signed(action: impl Into<Action>, by: &[u8]) -> SignedAction {
    let action = action.into();
    let signatures = by.iter().map(|n| key(*n).sign(&action.preimage(&DOMAIN)).unwrap());
    SignedAction {
        signatures: signatures.collect(),
        action,
        keys: vec![],
        proof: None,
    }
}

fn registration(master: u8, agreement: u8, name: &str) -> structs::RegisterInstitution {
    structs::RegisterInstitution {
        institution: id(master).0.into(),
        name: name.into(),
        country: "CH".into(),
        masterX: key(master).public().x().into(),
        masterY: key(master).public().y().into(),
        agreementX: key(agreement).public().x().into(),
        agreementY: key(agreement).public().y().into(),
        deadline: 9,
    }
}

fn agreement(of: u8, epoch: u32, new: u8, nonce: u64) -> structs::RotateAgreement {
    structs::RotateAgreement {
        institution: id(of).0.into(),
        epoch,
        agreementX: key(new).public().x().into(),
        agreementY: key(new).public().y().into(),
        nonce,
        deadline: 9,
    }
}

fn master(of: u8, new: u8, nonce: u64) -> structs::RotateMaster {
    structs::RotateMaster {
        institution: id(of).0.into(),
        masterX: key(new).public().x().into(),
        masterY: key(new).public().y().into(),
        nonce,
        deadline: 9,
    }
}

fn approval(of: u8, device: u8, nonce: u64) -> structs::ApproveDevice {
    structs::ApproveDevice {
        institution: id(of).0.into(),
        deviceX: key(device).public().x().into(),
        deviceY: key(device).public().y().into(),
        rights: 3,
        notAfter: 99,
        certificate: [5; 32].into(),
        nonce,
        deadline: 9,
    }
}

/// Master 1, agreement 2; agreement 3 from nonce 4; master 4 from nonce 6; agreement 5.
fn history() -> Vec<SignedAction> {
    vec![
        signed(registration(1, 2, "Harbour Hospital"), &[1]),
        signed(agreement(1, 2, 3, 3), &[1]),
        signed(master(1, 4, 5), &[1, 4]),
        signed(agreement(1, 3, 5, 6), &[4]),
    ]
}

fn replay(actions: &[SignedAction]) -> Result<History, Unproved> {
    History::replay(&DOMAIN, &id(1), actions)
}

#[test]
fn a_whole_history_gives_name_and_newest_keys() {
    let found = replay(&history()).unwrap();
    assert_eq!(
        (found.name.as_str(), found.country.as_str()),
        ("Harbour Hospital", "CH")
    );
    assert_eq!((found.epoch, found.agreement), (3, key(5).public()));
    assert_eq!(found.master(), key(4).public());
    assert_eq!(replay(&history()[..1]).unwrap().agreement, key(2).public());
}

/// Histories that must not be believed, each with the reason.
fn false_histories() -> Vec<(&'static str, Unproved, Vec<SignedAction>)> {
    use Unproved::{Institution, Order, Signature};
    let with = |change: &dyn Fn(&mut Vec<SignedAction>)| {
        let mut actions = history();
        change(&mut actions);
        actions
    };
    let at = |place: usize, action: &SignedAction| with(&|actions| actions[place] = action.clone());
    let registered = |change: &dyn Fn(&mut structs::RegisterInstitution)| {
        let mut action = history().remove(0);
        if let Action::RegisterInstitution(m) = &mut action.action {
            change(m);
        }
        at(0, &action)
    };
    let other_key = registered(&|m| {
        (m.agreementX, m.agreementY) = (key(9).public().x().into(), key(9).public().y().into());
    });
    let by = |master: u8, signer: u8| signed(registration(master, 9, "Harbour Hospital"), &[signer]);
    vec![
        ("altered agreement key", Signature, other_key),
        (
            "altered name",
            Signature,
            registered(&|m| m.name = "Harbour Bank".into()),
        ),
        ("registered by a stranger", Signature, at(0, &by(1, 9))),
        ("another institution's registration", Institution, at(0, &by(9, 9))),
        (
            "another institution's rotation",
            Institution,
            at(1, &signed(agreement(9, 2, 3, 3), &[1])),
        ),
        ("agreement rotation missing", Order, with(&|a| drop(a.remove(1)))),
        ("master rotation missing", Signature, with(&|a| drop(a.remove(2)))),
        ("registration missing", Order, with(&|a| drop(a.remove(0)))),
        ("wrong order", Order, with(&|a| a.swap(1, 2))),
        (
            "a nonce taken before",
            Order,
            at(3, &signed(agreement(1, 3, 5, 5), &[4])),
        ),
        (
            "signed by the old master key",
            Signature,
            at(3, &signed(agreement(1, 3, 5, 6), &[1])),
        ),
        (
            "new master key did not sign",
            Signature,
            at(2, &signed(master(1, 4, 5), &[1])),
        ),
        (
            "an action that does not belong",
            Order,
            with(&|a| a.push(signed(approval(1, 7, 9), &[4]))),
        ),
        ("no signature", Signature, with(&|a| a[0].signatures.clear())),
        ("nothing", Order, vec![]),
    ]
}

#[test]
fn nothing_altered_foreign_missing_or_out_of_order_passes() {
    for (what, why, actions) in false_histories() {
        assert_eq!(replay(&actions), Err(why), "{what}");
    }
    let other = Domain { chain_id: 8, ..DOMAIN };
    assert_eq!(History::replay(&other, &id(1), &history()), Err(Unproved::Signature));
    assert_eq!(Unproved::Order.code(), "institution-unproved");
}

fn made() -> Value {
    let refused = false_histories();
    let refused = refused
        .iter()
        .map(|(what, _, actions)| json!({ "what": what, "actions": actions }));
    json!({
        "note": "private keys are 32 bytes of a small value; see core/tests/institution.rs",
        "domain": DOMAIN,
        "id": id(1),
        "history": { "name": "Harbour Hospital", "country": "CH", "epoch": 3, "agreement": key(5).public() },
        "actions": history(),
        "refused": refused.collect::<Vec<_>>(),
        "device": key(7).public(),
        "approvals": [signed(approval(1, 7, 1), &[1]), signed(approval(1, 7, 6), &[4])],
        "refusedApprovals": [
            signed(approval(1, 7, 6), &[1]), signed(approval(1, 8, 1), &[1]), signed(approval(9, 7, 1), &[9]),
            history()[0],
        ],
    })
}

#[test]
fn the_pinned_history_holds() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/institution.json");
    if std::env::var_os("WARDKEY_WRITE_VECTORS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&made()).unwrap() + "\n").unwrap();
    }
    let pinned: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let actions = |value: &Value| serde_json::from_value::<Vec<SignedAction>>(value.clone()).unwrap();
    let found = replay(&actions(&pinned["actions"])).unwrap();
    assert_eq!(found, replay(&history()).unwrap());
    for refused in pinned["refused"].as_array().unwrap() {
        assert!(replay(&actions(&refused["actions"])).is_err(), "{}", refused["what"]);
    }
    let holds = |action: &SignedAction| found.approval(&DOMAIN, &key(7).public(), action).is_ok();
    assert!(actions(&pinned["approvals"]).iter().all(holds));
    assert!(!actions(&pinned["refusedApprovals"]).iter().any(holds));
}

#[test]
fn an_approval_is_signed_by_the_master_key_of_its_time() {
    let found = replay(&history()).unwrap();
    let ask = |action: &SignedAction| found.approval(&DOMAIN, &key(7).public(), action).map(|m| m.rights);
    assert_eq!(ask(&signed(approval(1, 7, 1), &[1])), Ok(3));
    assert_eq!(
        ask(&signed(approval(1, 7, 5), &[1])),
        Ok(3),
        "the nonce of the change is still the old key's"
    );
    assert_eq!(ask(&signed(approval(1, 7, 6), &[4])), Ok(3));
    assert_eq!(ask(&signed(approval(1, 7, 6), &[1])), Err(Unproved::Signature));
    assert_eq!(ask(&signed(approval(1, 7, 1), &[9])), Err(Unproved::Signature));
    assert_eq!(ask(&signed(approval(1, 8, 1), &[1])), Err(Unproved::Approval));
    assert_eq!(ask(&signed(approval(9, 7, 1), &[9])), Err(Unproved::Approval));
    assert_eq!(ask(&history()[0]), Err(Unproved::Approval));
    assert_eq!(Unproved::Approval.code(), "device-unproved");
}
