//! Gas of every action, whole transactions, compared exactly with `gas.json`. Keys, nonces and signatures are fixed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, START, World, key, xy};
use std::collections::BTreeMap;
use std::path::Path;
use wardkey_core::typed::structs;

fn measured() -> BTreeMap<&'static str, u64> {
    let mut gas = BTreeMap::new();
    let world = World::new();
    let (master, message) = World::registration("Harbour Hospital");
    gas.insert("registerInstitution", world.act(&master, message).unwrap().gas);
    let hospital = common::Hospital {
        id: master.public().id().into(),
        master,
    };
    gas.insert("setAccreditation", world.set_accredited(hospital.id, true).gas);

    let (x, y) = xy(&key("second gateway").public());
    let gateway = structs::SetGateway {
        keyX: x,
        keyY: y,
        active: true,
        nonce: 1,
        deadline: LATER,
    };
    gas.insert("setGateway", world.act(&world.operator, gateway).unwrap().gas);

    gas.insert(
        "approveDevice",
        world.approve(&hospital, &key("card"), 3, START + 500).unwrap().gas,
    );
    gas.insert(
        "approveDevice, renewed",
        world.approve(&hospital, &key("card"), 3, START + 900).unwrap().gas,
    );
    gas.insert(
        "revokeDevice",
        world.revoke_device(&hospital, &key("card").public()).unwrap().gas,
    );

    let (x, y) = xy(&key("agreement 2").public());
    let (institution, deadline) = (hospital.id.0.into(), LATER);
    let agreement = structs::RotateAgreement {
        institution,
        epoch: 2,
        agreementX: x,
        agreementY: y,
        nonce: 0,
        deadline,
    };
    gas.insert("rotateAgreement", world.act(&hospital.master, agreement).unwrap().gas);
    masters(&world, &hospital, &mut gas);

    let commitment = [0xc0; 32].into();
    gas.insert(
        "grant",
        world
            .act_by_key(&key("one-time"), structs::Grant { commitment, deadline })
            .unwrap()
            .gas,
    );
    gas.insert(
        "revoke",
        world
            .act_by_key(&key("one-time"), structs::Revoke { commitment, deadline })
            .unwrap()
            .gas,
    );
    let checkpoint = |size| structs::Checkpoint {
        size,
        root: [7; 32].into(),
        deadline,
    };
    gas.insert("setCheckpoint", world.act(&world.operator, checkpoint(10)).unwrap().gas);
    gas.insert(
        "setCheckpoint, next",
        world.act(&world.operator, checkpoint(20)).unwrap().gas,
    );
    gas
}

/// What several master keys cost.
fn masters(world: &World, hospital: &common::Hospital, gas: &mut BTreeMap<&'static str, u64>) {
    let (second, third) = (key("second master"), key("third master"));
    let all = [&hospital.master, &second, &third];
    let change = world.set_masters(hospital, &all, 2, &all).unwrap();
    gas.insert("setMasters, 1 to 2 of 3", change.gas);
    let card = key("another card");
    let approval = world.approval(hospital, &card.public(), 3, START + 500);
    let approved = world
        .submit(&world.proved_by(&[&second, &third], &card, approval))
        .unwrap();
    gas.insert("approveDevice, 2 of 3", approved.gas);
    for (suspended, by, name) in [
        (true, &[&third][..], "setSuspension, suspended"),
        (false, &[&second, &third][..], "setSuspension, resumed by 2 of 3"),
    ] {
        let message = world.suspension(hospital, &card.public(), suspended);
        gas.insert(name, world.submit(&world.signed_by(by, message)).unwrap().gas);
    }
    let new = key("new master");
    let change = world
        .set_masters(hospital, &[&second, &third, &new], 2, &[&second, &third, &new])
        .unwrap();
    gas.insert("setMasters, one replaced", change.gas);
}

#[test]
fn gas_is_as_recorded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("gas.json");
    let gas = measured();
    let text = serde_json::to_string_pretty(&gas).unwrap() + "\n";
    if std::env::var_os("WARDKEY_RECORD_GAS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        text, recorded,
        "gas changed; if that is meant, run this test with WARDKEY_RECORD_GAS=1 and commit gas.json"
    );
}
