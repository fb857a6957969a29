//! The embedded ledger: durable, idempotent, replayable; the mirror follows it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
use common::{LATER, START, World, device_id, file, genesis, key, refusal, xy};
use rusqlite::Connection;
use std::sync::Arc;
use wardkey_chain::{Chain as _, ChainError, Embedded, Event, Genesis, Mirror, Refusal};
use wardkey_core::action::SignedAction;
use wardkey_core::fault::Coded as _;
use wardkey_core::id::Commitment;
use wardkey_core::permission::GrantStatus;
use wardkey_core::typed::structs;

/// A world in which everything has happened once.
fn lived_in() -> World {
    let world = World::new();
    let (harbour, summit) = (world.accredited("Harbour Hospital"), world.accredited("Summit Clinic"));
    world.approve(&harbour, &key("card 1"), 3, START + 500).unwrap();
    world.set_time(START + 7);
    world.approve(&summit, &key("card 2"), 1, START + 900).unwrap();
    world.approve(&summit, &key("card 2"), 3, START + 950).unwrap();
    world.revoke_device(&harbour, &key("card 1").public()).unwrap();
    world.revoke_device(&harbour, &key("card 2").public()).unwrap();
    world.set_accredited(summit.id, false);
    let (x, y) = xy(&key("agreement 2").public());
    let institution = summit.id.0.into();
    let rotation = structs::RotateAgreement {
        institution,
        epoch: 2,
        agreementX: x,
        agreementY: y,
        nonce: 0,
        deadline: LATER,
    };
    world.act(&summit.master, rotation).unwrap();
    for n in 0..4u8 {
        let commitment = [n; 32].into();
        world
            .act_by_key(
                &key("one-time"),
                structs::Grant {
                    commitment,
                    deadline: LATER,
                },
            )
            .unwrap();
        if n % 2 == 0 {
            world
                .act_by_key(
                    &key("one-time"),
                    structs::Revoke {
                        commitment,
                        deadline: LATER,
                    },
                )
                .unwrap();
        }
    }
    world
        .act(
            &world.operator,
            structs::Checkpoint {
                size: 3,
                root: [3; 32].into(),
                deadline: LATER,
            },
        )
        .unwrap();
    world
}

#[test]
fn a_reopened_ledger_is_the_same() {
    let world = lived_in();
    let before = (
        world.ledger.head().unwrap(),
        world.ledger.events_since(0).unwrap(),
        world.ledger.institutions().unwrap(),
    );
    let world = world.reopened();
    let after = (
        world.ledger.head().unwrap(),
        world.ledger.events_since(0).unwrap(),
        world.ledger.institutions().unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(world.ledger.verify().unwrap(), after.0.number);
    world.registered("Third Hospital");
    assert_eq!(world.ledger.head().unwrap().number, before.0.number + 1);
}

#[test]
fn another_genesis_is_refused_and_the_salt_is_kept() {
    let world = lived_in();
    let open = |genesis| Embedded::open(&file(world.dir.path()), genesis, Arc::new(|| START));
    let other_chain = open(Genesis {
        chain_id: 1,
        ..genesis()
    });
    assert!(matches!(other_chain, Err(ChainError::OtherGenesis("chain id"))));
    let other_operator = open(Genesis {
        operator: key("another").public(),
        ..genesis()
    });
    assert_eq!(other_operator.err().unwrap().code(), "chain-other-genesis");
    let other_salt = open(Genesis {
        salt: [8; 32],
        gateway: key("another").public(),
        ..genesis()
    })
    .unwrap();
    assert_eq!(other_salt.network(), world.ledger.network());
}

#[test]
fn an_action_that_arrived_is_a_success_ever_after() {
    let world = World::new();
    let (master, message) = World::registration("Harbour Hospital");
    let action = SignedAction::one(message.clone(), world.sign(&master, &message));
    let first = world.submit(&action).unwrap();
    world.set_time(LATER + 1);
    assert_eq!(world.submit(&action).unwrap(), first);
    assert!(matches!(&first.events[..], [Event::InstitutionRegistered { name, .. }] if name == "Harbour Hospital"));
    assert_eq!(world.ledger.head().unwrap().number, first.block);
}

#[test]
fn a_refused_action_leaves_nothing() {
    let world = lived_in();
    let head = world.ledger.head().unwrap();
    let late = structs::Checkpoint {
        size: 1,
        root: [3; 32].into(),
        deadline: LATER,
    };
    assert_eq!(refusal(world.act(&world.operator, late)), Refusal::CheckpointFalls(3));
    assert_eq!(world.ledger.head().unwrap(), head);
    world.ledger.verify().unwrap();
}

#[test]
fn time_never_runs_backwards() {
    let world = World::new();
    world.set_time(START + 100);
    world.registered("Harbour Hospital");
    world.set_time(START + 50);
    world.registered("Summit Clinic");
    assert_eq!(world.ledger.head().unwrap().time, START + 100);
    world.ledger.verify().unwrap();
}

#[test]
fn two_writers_on_one_file_keep_one_chain() {
    let world = World::new();
    let second = common::open(world.dir.path(), &world.time);
    let one_time = key("one-time");
    std::thread::scope(|scope| {
        for (n, ledger) in [(0u8, world.ledger.embedded()), (1, &second)] {
            let (world, one_time) = (&world, &one_time);
            scope.spawn(move || {
                for i in 0..20u8 {
                    let message = structs::Grant {
                        commitment: [n * 100 + i; 32].into(),
                        deadline: LATER,
                    };
                    let signature = world.sign(one_time, &message);
                    ledger
                        .submit(&SignedAction::by_key(message, one_time.public(), signature))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(world.ledger.verify().unwrap(), 41);
    assert_eq!(second.head().unwrap(), world.ledger.head().unwrap());
}

/// What somebody with the file could do, and what the replay says about it.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "UPDATE slot SET value = CAST(zeroblob(31) || x'02' AS BLOB) WHERE one_slot",
        "slot",
    ),
    ("DELETE FROM slot WHERE one_slot", "slot"),
    ("UPDATE account SET nonce = nonce + 1 WHERE nonce > 5", "account"),
    ("UPDATE code SET bytes = CAST(bytes || x'00' AS BLOB)", "code"),
    ("UPDATE log SET data = zeroblob(length(data)) WHERE block = 5", "log"),
    ("DELETE FROM log WHERE block = 4", "log"),
    ("UPDATE block SET time = time + 1 WHERE number = 3", "block 3"),
    ("UPDATE block SET gas = gas - 1 WHERE number = 6", "block 6"),
    ("UPDATE block SET hash = zeroblob(32) WHERE number = 7", "block 7"),
    ("UPDATE block SET identity = zeroblob(32) WHERE number = 4", "block 4"),
    (
        "UPDATE block SET raw = replace(raw, 'Harbour', 'Hidden') WHERE number = 2",
        "block 2",
    ),
    ("UPDATE block SET raw = '{}' WHERE number = 4", "block 4"),
    (
        "DELETE FROM block WHERE number = (SELECT max(number) FROM block)",
        "log",
    ),
    (
        "UPDATE block SET raw = replace(raw, '7001', '7002') WHERE number = 0",
        "block 0",
    ),
];

#[test]
fn every_tampering_is_found() {
    for (sql, expected) in TAMPERINGS {
        let world = lived_in();
        let connection = Connection::open(file(world.dir.path())).unwrap();
        let changed = connection
            .execute(&sql.replace("one_slot", "key = (SELECT max(key) FROM slot)"), [])
            .unwrap();
        assert!(changed > 0, "{sql} changed nothing");
        drop(connection);
        let error = world.ledger.verify().expect_err(sql);
        assert_eq!(error.code(), "chain-corrupt", "{sql}");
        assert!(error.to_string().contains(expected), "{sql}: {error}");
    }
}

#[test]
fn the_mirror_is_the_contract() {
    let world = lived_in();
    let mut mirror = Mirror::load(&*world.ledger).unwrap();
    assert_eq!(mirror.block(), world.ledger.head().unwrap().number);
    assert!(mirror.catch_up(&*world.ledger).unwrap().is_empty());
    let institutions = world.ledger.institutions().unwrap();
    assert_eq!(institutions.len(), 2);
    for institution in &institutions {
        assert_eq!(mirror.institution_state(&institution.id), Some(institution));
    }
    for card in ["card 1", "card 2", "card 3"] {
        let id = device_id(&key(card).public());
        assert_eq!(
            mirror.device_state(&id).copied(),
            world.ledger.device(&id).unwrap(),
            "{card}"
        );
    }
    let one_time = key("one-time").public();
    for n in 0..6u8 {
        let commitment = Commitment([n; 32]);
        let state = world.ledger.grant(&commitment, &one_time).unwrap();
        assert_eq!(mirror.grant_state(&commitment, &one_time), state);
        let expected =
            [GrantStatus::Revoked, GrantStatus::Live, GrantStatus::Unknown][if n > 3 { 2 } else { usize::from(n % 2) }];
        assert_eq!(state.status, expected);
    }
    assert_eq!(mirror.checkpoint(), world.ledger.checkpoint().unwrap());
    assert!(mirror.is_gateway(&world.gateway.public().id().into()));
    world
        .approve(&world.accredited("Third Hospital"), &key("card 3"), 2, START + 900)
        .unwrap();
    assert_eq!(mirror.catch_up(&*world.ledger).unwrap().len(), 3);
    let again = world.ledger.events_since(0).unwrap();
    let before = format!("{:?}", mirror.institution_state(&institutions[1].id));
    again.iter().for_each(|logged| mirror.apply(logged));
    assert_eq!(
        format!("{:?}", mirror.institution_state(&institutions[1].id)),
        before,
        "events apply once"
    );
}
