//! `registerInstitution`, `setAccreditation`, `rotateAgreement`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, World, key, refusal, xy};
use wardkey_chain::{Refusal, Standing};
use wardkey_core::id::InstitutionId;
use wardkey_core::typed::structs;

#[test]
fn registration_is_kept_and_not_accredited() {
    let world = World::new();
    let hospital = world.registered("Hafenspital Zürich");
    let kept = world.ledger.institution(&hospital.id).unwrap().unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.country.as_str()),
        ("Hafenspital Zürich", "CH")
    );
    assert_eq!(
        (kept.status, kept.agreement.epoch, kept.nonce, kept.block),
        (Standing::Registered, 1, 0, world.ledger.head().unwrap().number)
    );
    assert_eq!(
        (&kept.masters[..], kept.threshold, kept.masters_version),
        (&[hospital.master.public()][..], 1, 1)
    );
    assert_eq!(kept.agreement.key, key("Hafenspital Zürich agreement 1").public());
    assert_eq!(world.ledger.institutions().unwrap(), [kept]);
    assert_eq!(world.ledger.institution(&InstitutionId([1; 32])).unwrap(), None);
}

#[test]
fn registration_is_refused() {
    let world = World::new();
    let (master, good) = World::registration("Harbour Hospital");
    let stranger = key("stranger");
    assert_eq!(refusal(world.act(&stranger, good.clone())), Refusal::BadSignature);
    let refused = |change: fn(&mut structs::RegisterInstitution)| {
        let mut message = good.clone();
        change(&mut message);
        refusal(world.act(&master, message))
    };
    assert_eq!(
        refused(|m| m.institution = [3; 32].into()),
        Refusal::InstitutionMismatch
    );
    assert_eq!(refused(|m| m.name = String::new()), Refusal::BadName);
    assert_eq!(refused(|m| m.name = "x".repeat(201)), Refusal::BadName);
    for country in ["", "C", "ch", "CHE", "C1"] {
        let message = structs::RegisterInstitution {
            country: country.to_owned(),
            ..good.clone()
        };
        assert_eq!(refusal(world.act(&master, message)), Refusal::BadCountry, "{country}");
    }
    assert_eq!(refused(|m| m.agreementX = [1; 32].into()), Refusal::BadKey);
    assert_eq!(refused(|m| m.wrapX = [1; 32].into()), Refusal::BadKey);
    assert_eq!(refused(|m| m.deadline = 5), Refusal::DeadlinePassed(5));
    world.act(&master, good.clone()).unwrap();
    let again = structs::RegisterInstitution {
        deadline: LATER - 1,
        ..good
    };
    assert_eq!(refusal(world.act(&master, again)), Refusal::InstitutionExists);
}

#[test]
fn accreditation_goes_on_and_off() {
    let world = World::new();
    let hospital = world.accredited("Harbour Hospital");
    let standing = || world.ledger.institution(&hospital.id).unwrap().unwrap().status;
    assert_eq!(standing(), Standing::Accredited);
    world.set_accredited(hospital.id, false);
    assert_eq!(standing(), Standing::Suspended);
    world.set_accredited(hospital.id, true);
    assert_eq!(standing(), Standing::Accredited);
}

#[test]
fn accreditation_is_refused() {
    let world = World::new();
    let hospital = world.registered("Harbour Hospital");
    let message = |id: InstitutionId, nonce| structs::SetAccreditation {
        institution: id.0.into(),
        accredited: true,
        nonce,
        deadline: LATER,
    };
    assert_eq!(
        refusal(world.act(&hospital.master, message(hospital.id, 0))),
        Refusal::BadSignature
    );
    assert_eq!(
        refusal(world.act(&world.operator, message(hospital.id, 1))),
        Refusal::BadNonce(0)
    );
    assert_eq!(
        refusal(world.act(&world.operator, message(InstitutionId([1; 32]), 0))),
        Refusal::InstitutionUnknown
    );
    assert_eq!(
        world.ledger.operator_nonce().unwrap(),
        0,
        "a refused action takes no nonce"
    );
}

fn agreement(id: InstitutionId, epoch: u32, nonce: u64) -> structs::RotateAgreement {
    let (x, y) = xy(&key(&format!("agreement {epoch}")).public());
    structs::RotateAgreement {
        institution: id.0.into(),
        epoch,
        agreementX: x,
        agreementY: y,
        nonce,
        deadline: LATER,
    }
}

#[test]
fn agreement_moves_epoch_by_epoch() {
    let world = World::new();
    let hospital = world.registered("Harbour Hospital");
    let (id, master) = (hospital.id, &hospital.master);
    assert_eq!(refusal(world.act(master, agreement(id, 3, 0))), Refusal::BadEpoch(2));
    assert_eq!(refusal(world.act(master, agreement(id, 1, 0))), Refusal::BadEpoch(2));
    assert_eq!(refusal(world.act(master, agreement(id, 2, 4))), Refusal::BadNonce(0));
    assert_eq!(
        refusal(world.act(&world.operator, agreement(id, 2, 0))),
        Refusal::BadSignature
    );
    assert_eq!(
        refusal(world.act(master, agreement(InstitutionId([1; 32]), 2, 0))),
        Refusal::InstitutionUnknown
    );
    let off_curve = structs::RotateAgreement {
        agreementY: [0; 32].into(),
        ..agreement(id, 2, 0)
    };
    assert_eq!(refusal(world.act(master, off_curve)), Refusal::BadKey);
    world.act(master, agreement(id, 2, 0)).unwrap();
    world.act(master, agreement(id, 3, 1)).unwrap();
    let kept = world.ledger.institution(&id).unwrap().unwrap();
    assert_eq!(
        (kept.agreement.epoch, kept.agreement.key, kept.nonce),
        (3, key("agreement 3").public(), 2)
    );
}
