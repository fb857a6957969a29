//! Every refusal of permission that the gateway decides.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::{ALLERGIES, PROCEDURES, RESULTS, Scene, done, refused, terms};
use wardkey_core::action::SignedAction;
use wardkey_core::id::Commitment;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;
use wardkey_gateway::bench::actors::{Given, Patient, Terms};
use wardkey_gateway::bench::stage::Ask;
use wardkey_gateway::operator::Order;

async fn granted(scene: &Scene, terms: Terms) -> Given {
    scene.patient.grant(&scene.stage, &scene.harbour, terms).await.unwrap()
}

async fn read_under(scene: &Scene, commitment: Commitment, sections: &str) -> wardkey_gateway::bench::stage::Reply {
    let ask = Ask::get(format!("{}?sections={sections}", scene.records())).under(commitment, "why");
    scene.stage.signed(scene.session.signer(), ask).await.unwrap()
}

#[tokio::test]
async fn grants_hold_in_their_time_only() {
    let scene = Scene::set().await;
    let now = scene.place.now();
    let future = granted(
        &scene,
        Terms {
            not_before: now + 600,
            ..terms(now)
        },
    )
    .await;
    refused(
        &read_under(&scene, future.commitment, "2").await,
        403,
        "grant-not-yet-valid",
    );
    let short = granted(
        &scene,
        Terms {
            expiry: now + 300,
            ..terms(now)
        },
    )
    .await;
    done(&read_under(&scene, short.commitment, "2").await);
    scene.place.later(300);
    refused(&read_under(&scene, short.commitment, "2").await, 403, "grant-expired");
    let body = scene.patient.body(&scene.stage, &scene.harbour, &short).unwrap();
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap(),
        403,
        "grant-expired",
    );
}

#[tokio::test]
async fn a_grant_replayed_after_its_revocation_stays_revoked() {
    let scene = Scene::set().await;
    let body = scene.patient.body(&scene.stage, &scene.harbour, &scene.given).unwrap();
    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    scene.place.later(1);
    // Signed anew, so that it is another action on the chain.
    let again = scene.patient.body(&scene.stage, &scene.harbour, &scene.given).unwrap();
    for body in [body, again] {
        let reply = scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap();
        assert!(
            reply.status == 409 && reply.code() == "grant-revoked" || reply.status.is_success(),
            "{}",
            reply.code()
        );
    }
    refused(&scene.read("2").await, 403, "grant-revoked");
    refused(
        &scene.write(&[scene.record(ALLERGIES, "x")]).await,
        403,
        "grant-revoked",
    );
}

#[tokio::test]
async fn a_revocation_before_its_grant_wins() {
    let scene = Scene::set().await;
    let given = scene
        .patient
        .document(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .unwrap();
    scene.patient.revoke(&scene.stage, &given).await.unwrap();
    let body = scene.patient.body(&scene.stage, &scene.harbour, &given).unwrap();
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap(),
        409,
        "grant-revoked",
    );
    refused(&read_under(&scene, given.commitment, "2").await, 403, "grant-revoked");
}

#[tokio::test]
async fn a_stranger_who_signs_the_same_revocation_first_does_not_stop_the_patients() {
    let scene = Scene::set().await;
    let deadline = scene.place.now() + 600;
    let revoke = structs::Revoke {
        commitment: scene.given.commitment.0.into(),
        deadline,
    };
    let stranger = SoftKey::generate().unwrap();
    for key in [&stranger, &scene.given.key] {
        done(&scene.read("2").await);
        let action = wardkey_core::action::Action::from(revoke.clone());
        let signature = key.sign(&action.preimage(scene.stage.gateway.domain())).unwrap();
        done(
            &scene
                .stage
                .submit(&SignedAction::by_key(action, key.public(), signature))
                .await
                .unwrap(),
        );
    }
    refused(&scene.read("2").await, 403, "grant-revoked");
}

#[tokio::test]
async fn a_grant_altered_by_one_bit_is_no_grant() {
    let scene = Scene::set().await;
    let given = scene
        .patient
        .document(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .unwrap();
    let good = scene.patient.body(&scene.stage, &scene.harbour, &given).unwrap();
    let mut canonical = given.document.canonical();
    // Bit 6 of `read`: the section that is withheld.
    canonical[2 * 32 + 31] ^= 1 << PROCEDURES;
    let mut body = good.clone();
    body["document"] = json!(hex::encode(&canonical));
    let reply = scene
        .stage
        .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
        .await
        .unwrap();
    refused(&reply, 403, "grant-bad-signature");
    let mut foreign = good.clone();
    foreign["action"]["message"]["commitment"] = json!("11".repeat(32));
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &foreign))
            .await
            .unwrap(),
        400,
        "grant-mismatch",
    );
    let mut fewer = good.clone();
    fewer["sectionKeys"].as_array_mut().unwrap().pop();
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &fewer))
            .await
            .unwrap(),
        400,
        "grant-incomplete",
    );
    let mut old = good.clone();
    old["agreementEpoch"] = json!(2);
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &old))
            .await
            .unwrap(),
        409,
        "agreement-old",
    );
    let stranger = Patient::begin(&scene.stage).await.unwrap();
    refused(
        &scene
            .stage
            .signed(stranger.signer(), Ask::post("/v1/grants", &good))
            .await
            .unwrap(),
        403,
        "wrong-signer",
    );
    let mut commitment = scene.given.commitment;
    commitment.0[0] ^= 1;
    refused(&read_under(&scene, commitment, "2").await, 403, "grant-unknown");
    done(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &good))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn a_stored_grant_that_was_altered_permits_nothing() {
    let scene = Scene::set().await;
    let now = scene.place.now();
    let given = granted(&scene, terms(now)).await;
    let canonical = hex::encode(given.document.canonical());
    let mut wider = given.document.clone();
    wider.read |= 1 << PROCEDURES;
    let wider = hex::encode(wider.canonical());
    let changed = scene.place.alter(&format!(
        "UPDATE grants SET document = replace(document, '{canonical}', '{wider}') WHERE document LIKE '%{canonical}%'"
    ));
    assert_eq!(changed, 1);
    refused(
        &read_under(&scene, given.commitment, "6").await,
        403,
        "grant-bad-signature",
    );
}

#[tokio::test]
async fn sections_and_rights_are_those_of_the_grant_and_the_card() {
    let scene = Scene::set().await;
    refused(&scene.read("2,6").await, 403, "section-not-granted");
    refused(
        &scene.write(&[scene.record(RESULTS, "x")]).await,
        403,
        "section-not-granted",
    );
    refused(&scene.read("31").await, 400, "section-unknown");
    refused(&scene.read("x").await, 400, "query-malformed");
    let reader = scene.harbour.card(&scene.stage, "Reader", 1).await.unwrap();
    let session = reader.sign_in(&scene.stage).await.unwrap();
    done(&scene.stage.signed(session.signer(), scene.ask_read("2")).await.unwrap());
    let ask = scene.ask_write(&[scene.record(ALLERGIES, "x")]);
    refused(
        &scene.stage.signed(session.signer(), ask).await.unwrap(),
        403,
        "device-right-missing",
    );
    let log = scene.log().await;
    assert_eq!(
        log["entries"].as_array().unwrap().len(),
        1,
        "what is refused is not in the log of what was done"
    );
}

#[tokio::test]
async fn a_read_grant_does_not_let_write() {
    let scene = Scene::set().await;
    let given = granted(
        &scene,
        Terms {
            write: 0,
            ..terms(scene.place.now())
        },
    )
    .await;
    let ask =
        Ask::post(scene.records(), &json!({ "records": [scene.record(ALLERGIES, "x")] })).under(given.commitment, "");
    refused(
        &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
        403,
        "section-not-granted",
    );
}

#[tokio::test]
async fn cards_of_others_revoked_or_unknown_are_refused() {
    let scene = Scene::set().await;
    let other = scene.summit.card(&scene.stage, "Dr. Summit", 3).await.unwrap();
    let session = other.sign_in(&scene.stage).await.unwrap();
    refused(
        &scene.stage.signed(session.signer(), scene.ask_read("2")).await.unwrap(),
        403,
        "device-other-institution",
    );
    assert_eq!(
        done(
            &scene
                .stage
                .signed(session.signer(), Ask::get("/v1/grants"))
                .await
                .unwrap()
        ),
        json!([])
    );

    done(&scene.read("2").await);
    scene.harbour.revoke(&scene.stage, &scene.doctor).await.unwrap();
    refused(&scene.read("2").await, 403, "device-revoked");
    refused(
        &scene
            .stage
            .signed(scene.session.signer(), Ask::get("/v1/grants"))
            .await
            .unwrap(),
        403,
        "device-revoked",
    );
    assert!(
        scene
            .doctor
            .sign_in(&scene.stage)
            .await
            .unwrap_err()
            .to_string()
            .contains("device-revoked")
    );
    let stranger = wardkey_gateway::bench::actors::Card::new(scene.harbour.id, "Nobody").unwrap();
    assert!(
        stranger
            .sign_in(&scene.stage)
            .await
            .unwrap_err()
            .to_string()
            .contains("device-unknown")
    );
}

#[tokio::test]
async fn a_suspended_institution_can_do_nothing() {
    let scene = Scene::set().await;
    scene
        .harbour
        .order(
            &scene.stage,
            Order::Suspend {
                institution: scene.harbour.id,
            },
        )
        .await
        .unwrap();
    refused(&scene.read("2").await, 403, "institution-suspended");
    let given = scene
        .patient
        .document(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .unwrap();
    let body = scene.patient.body(&scene.stage, &scene.harbour, &given).unwrap();
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap(),
        403,
        "institution-suspended",
    );
    scene
        .harbour
        .order(
            &scene.stage,
            Order::Accredit {
                institution: scene.harbour.id,
            },
        )
        .await
        .unwrap();
    done(&scene.read("2").await);
}
