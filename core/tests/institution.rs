//! An institution's signed history: what proves it, and everything that a gateway may try instead. The browser's tests read
//! `tests/vectors/institution.json`; rewrite it as `vectors.rs` says.
#![expect(clippy::unwrap_used, reason = "test")]

use serde_json::{Value, json};
use std::path::PathBuf;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::epoch::{OlderKey, seal_older, unroll};
use wardkey_core::fault::Coded as _;
use wardkey_core::id::InstitutionId;
use wardkey_core::institution::{History, Unproved};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::masters::{MasterKey, Masters};
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
        wrapX: wrap(master).x().into(),
        wrapY: wrap(master).y().into(),
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

/// The agreement key beside a master key.
fn wrap(master: u8) -> PublicKey {
    key(master + 100).public()
}

fn list(keys: &[u8], threshold: u8) -> Masters {
    let entry = |n: &u8| MasterKey {
        key: key(*n).public(),
        wrap: wrap(*n),
    };
    Masters::new(keys.iter().map(entry).collect(), threshold).unwrap()
}

fn masters(of: u8, keys: &[u8], threshold: u8, nonce: u64) -> structs::SetMasters {
    structs::SetMasters {
        institution: id(of).0.into(),
        keys: list(keys, threshold).bytes().into(),
        threshold,
        nonce,
        deadline: 9,
    }
}

fn approval(of: u8, device: u8, masters: u32) -> structs::ApproveDevice {
    structs::ApproveDevice {
        institution: id(of).0.into(),
        deviceX: key(device).public().x().into(),
        deviceY: key(device).public().y().into(),
        rights: 3,
        notAfter: 99,
        certificate: [5; 32].into(),
        masters,
        nonce: 0,
        deadline: 9,
    }
}

/// Master 1, agreement 2; agreement 3; masters 1, 4 and 6, two of whom sign; agreement 5, by master 6 alone; master 1 is lost and
/// replaced by 8.
fn history() -> Vec<SignedAction> {
    vec![
        signed(registration(1, 2, "Harbour Hospital"), &[1]),
        signed(agreement(1, 2, 3, 0), &[1]),
        signed(masters(1, &[1, 4, 6], 2, 1), &[1, 4, 6]),
        signed(agreement(1, 3, 5, 2), &[6]),
        signed(masters(1, &[4, 6, 8], 2, 3), &[4, 6, 8]),
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
    assert_eq!(
        (found.masters(), found.masters_version(), found.nonce()),
        (&list(&[4, 6, 8], 2), 3, 4)
    );
    assert_eq!(found.masters().find(&key(8).public()).unwrap().wrap, wrap(8));
    let agreements = [0, 1, 2, 3, 4].map(|epoch| found.agreement_at(epoch));
    let known = [2, 3, 5].map(|n| Some(key(n).public()));
    assert_eq!(agreements, [None, known[0], known[1], known[2], None]);
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
    let other_wrap = registered(&|m| (m.wrapX, m.wrapY) = (wrap(9).x().into(), wrap(9).y().into()));
    let by = |master: u8, signer: u8| signed(registration(master, 9, "Harbour Hospital"), &[signer]);
    let listed = |bytes: &[u8], threshold: u8| structs::SetMasters {
        keys: bytes.to_vec().into(),
        threshold,
        ..masters(1, &[1, 4, 6], 2, 1)
    };
    let three = list(&[1, 4, 6], 2).bytes();
    let twice = [&three[..256], &three[..128]].concat();
    vec![
        ("altered agreement key", Signature, other_key),
        ("altered wrap key", Signature, other_wrap),
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
            at(1, &signed(agreement(9, 2, 3, 0), &[1])),
        ),
        ("agreement rotation missing", Order, with(&|a| drop(a.remove(1)))),
        ("change of masters missing", Order, with(&|a| drop(a.remove(2)))),
        ("registration missing", Order, with(&|a| drop(a.remove(0)))),
        ("wrong order", Order, with(&|a| a.swap(1, 2))),
        (
            "a nonce taken before",
            Order,
            at(3, &signed(agreement(1, 3, 5, 1), &[6])),
        ),
        (
            "a nonce left out",
            Order,
            with(&|a| a.push(signed(agreement(1, 4, 9, 5), &[4]))),
        ),
        (
            "signed by a removed master key",
            Signature,
            with(&|a| a.push(signed(agreement(1, 4, 9, 4), &[1]))),
        ),
        (
            "new master key did not sign",
            Signature,
            at(4, &signed(masters(1, &[4, 6, 8], 2, 3), &[4, 6])),
        ),
        (
            "one signature short",
            Signature,
            at(4, &signed(masters(1, &[4, 6, 8], 2, 3), &[4, 8])),
        ),
        (
            "the same master key twice",
            Signature,
            at(4, &signed(masters(1, &[4, 6, 8], 2, 3), &[4, 4, 8])),
        ),
        (
            "not in the list's order",
            Signature,
            at(4, &signed(masters(1, &[4, 6, 8], 2, 3), &[6, 4, 8])),
        ),
        (
            "one signature more than needed",
            Signature,
            at(4, &signed(masters(1, &[4, 6, 8], 2, 3), &[1, 4, 6, 8])),
        ),
        (
            "as many signatures as keys",
            Order,
            at(2, &signed(listed(&three, 3), &[1, 4, 6])),
        ),
        (
            "no signature needed",
            Order,
            at(2, &signed(listed(&three, 0), &[1, 4, 6])),
        ),
        ("a master key twice", Order, at(2, &signed(listed(&twice, 2), &[1, 4]))),
        ("no master key", Order, at(2, &signed(listed(&[], 1), &[1]))),
        (
            "half a master key",
            Order,
            at(2, &signed(listed(&three[..192], 1), &[1, 4])),
        ),
        (
            "an action that does not belong",
            Order,
            with(&|a| a.push(signed(approval(1, 7, 3), &[4, 6]))),
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

/// Approvals that hold, and what they show.
fn approvals() -> Vec<(&'static str, SignedAction)> {
    vec![
        ("by the first and only master", signed(approval(1, 7, 1), &[1])),
        ("two of three", signed(approval(1, 7, 2), &[1, 6])),
        ("two others of three", signed(approval(1, 7, 2), &[4, 6])),
        ("two of the newest three", signed(approval(1, 7, 3), &[4, 8])),
    ]
}

/// Approvals that must not be believed, each with the reason.
fn false_approvals() -> Vec<(&'static str, Unproved, SignedAction)> {
    use Unproved::{Approval, Signature};
    vec![
        ("one signature short", Signature, signed(approval(1, 7, 2), &[4])),
        (
            "one signature more than needed",
            Signature,
            signed(approval(1, 7, 2), &[1, 4, 6]),
        ),
        ("the same key twice", Signature, signed(approval(1, 7, 2), &[4, 4])),
        ("not in the list's order", Signature, signed(approval(1, 7, 2), &[6, 4])),
        (
            "signed for one version, shown as another",
            Signature,
            signed(approval(1, 7, 1), &[4, 6]),
        ),
        (
            "the key of a removed master",
            Signature,
            signed(approval(1, 7, 3), &[1, 4]),
        ),
        ("a key that came later", Signature, signed(approval(1, 7, 2), &[4, 8])),
        ("a version that never was", Approval, signed(approval(1, 7, 4), &[4, 6])),
        ("version nought", Approval, signed(approval(1, 7, 0), &[1])),
        ("a stranger", Signature, signed(approval(1, 7, 1), &[9])),
        ("another card", Approval, signed(approval(1, 8, 1), &[1])),
        ("another institution", Approval, signed(approval(9, 7, 1), &[9])),
        ("no approval", Approval, history().remove(0)),
    ]
}

fn made() -> Value {
    let refused = false_histories();
    let refused = refused
        .iter()
        .map(|(what, _, actions)| json!({ "what": what, "actions": actions }));
    let approved = approvals();
    let approved = approved
        .iter()
        .map(|(what, approval)| json!({ "what": what, "approval": approval }));
    let unapproved = false_approvals();
    let unapproved = unapproved
        .iter()
        .map(|(what, _, approval)| json!({ "what": what, "approval": approval }));
    let newest = list(&[4, 6, 8], 2);
    json!({
        "note": "private keys are 32 bytes of a small value; see core/tests/institution.rs",
        "domain": DOMAIN,
        "id": id(1),
        "history": {
            "name": "Harbour Hospital", "country": "CH", "epoch": 3, "agreement": key(5).public(),
            "masters": newest.keys().iter().map(|k| k.key).collect::<Vec<_>>(), "threshold": 2, "version": 3,
        },
        "actions": history(),
        "refused": refused.collect::<Vec<_>>(),
        "device": key(7).public(),
        "approvals": approved.collect::<Vec<_>>(),
        "refusedApprovals": unapproved.collect::<Vec<_>>(),
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
    let approvals = |name: &str| {
        let all = pinned[name].as_array().unwrap().clone();
        let one = |v: Value| {
            (
                v["what"].to_string(),
                serde_json::from_value(v["approval"].clone()).unwrap(),
            )
        };
        all.into_iter().map(one).collect::<Vec<(String, SignedAction)>>()
    };
    let holds = |action: &SignedAction| found.approval(&DOMAIN, &key(7).public(), action).is_ok();
    let (good, bad) = (approvals("approvals"), approvals("refusedApprovals"));
    assert_eq!(
        (good.len(), bad.len()),
        (self::approvals().len(), false_approvals().len())
    );
    good.iter().for_each(|(what, action)| assert!(holds(action), "{what}"));
    bad.iter().for_each(|(what, action)| assert!(!holds(action), "{what}"));
}

#[test]
fn an_approval_is_signed_by_enough_masters_of_its_version() {
    let found = replay(&history()).unwrap();
    let ask = |action: &SignedAction| found.approval(&DOMAIN, &key(7).public(), action).map(|m| m.rights);
    for (what, approval) in approvals() {
        assert_eq!(ask(&approval), Ok(3), "{what}");
    }
    for (what, why, approval) in false_approvals() {
        assert_eq!(ask(&approval), Err(why), "{what}");
    }
    assert_eq!(Unproved::Approval.code(), "device-unproved");
}

#[test]
fn older_agreement_keys_are_unrolled_as_far_as_they_are_the_proved_ones() {
    let found = replay(&history()).unwrap();
    let older = |epoch: u32, secret: u8, next: u8| {
        seal_older(&DOMAIN, &id(1), epoch, &key(secret), &key(next).public()).unwrap()
    };
    let open = |offered: &[OlderKey]| {
        let keys = unroll(&DOMAIN, &found, 3, key(5), offered);
        keys.iter()
            .map(|(epoch, key)| (*epoch, key.public()))
            .collect::<Vec<_>>()
    };
    let all = [2, 3, 5].map(|n| key(n).public());
    let good = [older(1, 2, 3), older(2, 3, 5)];
    assert_eq!(open(&good), [(1, all[0]), (2, all[1]), (3, all[2])]);
    assert_eq!(open(&[]), [(3, all[2])]);
    assert_eq!(open(&good[..1]), [(3, all[2])], "a gap ends it");
    let foreign = [older(2, 9, 5), older(2, 3, 9), good[1].clone()];
    assert_eq!(open(&foreign), [(2, all[1]), (3, all[2])], "false ones are passed over");
    let renumbered = OlderKey {
        epoch: 1,
        ..good[1].clone()
    };
    assert_eq!(open(&[good[1].clone(), renumbered]), [(2, all[1]), (3, all[2])]);
}
