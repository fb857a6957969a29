//! `setMasters`, and what several master keys must sign.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{Hospital, LATER, START, World, key, refusal, xy};
use wardkey_chain::{Mirror, Refusal};
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;

/// Harbour Hospital with three master keys, two of which must sign.
fn two_of_three(world: &World) -> (Hospital, SoftKey, SoftKey) {
    let hospital = world.accredited("Harbour Hospital");
    let (second, third) = (key("second master"), key("third master"));
    let all = [&hospital.master, &second, &third];
    world.set_masters(&hospital, &all, 2, &all).unwrap();
    (hospital, second, third)
}

fn agreement(hospital: &Hospital, epoch: u32, nonce: u64) -> structs::RotateAgreement {
    let (x, y) = xy(&key(&format!("agreement {epoch}")).public());
    structs::RotateAgreement {
        institution: hospital.id.0.into(),
        epoch,
        agreementX: x,
        agreementY: y,
        nonce,
        deadline: LATER,
    }
}

#[test]
fn the_only_key_is_replaced_by_both_signatures() {
    let world = World::new();
    let hospital = world.registered("Harbour Hospital");
    let (old, new) = (&hospital.master, key("new master"));
    let by = |by: &[&SoftKey]| world.set_masters(&hospital, &[&new], 1, by);
    assert_eq!(refusal(by(&[old])), Refusal::SignatureCount { needed: 2, given: 1 });
    for wrong in [[old, old], [&new, &new], [&new, old]] {
        assert_eq!(refusal(by(&wrong)), Refusal::BadSignature);
    }
    by(&[old, &new]).unwrap();
    let kept = world.ledger.institution(&hospital.id).unwrap().unwrap();
    assert_eq!(
        (&kept.masters[..], kept.threshold, kept.masters_version, kept.nonce),
        (&[new.public()][..], 1, 2, 1)
    );
    assert_eq!(
        refusal(world.act(old, agreement(&hospital, 2, 1))),
        Refusal::BadSignature
    );
    world.act(&new, agreement(&hospital, 2, 1)).unwrap();
}

#[test]
fn the_list_and_its_threshold_are_judged() {
    let world = World::new();
    let hospital = world.registered("Harbour Hospital");
    let old = &hospital.master;
    let others: Vec<_> = (0..5).map(|n| key(&format!("master {n}"))).collect();
    let refused = |keys: &[&SoftKey], threshold: u8| refusal(world.set_masters(&hospital, keys, threshold, &[old]));
    let six: Vec<_> = std::iter::once(old).chain(&others).collect();
    assert_eq!(refused(&[], 1), Refusal::BadMasters);
    assert_eq!(refused(&six, 1), Refusal::BadMasters);
    assert_eq!(refused(&[old, &others[0], old], 1), Refusal::BadMasters);
    assert_eq!(refused(&[old], 0), Refusal::BadThreshold);
    assert_eq!(refused(&[old], 2), Refusal::BadThreshold);
    for (keys, threshold) in [(2, 2), (3, 3), (5, 5), (5, 6), (3, 0)] {
        assert_eq!(
            refused(&six[..keys], threshold),
            Refusal::BadThreshold,
            "{threshold} of {keys}"
        );
    }
    let good = world.masters_change(&hospital, &[old, &others[0]], 1);
    let refused = |change: &dyn Fn(&mut structs::SetMasters)| {
        let mut message = good.clone();
        change(&mut message);
        refusal(world.submit(&world.signed_by(&[old, &others[0]], message)))
    };
    assert_eq!(
        refused(&|m| m.keys = m.keys[..255].to_vec().into()),
        Refusal::BadMasters
    );
    let off_curve = |m: &mut structs::SetMasters| {
        let mut keys = m.keys.to_vec();
        keys[255] ^= 1;
        m.keys = keys.into();
    };
    assert_eq!(refused(&off_curve), Refusal::BadKey, "a wrap key");
    assert_eq!(refused(&|m| m.nonce = 3), Refusal::BadNonce(0));
    assert_eq!(refused(&|m| m.deadline = 5), Refusal::DeadlinePassed(5));
    assert_eq!(
        refused(&|m| m.institution = [1; 32].into()),
        Refusal::InstitutionUnknown
    );
    world.submit(&world.signed_by(&[old, &others[0]], good)).unwrap();
}

#[test]
fn two_of_three_approve_in_the_lists_order() {
    let world = World::new();
    let (hospital, second, third) = two_of_three(&world);
    let (first, card) = (&hospital.master, key("card"));
    let approval = world.approval(&hospital, &card.public(), 3, START + 500);
    let by = |by: &[&SoftKey]| world.submit(&world.proved_by(by, &card, approval.clone()));
    assert_eq!(refusal(by(&[first])), Refusal::SignatureCount { needed: 2, given: 1 });
    assert_eq!(
        refusal(by(&[first, &second, &third])),
        Refusal::SignatureCount { needed: 2, given: 3 }
    );
    assert_eq!(refusal(by(&[&second, &second])), Refusal::BadSignature);
    assert_eq!(refusal(by(&[&third, first])), Refusal::BadSignature);
    assert_eq!(refusal(by(&[first, &key("stranger")])), Refusal::BadSignature);
    by(&[first, &third]).unwrap();
}

#[test]
fn another_list_ends_every_older_approval() {
    let world = World::new();
    let (hospital, second, third) = two_of_three(&world);
    let card = key("card");
    let approval = world.approval(&hospital, &card.public(), 3, START + 500);
    let signed = world.proved_by(&[&second, &third], &card, approval);
    let all = [&hospital.master, &second, &third];
    world.set_masters(&hospital, &all, 1, &[&second, &third]).unwrap();
    assert_eq!(refusal(world.submit(&signed)), Refusal::MastersChanged(3));
}

#[test]
fn one_master_revokes_suspends_and_moves_the_agreement_key_and_two_resume() {
    let world = World::new();
    let (hospital, second, third) = two_of_three(&world);
    let card = key("card");
    let approval = world.approval(&hospital, &card.public(), 3, START + 500);
    world
        .submit(&world.proved_by(&[&second, &third], &card, approval))
        .unwrap();
    let set =
        |on: bool, by: &[&SoftKey]| world.submit(&world.signed_by(by, world.suspension(&hospital, &card.public(), on)));
    set(true, &[&third]).unwrap();
    assert_eq!(
        refusal(set(false, &[&third])),
        Refusal::SignatureCount { needed: 2, given: 1 }
    );
    set(false, &[&hospital.master, &third]).unwrap();
    world.act(&third, agreement(&hospital, 2, 1)).unwrap();
    let revocation = structs::RevokeDevice {
        institution: hospital.id.0.into(),
        device: card.public().id().0.into(),
        deadline: LATER,
    };
    assert_eq!(
        refusal(world.act(&key("stranger"), revocation.clone())),
        Refusal::BadSignature
    );
    world.act(&third, revocation).unwrap();
}

#[test]
fn two_of_three_replace_a_lost_key_and_the_lost_one_signs_nothing_more() {
    let world = World::new();
    let (hospital, second, third) = two_of_three(&world);
    let (lost, new) = (&hospital.master, key("new master"));
    let change = |by: &[&SoftKey]| world.set_masters(&hospital, &[&second, &third, &new], 2, by);
    assert_eq!(
        refusal(change(&[&second, &third])),
        Refusal::SignatureCount { needed: 3, given: 2 }
    );
    assert_eq!(refusal(change(&[&second, &third, lost])), Refusal::BadSignature);
    change(&[&second, &third, &new]).unwrap();
    let kept = world.ledger.institution(&hospital.id).unwrap().unwrap();
    assert_eq!(kept.masters, [second.public(), third.public(), new.public()]);
    assert_eq!(
        refusal(world.act(lost, agreement(&hospital, 2, 2))),
        Refusal::BadSignature
    );
    // From three keys to one, and the places left over hold nobody's key.
    world.set_masters(&hospital, &[&new], 1, &[&second, &new]).unwrap();
    for gone in [&second, &third] {
        assert_eq!(
            refusal(world.act(gone, agreement(&hospital, 2, 3))),
            Refusal::BadSignature
        );
    }
    world.act(&new, agreement(&hospital, 2, 3)).unwrap();
}

#[test]
fn the_mirror_follows() {
    let world = World::new();
    let (hospital, second, third) = two_of_three(&world);
    let card = key("card");
    let approval = world.approval(&hospital, &card.public(), 3, START + 500);
    world
        .submit(&world.proved_by(&[&second, &third], &card, approval))
        .unwrap();
    world
        .submit(&world.signed_by(&[&third], world.suspension(&hospital, &card.public(), true)))
        .unwrap();
    let mirror = Mirror::load(&*world.ledger).unwrap();
    assert_eq!(
        mirror.institution_state(&hospital.id).cloned(),
        world.ledger.institution(&hospital.id).unwrap()
    );
    let id = common::device_id(&card.public());
    assert_eq!(mirror.device_state(&id).copied(), world.ledger.device(&id).unwrap());
    assert_eq!(world.ledger.verify().unwrap(), world.ledger.head().unwrap().number);
}
