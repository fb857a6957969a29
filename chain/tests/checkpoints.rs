//! `setCheckpoint`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, START, World, refusal};
use wardkey_chain::Refusal;
use wardkey_core::typed::structs;

fn checkpoint(size: u64, root: u8, deadline: u64) -> structs::Checkpoint {
    structs::Checkpoint {
        size,
        root: [root; 32].into(),
        deadline,
    }
}

#[test]
fn the_size_never_falls_and_a_size_has_one_root() {
    let world = World::new();
    let set = |size, root, deadline| world.act(&world.operator, checkpoint(size, root, deadline));
    assert_eq!(world.ledger.checkpoint().unwrap(), None);
    set(0, 1, LATER).unwrap();
    assert_eq!(refusal(set(0, 2, LATER)), Refusal::CheckpointForks);
    world.set_time(START + 60);
    let receipt = set(10, 2, LATER).unwrap();
    world.set_time(START + 120);
    set(10, 2, LATER - 1).unwrap();
    let kept = world.ledger.checkpoint().unwrap().unwrap();
    assert_eq!(
        (kept.size, kept.root, kept.block, kept.time),
        (10, [2; 32], receipt.block, START + 60)
    );
    assert_eq!(refusal(set(10, 3, LATER)), Refusal::CheckpointForks);
    assert_eq!(refusal(set(9, 2, LATER)), Refusal::CheckpointFalls(10));
    set(11, 4, LATER).unwrap();
    assert_eq!(world.ledger.checkpoint().unwrap().unwrap().size, 11);
}

#[test]
fn only_the_operator_publishes() {
    let world = World::new();
    assert_eq!(
        refusal(world.act(&world.gateway, checkpoint(1, 1, LATER))),
        Refusal::BadSignature
    );
    assert_eq!(
        refusal(world.act(&world.operator, checkpoint(1, 1, START - 1))),
        Refusal::DeadlinePassed(START - 1)
    );
}
