//! `setGateway`, and what the operator's key alone may do.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, START, World, key, refusal, xy};
use wardkey_chain::{Event, Refusal};
use wardkey_core::id::GatewayId;
use wardkey_core::key::PublicKey;
use wardkey_core::typed::structs;

fn set(gateway: &PublicKey, active: bool, nonce: u64) -> structs::SetGateway {
    let (x, y) = xy(gateway);
    structs::SetGateway {
        keyX: x,
        keyY: y,
        active,
        nonce,
        deadline: LATER,
    }
}

#[test]
fn deployment_sets_the_first_gateway() {
    let world = World::new();
    let network = world.ledger.network();
    assert_eq!(
        (network.operator, network.gateway),
        (world.operator.public(), world.gateway.public())
    );
    assert!(
        world
            .ledger
            .is_gateway(&GatewayId::from(world.gateway.public().id()))
            .unwrap()
    );
    let events = world.ledger.events_since(0).unwrap();
    assert_eq!(events.len(), 1);
    assert!(matches!(events[0].event, Event::GatewaySet { active: true, .. }));
    assert_eq!(events[0].block, world.ledger.first().max(1));
}

#[test]
fn a_gateway_is_added_and_removed_in_order() {
    let world = World::new();
    let second = key("second gateway").public();
    world.act(&world.operator, set(&second, true, 0)).unwrap();
    assert!(world.ledger.is_gateway(&second.id().into()).unwrap());
    assert_eq!(
        refusal(world.act(&world.operator, set(&second, false, 0))),
        Refusal::BadNonce(1)
    );
    world.act(&world.operator, set(&second, false, 1)).unwrap();
    assert!(!world.ledger.is_gateway(&second.id().into()).unwrap());
    assert_eq!(world.ledger.operator_nonce().unwrap(), 2);
}

#[test]
fn nobody_else_may() {
    let world = World::new();
    let second = key("second gateway");
    assert_eq!(
        refusal(world.act(&second, set(&second.public(), true, 0))),
        Refusal::BadSignature
    );
    assert_eq!(
        refusal(world.act(&world.gateway, set(&second.public(), true, 0))),
        Refusal::BadSignature
    );
    let off_curve = structs::SetGateway {
        keyY: [1; 32].into(),
        ..set(&second.public(), true, 0)
    };
    assert_eq!(refusal(world.act(&world.operator, off_curve)), Refusal::BadKey);
}

#[test]
fn a_deadline_holds_to_its_last_second() {
    let world = World::new();
    let second = key("second gateway").public();
    let message = structs::SetGateway {
        deadline: START + 10,
        ..set(&second, true, 0)
    };
    world.set_time(START + 11);
    assert_eq!(
        refusal(world.act(&world.operator, message.clone())),
        Refusal::DeadlinePassed(START + 10)
    );
    let world = World::new();
    world.set_time(START + 10);
    world.act(&world.operator, message).unwrap();
}
