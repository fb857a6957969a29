//! Records at the door and in the store.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::{ALLERGIES, Place, Scene, done, refused};
use wardkey_core::id::DeviceId;
use wardkey_core::record::{Record, RecordError, Unsigned};
use wardkey_core::section::Section;
use wardkey_gateway::bench::actors::{Patient, unsigned};
use wardkey_gateway::bench::stage::Ask;

impl Scene {
    /// The doctor's record, its header changed before sealing and signing.
    fn record_with(&self, change: impl FnOnce(&mut wardkey_core::record::RecordHeader)) -> Record {
        let mut header = self.record(ALLERGIES, "x").header;
        change(&mut header);
        let domain = self.stage.gateway.domain();
        let key = self.patient.section(header.section.min(18)).unwrap().public();
        let unsigned = Unsigned::seal(domain, header, &key, b"x").unwrap();
        unsigned
            .sign_in_session(domain, &self.session.key, &self.session.delegation)
            .unwrap()
    }
}

#[tokio::test]
async fn writing_is_idempotent_and_conflicts_are_told() {
    let scene = Scene::set().await;
    let records: Vec<_> = (0..20)
        .map(|n| scene.record(ALLERGIES, &format!("record {n}")))
        .collect();
    let first = done(&scene.write(&records).await);
    assert_eq!(done(&scene.write(&records).await), first, "the same receipts");
    assert_eq!(
        scene.log().await["entries"].as_array().unwrap().len(),
        20,
        "logged once"
    );
    let other = scene.record_with(|header| header.record = records[3].header.record);
    refused(
        &scene.write(&[scene.record(ALLERGIES, "new"), other]).await,
        409,
        "record-conflict",
    );
    let read = done(&scene.read("2").await);
    assert_eq!(read["records"].as_array().unwrap().len(), 20, "all or none");
}

#[tokio::test]
async fn versions_follow_one_another_by_the_same_institution() {
    let scene = Scene::set().await;
    let first = scene.record(ALLERGIES, "v1");
    let next = |version: u32| scene.record_with(|h| (h.record, h.version) = (first.header.record, version));
    refused(&scene.write(&[next(2)]).await, 409, "record-version");
    done(&scene.write(std::slice::from_ref(&first)).await);
    refused(&scene.write(&[next(3)]).await, 409, "record-version");
    done(&scene.write(&[next(2)]).await);
    let elsewhere = scene.record_with(|h| (h.record, h.version, h.section) = (first.header.record, 3, 3));
    refused(&scene.write(&[elsewhere]).await, 409, "record-version");

    let summit = scene.summit.card(&scene.stage, "Dr. Summit", 3).await.unwrap();
    let session = summit.sign_in(&scene.stage).await.unwrap();
    let given = scene
        .patient
        .grant(&scene.stage, &scene.summit, support::terms(scene.place.now()))
        .await
        .unwrap();
    let mut header = unsigned(&scene.stage, &scene.patient, &summit, ALLERGIES, b"x")
        .unwrap()
        .signed_by_card(scene.doctor.signature.sign_digest(&[1; 32]).unwrap())
        .header;
    (header.record, header.version) = (first.header.record, 3);
    let domain = scene.stage.gateway.domain();
    let key = scene.patient.section(ALLERGIES).unwrap().public();
    let theirs = Unsigned::seal(domain, header, &key, b"x")
        .unwrap()
        .sign_in_session(domain, &session.key, &session.delegation)
        .unwrap();
    let ask = Ask::post(scene.records(), &json!({ "records": [theirs] })).under(given.commitment, "");
    refused(
        &scene.stage.signed(session.signer(), ask).await.unwrap(),
        409,
        "record-version",
    );
}

#[tokio::test]
async fn records_out_of_place_are_refused() {
    let scene = Scene::set().await;
    let stranger = Patient::begin(&scene.stage).await.unwrap();
    let future = scene.place.now() + 120;
    for (record, status, code) in [
        (scene.record_with(|h| h.patient = stranger.id), 400, "record-misplaced"),
        (
            scene.record_with(|h| h.institution = scene.summit.id),
            400,
            "record-misplaced",
        ),
        (scene.record_with(|h| h.section = 31), 400, "record-misplaced"),
        (scene.record_with(|h| h.epoch = 7), 409, "record-epoch"),
        (scene.record_with(|h| h.time = future), 400, "record-time"),
        (scene.record_with(|h| h.time -= 1000), 400, "record-bad-delegation"),
        (
            scene.record_with(|h| h.device = DeviceId([1; 32])),
            400,
            "record-bad-delegation",
        ),
    ] {
        refused(&scene.write(&[record]).await, status, code);
    }
    let mut altered = scene.record(ALLERGIES, "x");
    altered.sealed.ct[0] ^= 1;
    refused(&scene.write(&[altered]).await, 400, "record-bad-signature");
    refused(&scene.write(&[]).await, 400, "records-none");
    let ask = Ask::post(scene.records(), &json!({ "records": 3 })).under(scene.given.commitment, "");
    refused(
        &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
        400,
        "body-malformed",
    );
    assert_eq!(scene.log().await["entries"], json!([]));
}

#[tokio::test]
async fn a_prescription_is_signed_by_the_cards_signature_key() {
    let scene = Scene::set().await;
    let domain = *scene.stage.gateway.domain();
    let medications = Section::Medications.number();
    let draft = unsigned(&scene.stage, &scene.patient, &scene.doctor, medications, b"amoxicillin").unwrap();
    let signature = scene.doctor.signature.sign_digest(&draft.digest(&domain)).unwrap();
    let by_9a = scene.doctor.device.sign_digest(&draft.digest(&domain)).unwrap();
    refused(
        &scene.write(&[draft.clone().signed_by_card(by_9a)]).await,
        400,
        "record-bad-signature",
    );
    done(&scene.write(&[draft.signed_by_card(signature)]).await);
    let unknown = scene.record_with(|h| h.device = DeviceId([1; 32]));
    let unknown = Record {
        author: wardkey_core::record::Author::Signature { signature },
        ..unknown
    };
    refused(&scene.write(&[unknown]).await, 400, "record-no-certificate");
}

#[tokio::test]
async fn a_colleague_may_send_but_the_author_must_be_allowed() {
    let scene = Scene::set().await;
    let colleague = scene.harbour.card(&scene.stage, "Dr. B", 3).await.unwrap();
    let session = colleague.sign_in(&scene.stage).await.unwrap();
    let (one, two) = (scene.record(ALLERGIES, "one"), scene.record(ALLERGIES, "two"));
    done(
        &scene
            .stage
            .signed(session.signer(), scene.ask_write(&[one]))
            .await
            .unwrap(),
    );
    scene.harbour.revoke(&scene.stage, &scene.doctor).await.unwrap();
    refused(
        &scene
            .stage
            .signed(session.signer(), scene.ask_write(&[two]))
            .await
            .unwrap(),
        403,
        "device-revoked",
    );
}

/// The gateway serves what its store holds; the reader finds out.
#[tokio::test]
async fn a_record_altered_or_swapped_in_the_store_is_detected_by_the_reader() {
    let scene = Scene::set().await;
    let domain = *scene.stage.gateway.domain();
    done(&scene.write(&[scene.record(ALLERGIES, "penicillin")]).await);
    let text = scene.place.text("SELECT document FROM records");
    let put = |record: &Record| {
        let text = serde_json::to_string(record).unwrap();
        assert_eq!(scene.place.alter(&format!("UPDATE records SET document = '{text}'")), 1);
    };
    let mut altered: Record = serde_json::from_str(&text).unwrap();
    altered.sealed.ct[3] ^= 1;
    put(&altered);
    let got: Vec<Record> = serde_json::from_value(done(&scene.read("2").await)["records"].clone()).unwrap();
    assert_eq!(got[0].verify(&domain, None), Err(RecordError::BadSignature));

    let mut swapped: Record = serde_json::from_str(&text).unwrap();
    swapped.header.patient.0[0] ^= 1;
    put(&swapped);
    let got: Vec<Record> = serde_json::from_value(done(&scene.read("2").await)["records"].clone()).unwrap();
    assert_ne!(
        got[0].header.patient, scene.patient.id,
        "not the patient that was asked for"
    );
    swapped.header.patient = scene.patient.id;
    swapped.header.section = 3;
    assert_eq!(
        swapped.verify(&domain, None),
        Err(RecordError::BadSignature),
        "and putting on the right name breaks the signature"
    );
}

#[tokio::test]
async fn too_large_is_told() {
    let scene = Scene::in_place(Place::with("[limits]\nrecord_megabytes = 1\nimport_megabytes = 3")).await;
    let big = "x".repeat(1024 * 1024 + 1);
    refused(
        &scene.write(&[scene.record(ALLERGIES, &big)]).await,
        413,
        "record-too-large",
    );
    let half = "x".repeat(700 * 1024);
    let three: Vec<_> = (0..4).map(|_| scene.record(ALLERGIES, &half)).collect();
    refused(&scene.write(&three).await, 413, "body-too-large");
    done(&scene.write(&three[..2]).await);
    let long = Ask::post("/v1/actions", &json!({ "x": big }));
    refused(&scene.stage.ask(long).await.unwrap(), 413, "body-too-large");
}
