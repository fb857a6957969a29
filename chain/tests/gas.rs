//! Gas of every action, whole transactions, against its floor, compared exactly with `gas.json`. Keys, nonces and signatures
//! are fixed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{Hospital, LATER, START, World, key, xy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use wardkey_chain::call_data;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::key::{SoftKey, sha256};
use wardkey_core::typed::structs;

/// What no contract with these actions can do without, whatever its code.
struct Needs {
    /// Storage slots that were zero and are not any more.
    new: u64,
    /// Storage slots that change from one value to another.
    changed: u64,
    /// Topics of the event, its own included, and words of its data.
    event: (u64, u64),
    /// Signatures to verify.
    signatures: u64,
}

impl Needs {
    /// In gas: a transaction and its call data (EIP-2028), a cold write (EIP-2929 with EIP-2200), a log, P256VERIFY (EIP-7951).
    fn floor(&self, data: &[u8]) -> u64 {
        let bytes: u64 = data.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
        let (topics, words) = self.event;
        21_000
            + bytes
            + 22_100 * self.new
            + 5_000 * self.changed
            + 375 * (1 + topics)
            + 8 * 32 * words
            + 6_900 * self.signatures
    }
}

/// Measured gas, the floor, and the first over the second in hundredths, rounded up.
#[derive(Serialize, Clone, Copy)]
struct Row {
    gas: u64,
    floor: u64,
    percent: u64,
}

struct Meter {
    world: World,
    rows: BTreeMap<&'static str, Row>,
}

impl Meter {
    fn submit(&mut self, name: &'static str, action: &SignedAction, needs: &Needs) {
        let gas = self.world.submit(action).unwrap().gas;
        let floor = needs.floor(&call_data(action).unwrap());
        assert!(gas > floor, "{name}: {gas} is below its floor {floor}");
        let percent = (gas * 100).div_ceil(floor);
        self.rows.insert(name, Row { gas, floor, percent });
    }

    fn act<M>(&mut self, name: &'static str, by: &[&SoftKey], message: M, needs: &Needs)
    where
        M: alloy_sol_types::SolStruct + Into<Action>,
    {
        let signed = self.world.signed_by(by, message);
        self.submit(name, &signed, needs);
    }

    fn approve(&mut self, name: &'static str, by: &[&SoftKey], hospital: &Hospital, card: &SoftKey, needs: &Needs) {
        let mut approval = self.world.approval(hospital, &card.public(), 3, START + 500);
        // A renewal has a certificate of its own.
        approval.certificate = sha256(&[b"certificate", &approval.nonce.to_be_bytes()]).into();
        let signed = self.world.proved_by(by, card, approval);
        self.submit(name, &signed, needs);
    }
}

fn needs(new: u64, changed: u64, event: (u64, u64), signatures: u64) -> Needs {
    Needs {
        new,
        changed,
        event,
        signatures,
    }
}

fn measured() -> BTreeMap<&'static str, Row> {
    let mut meter = Meter {
        world: World::new(),
        rows: BTreeMap::new(),
    };
    let hospital = institution(&mut meter);
    devices(&mut meter, &hospital);
    masters(&mut meter, &hospital);
    grants(&mut meter);
    checkpoints(&mut meter);
    meter.rows
}

fn institution(meter: &mut Meter) -> Hospital {
    let (master, message) = World::registration("Harbour Hospital");
    meter.act("registerInstitution", &[&master], message, &needs(9, 0, (3, 12), 1));
    let hospital = Hospital {
        id: master.public().id().into(),
        master,
    };
    let operator = key("operator");
    let message = structs::SetAccreditation {
        institution: hospital.id.0.into(),
        accredited: true,
        nonce: 0,
        deadline: LATER,
    };
    meter.act("setAccreditation", &[&operator], message, &needs(1, 1, (3, 1), 1));
    let (x, y) = xy(&key("second gateway").public());
    let message = structs::SetGateway {
        keyX: x,
        keyY: y,
        active: true,
        nonce: 1,
        deadline: LATER,
    };
    meter.act("setGateway", &[&operator], message, &needs(1, 1, (3, 3), 1));
    let (x, y) = xy(&key("agreement 2").public());
    let message = structs::RotateAgreement {
        institution: hospital.id.0.into(),
        epoch: 2,
        agreementX: x,
        agreementY: y,
        nonce: 0,
        deadline: LATER,
    };
    meter.act("rotateAgreement", &[&hospital.master], message, &needs(0, 3, (3, 3), 1));
    hospital
}

fn devices(meter: &mut Meter, hospital: &Hospital) {
    let (card, by) = (key("card"), [&hospital.master]);
    meter.approve("approveDevice", &by, hospital, &card, &needs(2, 0, (4, 5), 2));
    meter.approve("approveDevice, renewed", &by, hospital, &card, &needs(0, 2, (4, 5), 2));
    let message = structs::RevokeDevice {
        institution: hospital.id.0.into(),
        device: card.public().id().0.into(),
        deadline: LATER,
    };
    meter.act("revokeDevice", &by, message, &needs(0, 1, (4, 0), 1));
}

/// What several master keys cost. An action does not name its signers: each key of the list that did not sign and stands
/// before one that did is tried in vain.
fn masters(meter: &mut Meter, hospital: &Hospital) {
    let (second, third, new) = (key("second master"), key("third master"), key("new master"));
    let all = [&hospital.master, &second, &third];
    let change = meter.world.masters_change(hospital, &all, 2);
    meter.act("setMasters, 1 to 2 of 3", &all, change, &needs(4, 1, (3, 16), 3));
    let (card, other) = (key("another card"), key("a third card"));
    let approved = needs(2, 0, (4, 5), 3);
    meter.approve(
        "approveDevice, first and second of 3",
        &all[..2],
        hospital,
        &other,
        &approved,
    );
    meter.approve(
        "approveDevice, second and third of 3",
        &all[1..],
        hospital,
        &card,
        &approved,
    );
    for (suspended, by, name) in [
        (true, &all[..1], "setSuspension, suspended by the first"),
        (false, &all[..2], "setSuspension, resumed by first and second of 3"),
        (true, &all[2..], "setSuspension, suspended by the third"),
    ] {
        let message = meter.world.suspension(hospital, &card.public(), suspended);
        meter.act(name, by, message, &needs(0, 1, (4, 1), by.len() as u64));
    }
    let list = [&second, &third, &new];
    let change = meter.world.masters_change(hospital, &list, 2);
    meter.act("setMasters, one replaced", &list, change, &needs(0, 7, (3, 16), 3));
}

fn grants(meter: &mut Meter) {
    let (commitment, deadline, one_time) = ([0xc0; 32].into(), LATER, key("one-time"));
    let grant = structs::Grant { commitment, deadline };
    let signature = meter.world.sign(&one_time, &grant);
    let signed = SignedAction::by_key(grant, one_time.public(), signature);
    meter.submit("grant", &signed, &needs(1, 0, (3, 2), 1));
    let revoke = structs::Revoke { commitment, deadline };
    let signature = meter.world.sign(&one_time, &revoke);
    let signed = SignedAction::by_key(revoke, one_time.public(), signature);
    meter.submit("revoke", &signed, &needs(0, 1, (3, 2), 1));
}

fn checkpoints(meter: &mut Meter) {
    for (name, size, needs) in [
        ("setCheckpoint", 10, needs(2, 0, (2, 2), 1)),
        ("setCheckpoint, next", 20, needs(0, 2, (2, 2), 1)),
    ] {
        let root = sha256(&[&[size]]).into();
        let message = structs::Checkpoint {
            size: size.into(),
            root,
            deadline: LATER,
        };
        meter.act(name, &[&key("operator")], message, &needs);
    }
}

#[test]
fn gas_is_as_recorded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("gas.json");
    let text = serde_json::to_string_pretty(&measured()).unwrap() + "\n";
    if std::env::var_os("WARDKEY_RECORD_GAS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        text, recorded,
        "gas changed; if that is meant, run this test with WARDKEY_RECORD_GAS=1 and commit gas.json"
    );
}

/// The actions that make up the traffic stay within 1.3 times their floor; docs/decisions/0018 says what the others pay for.
#[test]
fn every_usual_action_is_near_its_floor() {
    let rows = measured();
    let beyond: Vec<_> = rows
        .iter()
        .filter(|(_, row)| row.percent > 130)
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(
        beyond,
        [
            "approveDevice, second and third of 3",
            "setMasters, one replaced",
            "setSuspension, resumed by first and second of 3",
            "setSuspension, suspended by the third",
        ]
    );
}
