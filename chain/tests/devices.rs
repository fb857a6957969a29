//! `approveDevice`, `revokeDevice`, `setSuspension`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, START, World, device_id, key, refusal};
use wardkey_chain::{DeviceStatus, Event, Refusal};
use wardkey_core::action::SignedAction;
use wardkey_core::id::DeviceId;
use wardkey_core::typed::structs;

#[test]
fn approval_is_kept_with_its_key() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    world.approve(&hospital, &card, 3, START + 500).unwrap();
    let kept = world.ledger.device(&device_id(&card.public())).unwrap().unwrap();
    assert_eq!(
        (kept.key, kept.institution, kept.rights, kept.not_after),
        (card.public(), hospital.id, 3, START + 500)
    );
    assert_eq!(kept.status(START + 499), DeviceStatus::Active);
    assert_eq!(kept.status(START + 500), DeviceStatus::Expired);
    assert_eq!(
        (kept.nonce, world.nonce(&hospital)),
        (1, 0),
        "the nonce is the device's own"
    );
    assert_eq!(world.ledger.device(&DeviceId([1; 32])).unwrap(), None);
}

#[test]
fn approval_is_renewed() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    world.approve(&hospital, &card, 3, START + 500).unwrap();
    world.approve(&hospital, &card, 1, START + 900).unwrap();
    let kept = world.ledger.device(&device_id(&card.public())).unwrap().unwrap();
    assert_eq!((kept.rights, kept.not_after, kept.nonce), (1, START + 900, 2));
}

#[test]
fn approval_is_refused() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let other = world.accredited("Summit Clinic");
    let card = key("card");
    let good = world.approval(&hospital, &card.public(), 3, START + 500);
    let refused = |change: fn(&mut structs::ApproveDevice)| {
        let mut message = good.clone();
        change(&mut message);
        refusal(world.submit(&world.proved(&hospital, &card, message)))
    };
    assert_eq!(refused(|m| m.rights = 0), Refusal::BadRights);
    assert_eq!(refused(|m| m.rights = 4), Refusal::BadRights);
    assert_eq!(refused(|m| m.notAfter = START), Refusal::BadExpiry);
    assert_eq!(refused(|m| m.nonce = 1), Refusal::BadNonce(0));
    assert_eq!(refused(|m| m.masters = 2), Refusal::MastersChanged(1));
    assert_eq!(refused(|m| m.deadline = 5), Refusal::DeadlinePassed(5));
    assert_eq!(refused(|m| m.institution = [1; 32].into()), Refusal::InstitutionUnknown);
    assert_eq!(refused(|m| m.deviceX = m.certificate), Refusal::BadProof);
    assert_eq!(
        refusal(world.submit(&world.proved(&other, &card, good.clone()))),
        Refusal::BadSignature
    );
    assert_eq!(
        refusal(world.submit(&world.proved(&hospital, &key("another card"), good))),
        Refusal::BadProof
    );
}

#[test]
fn a_proof_is_for_one_institution_and_one_certificate() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    let good = world.proved(
        &hospital,
        &card,
        world.approval(&hospital, &card.public(), 3, START + 500),
    );
    let with = |change: fn(&mut structs::RequestDevice)| {
        let mut proof = good.proof.clone().unwrap();
        change(&mut proof.message);
        proof.signature = world.sign(&card, &proof.message);
        refusal(world.submit(&SignedAction {
            proof: Some(proof),
            ..good.clone()
        }))
    };
    assert_eq!(with(|r| r.institution = [1; 32].into()), Refusal::ProofMismatch);
    assert_eq!(with(|r| r.certificate = [1; 32].into()), Refusal::ProofMismatch);
    assert_eq!(with(|r| r.deadline = START - 1), Refusal::BadProof);
    let none = SignedAction {
        proof: None,
        ..good.clone()
    };
    assert!(matches!(
        world.submit(&none),
        Err(wardkey_chain::ChainError::Malformed(_))
    ));
    world.submit(&good).unwrap();
}

#[test]
fn revocation_is_final_and_may_be_repeated() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    world.approve(&hospital, &card, 3, START + 500).unwrap();
    let receipt = world.revoke_device(&hospital, &card.public()).unwrap();
    assert!(matches!(receipt.events[..], [Event::DeviceRevoked { .. }]));
    let again = structs::RevokeDevice {
        institution: hospital.id.0.into(),
        device: card.public().id().0.into(),
        deadline: LATER - 1,
    };
    world.act(&hospital.master, again).unwrap();
    assert!(
        world
            .ledger
            .device(&device_id(&card.public()))
            .unwrap()
            .unwrap()
            .revoked
    );
    assert_eq!(
        refusal(world.approve(&hospital, &card, 3, START + 500)),
        Refusal::DeviceIsRevoked
    );
}

#[test]
fn revocation_may_come_before_the_approval() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    let approval = world.proved(
        &hospital,
        &card,
        world.approval(&hospital, &card.public(), 3, START + 500),
    );
    let receipt = world.revoke_device(&hospital, &card.public()).unwrap();
    assert!(matches!(receipt.events[..], [Event::DeviceBarred { .. }]));
    assert_eq!(refusal(world.submit(&approval)), Refusal::DeviceIsRevoked);
    assert_eq!(world.ledger.device(&device_id(&card.public())).unwrap(), None);
}

#[test]
fn institutions_cannot_touch_each_others_devices() {
    let world = World::new();
    let (harbour, summit) = (world.accredited("Harbour Hospital"), world.accredited("Summit Clinic"));
    let card = key("card");
    world.revoke_device(&summit, &card.public()).unwrap();
    world.approve(&harbour, &card, 3, START + 500).unwrap();
    // Another deadline: the same action again would only find its first receipt.
    let (institution, device) = (summit.id.0.into(), card.public().id().0.into());
    let again = structs::RevokeDevice {
        institution,
        device,
        deadline: LATER - 1,
    };
    let receipt = world.act(&summit.master, again).unwrap();
    assert!(matches!(receipt.events[..], [Event::DeviceBarred { .. }]));
    let kept = world.ledger.device(&device_id(&card.public())).unwrap().unwrap();
    assert!(!kept.revoked);

    let second = key("second card");
    world.approve(&harbour, &second, 3, START + 500).unwrap();
    assert_eq!(
        refusal(world.approve(&summit, &second, 3, START + 500)),
        Refusal::DeviceElsewhere
    );

    let forged = structs::RevokeDevice {
        institution: harbour.id.0.into(),
        device: card.public().id().0.into(),
        deadline: LATER,
    };
    assert_eq!(refusal(world.act(&summit.master, forged)), Refusal::BadSignature);
    let unknown = structs::RevokeDevice {
        institution: [1; 32].into(),
        device: [2; 32].into(),
        deadline: LATER,
    };
    assert_eq!(refusal(world.act(&summit.master, unknown)), Refusal::InstitutionUnknown);
}

#[test]
fn approvals_of_many_devices_are_prepared_side_by_side_and_none_replays() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let cards: Vec<_> = (0..20).map(|n| key(&format!("card {n}"))).collect();
    let prepared: Vec<_> = cards
        .iter()
        .map(|card| {
            world.proved(
                &hospital,
                card,
                world.approval(&hospital, &card.public(), 3, START + 500),
            )
        })
        .collect();
    for approval in prepared.iter().rev() {
        world.submit(approval).unwrap();
    }
    world.revoke_device(&hospital, &cards[3].public()).unwrap();
    // The same message under another deadline is another action; its nonce is used up.
    let mut again = world.approval(&hospital, &cards[0].public(), 3, START + 500);
    (again.nonce, again.deadline) = (0, LATER - 1);
    assert_eq!(
        refusal(world.submit(&world.proved(&hospital, &cards[0], again))),
        Refusal::BadNonce(1)
    );
}

#[test]
fn a_suspended_device_stays_suspended_until_it_is_resumed() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let card = key("card");
    let suspended = |card: &wardkey_core::key::SoftKey| {
        let kept = world.ledger.device(&device_id(&card.public())).unwrap().unwrap();
        (kept.suspended, kept.nonce, kept.status(START))
    };
    let set =
        |on: bool| world.submit(&world.signed_by(&[&hospital.master], world.suspension(&hospital, &card.public(), on)));
    assert_eq!(refusal(set(true)), Refusal::DeviceUnknown);
    world.approve(&hospital, &card, 3, START + 500).unwrap();
    let stale = world.suspension(&hospital, &card.public(), false);
    let receipt = set(true).unwrap();
    assert!(matches!(
        receipt.events[..],
        [Event::SuspensionSet { suspended: true, .. }]
    ));
    assert_eq!(suspended(&card), (true, 2, DeviceStatus::Suspended));
    world.approve(&hospital, &card, 1, START + 900).unwrap();
    assert_eq!(
        suspended(&card),
        (true, 3, DeviceStatus::Suspended),
        "an approval does not resume"
    );
    assert_eq!(
        refusal(world.submit(&world.signed_by(&[&hospital.master], stale))),
        Refusal::BadNonce(3)
    );
    set(false).unwrap();
    assert_eq!(suspended(&card), (false, 4, DeviceStatus::Active));
    world.revoke_device(&hospital, &card.public()).unwrap();
    assert_eq!(refusal(set(true)), Refusal::DeviceIsRevoked);
}

#[test]
fn a_suspension_is_refused_to_strangers_and_to_another_institution() {
    let world = World::new();
    let (harbour, summit) = (world.accredited("Harbour Hospital"), world.accredited("Summit Clinic"));
    let card = key("card");
    world.approve(&harbour, &card, 3, START + 500).unwrap();
    let good = world.suspension(&harbour, &card.public(), true);
    let by = |who: &[&wardkey_core::key::SoftKey], m: &structs::SetSuspension| {
        world.submit(&world.signed_by(who, m.clone()))
    };
    assert_eq!(refusal(by(&[&summit.master], &good)), Refusal::BadSignature);
    assert_eq!(refusal(by(&[], &good)), Refusal::SignatureCount { needed: 1, given: 0 });
    assert_eq!(
        refusal(by(&[&summit.master], &world.suspension(&summit, &card.public(), true))),
        Refusal::DeviceUnknown
    );
    let old = structs::SetSuspension {
        masters: 0,
        ..good.clone()
    };
    assert_eq!(refusal(by(&[&harbour.master], &old)), Refusal::MastersChanged(1));
    let late = structs::SetSuspension {
        deadline: 5,
        ..good.clone()
    };
    assert_eq!(refusal(by(&[&harbour.master], &late)), Refusal::DeadlinePassed(5));
    let nobody = structs::SetSuspension {
        institution: [1; 32].into(),
        ..good.clone()
    };
    assert_eq!(refusal(by(&[&harbour.master], &nobody)), Refusal::InstitutionUnknown);
    by(&[&harbour.master], &good).unwrap();
}
