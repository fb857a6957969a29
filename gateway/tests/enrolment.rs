//! A card asks, the master-key holder decides, the institution's key is sealed to it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Scene, done, refused};
use wardkey_core::id::Digest;
use wardkey_gateway::bench::actors::Card;
use wardkey_gateway::bench::stage::{Ask, Reply, Stage};

async fn challenge(stage: &Stage) -> Digest {
    let reply = done(&stage.ask(Ask::post("/v1/challenges", &json!({}))).await.unwrap());
    serde_json::from_value(reply["challenge"].clone()).unwrap()
}

async fn post(stage: &Stage, request: &wardkey_core::device::DeviceRequest) -> Reply {
    stage
        .ask(Ask::post(
            "/v1/device-requests",
            &serde_json::to_value(request).unwrap(),
        ))
        .await
        .unwrap()
}

async fn state(stage: &Stage, digest: &Digest) -> Value {
    done(
        &stage
            .ask(Ask::get(format!("/v1/device-requests/{digest}")))
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn requests_are_seen_refused_and_approved() {
    let scene = Scene::set().await;
    let (stage, harbour) = (&scene.stage, &scene.harbour);
    let master = harbour.sign_in(stage).await.unwrap();
    let (one, two) = (
        Card::new(harbour.id, "Dr. One").unwrap(),
        Card::new(harbour.id, "Dr. Two").unwrap(),
    );
    let (first, second) = (one.request(stage).await.unwrap(), two.request(stage).await.unwrap());
    let list = Ask::get(format!("/v1/institutions/{}/requests", harbour.id));
    let waiting = done(&stage.signed(master.signer(), list.clone()).await.unwrap());
    let holders: Vec<_> = waiting
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["certificate"]["holder"].as_str().unwrap())
        .collect();
    assert_eq!(
        holders,
        ["Dr. One", "Dr. Two"],
        "the doctor's own request is approved already"
    );
    assert_eq!(waiting[0]["request"], first.certificate.digest().to_string());

    let (a, b) = (first.certificate.digest(), second.certificate.digest());
    assert_eq!(state(stage, &a).await["state"], "waiting");
    let refusal = Ask::post(
        format!("/v1/institutions/{}/requests/{b}/refusal", harbour.id),
        &json!({ "reason": "not known here" }),
    );
    done(&stage.signed(master.signer(), refusal.clone()).await.unwrap());
    done(&harbour.approve(stage, &first, 3).await.unwrap());
    assert_eq!(state(stage, &a).await["state"], "approved");
    assert_eq!(
        state(stage, &b).await,
        json!({ "state": "refused", "reason": "not known here" })
    );
    assert_eq!(
        done(&stage.signed(master.signer(), list.clone()).await.unwrap()),
        json!([])
    );

    let devices = Ask::get(format!("/v1/institutions/{}/devices", harbour.id));
    let devices = done(&stage.signed(master.signer(), devices).await.unwrap());
    let holders: Vec<_> = devices
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["certificate"]["holder"].as_str().unwrap())
        .collect();
    assert_eq!(holders, ["Dr. Ada Harbour", "Dr. One"]);

    let other = scene.summit.sign_in(stage).await.unwrap();
    refused(
        &stage.signed(other.signer(), list.clone()).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &stage.signed(other.signer(), refusal).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &stage.signed(scene.session.signer(), list).await.unwrap(),
        403,
        "wrong-signer",
    );
}

#[tokio::test]
async fn a_request_proves_its_key_over_a_fresh_challenge() {
    let scene = Scene::set().await;
    let stage = &scene.stage;
    let card = Card::new(scene.harbour.id, "Dr. One").unwrap();
    let made_up = card.answer(stage, Digest([5; 32])).unwrap();
    refused(&post(stage, &made_up).await, 409, "challenge-unknown");
    let good = card.answer(stage, challenge(stage).await).unwrap();
    let mut forged = good.clone();
    forged.certificate.holder = "Dr. Somebody Else".to_owned();
    refused(&post(stage, &forged).await, 403, "signature-invalid");
    let mut evidence = good.clone();
    evidence.attestation.leaf9a = vec![1];
    refused(&post(stage, &evidence).await, 403, "signature-invalid");
    done(&post(stage, &good).await);
    done(&post(stage, &good).await);
    let another = Card::new(scene.harbour.id, "Dr. Two")
        .unwrap()
        .answer(stage, good.challenge)
        .unwrap();
    refused(&post(stage, &another).await, 409, "challenge-unknown");
    let late = challenge(stage).await;
    scene.place.later(901);
    refused(
        &post(
            stage,
            &Card::new(scene.harbour.id, "Dr. Late")
                .unwrap()
                .answer(stage, late)
                .unwrap(),
        )
        .await,
        409,
        "challenge-unknown",
    );
    let nowhere = Card::new(wardkey_core::id::InstitutionId([9; 32]), "x").unwrap();
    let nowhere = nowhere.answer(stage, challenge(stage).await).unwrap();
    refused(&post(stage, &nowhere).await, 404, "institution-unknown");
}

#[tokio::test]
async fn the_agreement_key_is_sealed_to_each_card() {
    let scene = Scene::set().await;
    let (stage, id) = (&scene.stage, scene.harbour.id);
    let master = scene.harbour.sign_in(stage).await.unwrap();
    let recipient = scene.doctor.agreement.public().id();
    let target = format!("/v1/institutions/{id}/wraps/{recipient}");
    refused(&stage.ask(Ask::get(&target)).await.unwrap(), 404, "wrap-none");
    let key = scene.harbour.agreement.public();
    let newest = json!({ "epoch": 1, "key": key, "enc": "AAAA", "ct": "BBBB" });
    done(&stage.signed(master.signer(), Ask::put(&target, &newest)).await.unwrap());
    assert_eq!(
        done(&stage.ask(Ask::get(&target)).await.unwrap()),
        newest,
        "read before the sign-in"
    );
    refused(
        &stage
            .signed(scene.session.signer(), Ask::put(&target, &newest))
            .await
            .unwrap(),
        403,
        "wrong-signer",
    );
    let foreign = scene.summit.sign_in(stage).await.unwrap();
    refused(
        &stage
            .signed(foreign.signer(), Ask::put(&target, &newest))
            .await
            .unwrap(),
        403,
        "wrong-signer",
    );
}

#[tokio::test]
async fn section_keys_only_move_forward() {
    let scene = Scene::set().await;
    let (stage, patient) = (&scene.stage, &scene.patient);
    let target = format!("/v1/patients/{}/section-keys", patient.id);
    let put = |list: &wardkey_core::section_keys::SectionKeys| Ask::put(&target, &serde_json::to_value(list).unwrap());
    let same = patient.list(stage).unwrap();
    done(&stage.signed(patient.signer(), put(&same)).await.unwrap());
    let mut forged = same.clone();
    forged.version = 2;
    refused(
        &stage.signed(patient.signer(), put(&forged)).await.unwrap(),
        403,
        "signature-invalid",
    );
    let mut fewer = same.clone();
    fewer.keys.remove(0);
    fewer.signature = sign(stage, patient, &fewer);
    refused(
        &stage.signed(patient.signer(), put(&fewer)).await.unwrap(),
        409,
        "section-keys-old",
    );
    fewer.version = 2;
    fewer.signature = sign(stage, patient, &fewer);
    done(&stage.signed(patient.signer(), put(&fewer)).await.unwrap());
    refused(
        &stage.signed(patient.signer(), put(&same)).await.unwrap(),
        409,
        "section-keys-old",
    );
    let other = wardkey_gateway::bench::actors::Patient::begin(stage).await.unwrap();
    refused(
        &stage.signed(other.signer(), put(&same)).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &stage.signed(scene.session.signer(), Ask::get(&target)).await.unwrap(),
        400,
        "permission-missing",
    );
}

fn sign(
    stage: &Stage,
    patient: &wardkey_gateway::bench::actors::Patient,
    list: &wardkey_core::section_keys::SectionKeys,
) -> wardkey_core::key::Signature {
    let typed = wardkey_core::section_keys::SectionKeys::typed(&patient.id, list.version, &list.keys);
    stage.gateway.domain().sign(&patient.root, &typed).unwrap()
}
