//! What a card did, as its institution can find out; renewal of an approval; notes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{ALLERGIES, MEDICATIONS, Scene, done, refused};
use wardkey_core::hpke::{Sealed, open};
use wardkey_core::id::DeviceId;
use wardkey_core::log::Deed;
use wardkey_core::uses::{Use, UseKey, ink_aad, ink_context};
use wardkey_gateway::bench::actors::{Hospital, Session};
use wardkey_gateway::bench::stage::Ask;
use zeroize::Zeroizing;

/// Every line of a card since a time, opened with the hospital's agreement key.
async fn uses(scene: &Scene, hospital: &Hospital, master: &Session, device: &DeviceId, since: u64) -> Vec<Use> {
    let stage = &scene.stage;
    let base = format!("/v1/institutions/{}", hospital.id);
    let ask = Ask::get(format!("{base}/inks?since={since}"));
    let inks = done(&stage.signed(master.signer(), ask).await.unwrap());
    let mut found = Vec::new();
    for ink in inks.as_array().unwrap() {
        let id = hex::decode(ink["id"].as_str().unwrap()).unwrap();
        let epoch = u32::try_from(ink["epoch"].as_u64().unwrap()).unwrap();
        let aad = ink_aad(&hospital.id, epoch, &id.clone().try_into().unwrap());
        let sealed: Sealed = serde_json::from_value(ink.clone()).unwrap();
        let key = open(&hospital.agreement, &ink_context(stage.gateway.domain(), &aad), &sealed).unwrap();
        let key = UseKey::new(Zeroizing::new(key.as_slice().try_into().unwrap()));
        let tag = key.tag(device);
        let ask = Ask::get(format!("{base}/uses?ink={}&tag={}", hex::encode(&id), hex::encode(tag)));
        for line in done(&stage.signed(master.signer(), ask).await.unwrap())
            .as_array()
            .unwrap()
        {
            let ct = Sealed::deserialize_ct(line);
            found.push(key.open(line["number"].as_u64().unwrap(), &tag, &ct).unwrap());
        }
    }
    found
}

trait Ct {
    fn deserialize_ct(line: &Value) -> Vec<u8>;
}
impl Ct for Sealed {
    fn deserialize_ct(line: &Value) -> Vec<u8> {
        let whole = json!({ "enc": "", "ct": line["ct"] });
        serde_json::from_value::<Self>(whole).unwrap().ct
    }
}

#[tokio::test]
async fn the_institution_finds_out_what_a_card_read_and_wrote_and_nobody_else_does() {
    let scene = Scene::set().await;
    let device = scene.doctor.certificate.device_id();
    let record = scene.record(ALLERGIES, "Penicillin");
    done(&scene.write(std::slice::from_ref(&record)).await);
    done(&scene.read("2,3").await);

    let master = scene.harbour.sign_in(&scene.stage).await.unwrap();
    let found = uses(&scene, &scene.harbour, &master, &device, 0).await;
    let told: Vec<_> = found.iter().map(|line| (line.action, line.section)).collect();
    assert_eq!(
        told,
        [
            (Deed::Write, ALLERGIES),
            (Deed::Read, ALLERGIES),
            (Deed::Read, MEDICATIONS)
        ]
    );
    assert_eq!(found[0].subject.0, record.header.record.0);
    assert_eq!(found[0].patient, scene.patient.id);
    let indexes: Vec<_> = found.iter().map(|line| line.index).collect();
    assert_eq!(indexes, [0, 1, 2], "the places in the log that the patient sees");
    assert!(
        uses(&scene, &scene.harbour, &master, &DeviceId([4; 32]), 0)
            .await
            .is_empty(),
        "of another card"
    );

    let base = format!("/v1/institutions/{}", scene.harbour.id);
    let other = scene.summit.sign_in(&scene.stage).await.unwrap();
    for target in [
        format!("{base}/inks"),
        format!("{base}/uses?ink={0}&tag={0}", "00".repeat(16)),
    ] {
        for signer in [other.signer(), scene.session.signer()] {
            refused(
                &scene.stage.signed(signer, Ask::get(target.clone())).await.unwrap(),
                403,
                "wrong-signer",
            );
        }
    }
}

#[tokio::test]
async fn the_disk_does_not_tell_which_card_it_was() {
    let scene = Scene::set().await;
    done(&scene.read("2").await);
    assert_eq!(scene.place.text("SELECT CAST(count(*) AS TEXT) FROM uses"), "1");
    let line = if support::on_postgres() {
        "SELECT encode(ink || tag || ct, 'hex') FROM uses"
    } else {
        "SELECT lower(hex(ink) || hex(tag) || hex(ct)) FROM uses"
    };
    let line = scene.place.text(line);
    assert!(line.len() > 64, "nothing was kept");
    for secret in [scene.doctor.certificate.device_id().0, scene.patient.id.0] {
        assert!(!line.contains(&hex::encode(&secret[..16])), "an id in clear");
    }
}

#[tokio::test]
async fn lines_survive_a_restart_and_a_new_day_has_a_new_ink() {
    let scene = Scene::set().await;
    let device = scene.doctor.certificate.device_id();
    done(&scene.read("2").await);
    let scene = scene.restarted(|_| {});
    done(&scene.read("3").await);
    let master = scene.harbour.sign_in(&scene.stage).await.unwrap();
    let found = uses(&scene, &scene.harbour, &master, &device, 0).await;
    // Both keys may have been made in the same second.
    let mut sections: Vec<_> = found.iter().map(|line| line.section).collect();
    sections.sort_unstable();
    assert_eq!(sections, [2, 3]);
    let days = scene.place.text("SELECT CAST(count(*) AS TEXT) FROM inks");
    assert_eq!(days, "2", "the key in memory is gone with the process");
    let later = scene.place.now() + 25 * 3600;
    assert!(
        uses(&scene, &scene.harbour, &master, &device, later).await.is_empty(),
        "nothing was in use then"
    );
}

#[tokio::test]
async fn a_card_asks_for_its_renewal_and_stays_as_it_is_until_then() {
    let scene = Scene::set().await;
    let (stage, harbour) = (&scene.stage, &scene.harbour);
    let master = harbour.sign_in(stage).await.unwrap();
    let list = Ask::get(format!("/v1/institutions/{}/requests", harbour.id));
    let waiting = || async { done(&stage.signed(master.signer(), list.clone()).await.unwrap()) };
    assert_eq!(waiting().await, json!([]));

    let renewal = scene.doctor.request(stage).await.unwrap();
    assert_eq!(waiting().await[0]["certificate"]["holder"], "Dr. Ada Harbour");
    let state = Ask::get(format!("/v1/device-requests/{}", renewal.certificate.digest()));
    assert_eq!(done(&stage.ask(state.clone()).await.unwrap())["state"], "waiting");
    done(&scene.read("2").await);

    done(&harbour.approve(stage, &renewal, 1).await.unwrap());
    assert_eq!(waiting().await, json!([]));
    assert_eq!(done(&stage.ask(state).await.unwrap())["state"], "approved");
    let device = Ask::get(format!("/v1/devices/{}", scene.doctor.certificate.device_id()));
    assert_eq!(done(&stage.ask(device).await.unwrap())["rights"], 1);
    let evidence = Ask::get(format!("/v1/devices/{}/evidence", scene.doctor.certificate.device_id()));
    assert!(done(&stage.ask(evidence).await.unwrap())["leaf9a"].is_string());
}

#[tokio::test]
async fn the_list_of_cards_tells_the_last_use_and_why_one_was_revoked() {
    let scene = Scene::set().await;
    let (stage, harbour, device) = (&scene.stage, &scene.harbour, scene.doctor.certificate.device_id());
    let master = harbour.sign_in(stage).await.unwrap();
    let list = Ask::get(format!("/v1/institutions/{}/devices", harbour.id));
    let row = || async { done(&stage.signed(master.signer(), list.clone()).await.unwrap())[0].clone() };
    let seen = row().await["lastUse"].as_u64().unwrap();
    assert!(scene.place.now() - seen < 60, "the doctor has signed in");
    assert_eq!(row().await.get("note"), None);

    let note = |id| {
        Ask::put(
            format!("/v1/institutions/{id}/devices/{device}/note"),
            &json!({ "note": "Lost" }),
        )
    };
    done(&stage.signed(master.signer(), note(harbour.id)).await.unwrap());
    assert_eq!(row().await["note"], "Lost");
    let other = scene.summit.sign_in(stage).await.unwrap();
    refused(
        &stage.signed(other.signer(), note(harbour.id)).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &stage.signed(other.signer(), note(scene.summit.id)).await.unwrap(),
        404,
        "device-unknown",
    );
}
