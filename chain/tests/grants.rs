//! `grant`, `revoke`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, START, World, key, refusal};
use wardkey_chain::{ChainError, Refusal};
use wardkey_core::action::SignedAction;
use wardkey_core::id::Commitment;
use wardkey_core::key::Signature;
use wardkey_core::permission::GrantStatus;
use wardkey_core::typed::structs;

const COMMITMENT: Commitment = Commitment([0xc0; 32]);

fn grant(deadline: u64) -> structs::Grant {
    structs::Grant {
        commitment: COMMITMENT.0.into(),
        deadline,
    }
}

fn revoke(deadline: u64) -> structs::Revoke {
    structs::Revoke {
        commitment: COMMITMENT.0.into(),
        deadline,
    }
}

#[test]
fn a_grant_is_live_once_and_may_be_repeated() {
    let (world, one_time) = (World::new(), key("one-time"));
    let state = || world.ledger.grant(&COMMITMENT, &one_time.public()).unwrap();
    assert_eq!((state().status, state().since), (GrantStatus::Unknown, 0));
    let first = world.act_by_key(&one_time, grant(LATER)).unwrap();
    assert_eq!((state().status, state().since), (GrantStatus::Live, first.block));
    world.act_by_key(&one_time, grant(LATER - 1)).unwrap();
    assert_eq!(state().since, first.block);
}

#[test]
fn a_revocation_is_final_and_kills_older_signed_grants() {
    let (world, one_time) = (World::new(), key("one-time"));
    world.act_by_key(&one_time, grant(LATER)).unwrap();
    let revoked = world.act_by_key(&one_time, revoke(LATER)).unwrap();
    world.act_by_key(&one_time, revoke(LATER - 1)).unwrap();
    let state = world.ledger.grant(&COMMITMENT, &one_time.public()).unwrap();
    assert_eq!((state.status, state.since), (GrantStatus::Revoked, revoked.block));
    assert_eq!(
        refusal(world.act_by_key(&one_time, grant(LATER - 1))),
        Refusal::GrantIsRevoked
    );
}

#[test]
fn a_revocation_may_come_first() {
    let (world, one_time) = (World::new(), key("one-time"));
    world.act_by_key(&one_time, revoke(LATER)).unwrap();
    assert_eq!(
        refusal(world.act_by_key(&one_time, grant(LATER))),
        Refusal::GrantIsRevoked
    );
}

#[test]
fn a_strangers_key_touches_nothing() {
    let (world, one_time, stranger) = (World::new(), key("one-time"), key("stranger"));
    world.act_by_key(&one_time, grant(LATER)).unwrap();
    world.act_by_key(&stranger, revoke(LATER)).unwrap();
    assert_eq!(
        world.ledger.grant(&COMMITMENT, &one_time.public()).unwrap().status,
        GrantStatus::Live
    );
    let forged = SignedAction::by_key(revoke(LATER), one_time.public(), world.sign(&stranger, &revoke(LATER)));
    assert_eq!(refusal(world.submit(&forged)), Refusal::BadSignature);
    let swapped = SignedAction::by_key(revoke(LATER), one_time.public(), world.sign(&one_time, &grant(LATER)));
    assert_eq!(
        refusal(world.submit(&swapped)),
        Refusal::BadSignature,
        "a signed grant is no revocation"
    );
    // The same digest as the stranger's: it must not be taken for done.
    world.act_by_key(&one_time, revoke(LATER)).unwrap();
    assert_eq!(
        world.ledger.grant(&COMMITMENT, &one_time.public()).unwrap().status,
        GrantStatus::Revoked
    );
}

#[test]
fn high_s_and_late_actions_are_refused() {
    let (world, one_time) = (World::new(), key("one-time"));
    let mut high = world.sign(&one_time, &grant(LATER));
    negate_s(&mut high);
    let action = SignedAction::by_key(grant(LATER), one_time.public(), high);
    assert_eq!(refusal(world.submit(&action)), Refusal::BadSignature);
    assert_eq!(
        refusal(world.act_by_key(&one_time, grant(START - 1))),
        Refusal::DeadlinePassed(START - 1)
    );
    let without_key = SignedAction::one(grant(LATER), world.sign(&one_time, &grant(LATER)));
    assert!(matches!(world.submit(&without_key), Err(ChainError::Malformed(_))));
}

/// s → n − s.
fn negate_s(signature: &mut Signature) {
    use alloy_primitives::{U256, uint};
    let n = uint!(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551_U256);
    let s = U256::from_be_slice(&signature.0[32..]);
    signature.0[32..].copy_from_slice(&(n - s).to_be_bytes::<32>());
}
