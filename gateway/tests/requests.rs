//! Every refusal of sessions, signed requests and actions that the gateway decides.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::body::Body;
use axum::http::{HeaderValue, Uri};
use serde_json::json;
use support::{ALLERGIES, Place, Scene, done, refused};
use wardkey_core::id::KeyId;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;
use wardkey_gateway::bench::actors::Patient;
use wardkey_gateway::bench::stage::{Ask, SignedAsk, sign};

#[tokio::test]
async fn a_session_ends() {
    let scene = Scene::set().await;
    // Some room before the end: the scene itself takes a moment.
    scene.place.later(880);
    done(&scene.read("2").await);
    scene.place.later(20);
    refused(&scene.read("2").await, 401, "session-expired");
    let unknown = SoftKey::generate().unwrap();
    let name = wardkey_core::http_signature::KeyName::Session(unknown.public().id().into());
    let signer = wardkey_gateway::bench::stage::Signer { key: &unknown, name };
    refused(
        &scene.stage.signed(signer, scene.ask_read("2")).await.unwrap(),
        401,
        "session-unknown",
    );
}

#[tokio::test]
async fn sessions_survive_a_restart_and_requests_from_before_it_do_not() {
    let scene = Scene::set().await;
    let before = sign(&scene.ask_read("2"), scene.session.signer(), scene.place.now(), "early").unwrap();
    scene.place.later(5);
    let ahead = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(5));
    let Scene {
        place,
        stage,
        session,
        given,
        patient,
        ..
    } = scene;
    let folder = place.folder;
    drop((stage, place.stage, place.wire));
    let settings = std::fs::read_to_string(folder.path().join("gateway.toml")).unwrap_or_default();
    let (stage, _wire) = support::open(folder.path(), &settings, ahead);
    let early = stage.send(before).await.unwrap();
    if support::on_postgres() {
        // Nonces are in the database: that this one was not used is known after a restart too.
        done(&early);
    } else {
        refused(&early, 401, "request-before-start");
    }
    let ask = Ask::get(format!("/v1/patients/{}/records?sections=2", patient.id)).under(given.commitment, "again");
    done(&stage.signed(session.signer(), ask).await.unwrap());
}

#[tokio::test]
async fn a_delegation_must_hold() {
    let scene = Scene::set().await;
    let good = &scene.session.delegation;
    let post = |delegation: &wardkey_core::delegation::SignedDelegation| {
        let ask = Ask::post("/v1/sessions", &serde_json::to_value(delegation).unwrap());
        let stage = scene.stage.clone();
        async move { stage.ask(ask).await.unwrap() }
    };
    done(&post(good).await);
    let mut longer = good.clone();
    longer.delegation.expiry += 1;
    refused(&post(&longer).await, 401, "session-bad-signature");
    let resign = |mut d: wardkey_core::delegation::SignedDelegation| {
        d.signature = scene
            .stage
            .gateway
            .domain()
            .sign(&scene.doctor.device, &d.delegation.typed())
            .unwrap();
        d
    };
    refused(&post(&resign(longer)).await, 401, "session-too-long");
    let mut elsewhere = good.clone();
    elsewhere.delegation.audience.0[0] ^= 1;
    refused(&post(&resign(elsewhere)).await, 401, "session-wrong-audience");
    scene.place.later(900);
    refused(&post(good).await, 401, "session-expired");
    let by_device = scene.stage.delegate(
        &scene.doctor.device,
        wardkey_core::delegation::PrincipalKind::Master,
        KeyId(scene.harbour.id.0),
    );
    assert!(
        by_device
            .await
            .unwrap_err()
            .to_string()
            .contains("session-bad-signature")
    );
}

#[tokio::test]
async fn a_request_counts_once() {
    let scene = Scene::set().await;
    let now = scene.place.now();
    done(
        &scene
            .stage
            .send(sign(&scene.ask_read("2"), scene.session.signer(), now, "n1").unwrap())
            .await
            .unwrap(),
    );
    let again = sign(&scene.ask_read("2"), scene.session.signer(), now, "n1").unwrap();
    refused(&scene.stage.send(again).await.unwrap(), 401, "request-replayed");
    for created in [now - 62, now + 62] {
        let off = sign(&scene.ask_read("2"), scene.session.signer(), created, "n2").unwrap();
        refused(&scene.stage.send(off).await.unwrap(), 401, "request-time");
    }
}

#[tokio::test]
async fn a_request_altered_after_signing_is_refused() {
    let scene = Scene::set().await;
    let (now, target) = (scene.place.now(), scene.records());
    let read = |nonce: &str| sign(&scene.ask_read("2"), scene.session.signer(), now, nonce).unwrap();
    let mut query = read("q");
    *query.request.uri_mut() = format!("{target}?sections=2,3").parse::<Uri>().unwrap();
    refused(&scene.stage.send(query).await.unwrap(), 401, "http-signature-invalid");
    for (header, value) in [
        ("wardkey-permission", "22".repeat(32)),
        ("wardkey-reason", "curiosity".to_owned()),
    ] {
        let mut altered = read(header);
        altered
            .request
            .headers_mut()
            .insert(header, HeaderValue::from_str(&value).unwrap());
        refused(&scene.stage.send(altered).await.unwrap(), 401, "http-signature-invalid");
        let mut removed = read(header);
        removed.request.headers_mut().remove(header);
        refused(
            &scene.stage.send(removed).await.unwrap(),
            401,
            "http-signature-incomplete",
        );
    }
    let write = scene.ask_write(&[scene.record(ALLERGIES, "true")]);
    let other = scene.ask_write(&[scene.record(ALLERGIES, "false")]).body.unwrap();
    let SignedAsk { request, signature } = sign(&write, scene.session.signer(), now, "b").unwrap();
    let body = SignedAsk {
        request: request.map(|_| Body::from(other)),
        signature,
    };
    refused(&scene.stage.send(body).await.unwrap(), 401, "http-body-altered");
    let mut bare = read("s");
    bare.request.headers_mut().remove("signature");
    let reply = tower::ServiceExt::oneshot(scene.stage.app.clone(), bare.request)
        .await
        .unwrap();
    assert_eq!(reply.status(), 401);
    assert_eq!(scene.log().await["entries"], json!([]), "nothing was done");
}

#[tokio::test]
async fn every_request_under_a_grant_says_which_and_why() {
    let scene = Scene::set().await;
    let nothing = Ask {
        permission: None,
        reason: None,
        ..scene.ask_read("2")
    };
    refused(
        &scene.stage.signed(scene.session.signer(), nothing).await.unwrap(),
        400,
        "permission-missing",
    );
    for reason in ["", "  ", &"x".repeat(501)] {
        let ask = Ask {
            reason: Some(reason),
            ..scene.ask_read("2")
        };
        refused(
            &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
            400,
            "reason-missing",
        );
    }
    let other = Patient::begin(&scene.stage).await.unwrap();
    let ask = Ask::get(format!("/v1/patients/{}/records?sections=2", other.id)).under(scene.given.commitment, "why");
    refused(
        &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
        403,
        "grant-wrong-patient",
    );
    refused(
        &scene.stage.signed(other.signer(), scene.ask_read("2")).await.unwrap(),
        403,
        "wrong-signer",
    );
    let log = Ask::get(format!("/v1/patients/{}/log", scene.patient.id));
    refused(
        &scene.stage.signed(scene.session.signer(), log.clone()).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &scene.stage.signed(other.signer(), log).await.unwrap(),
        403,
        "wrong-signer",
    );
}

#[tokio::test]
async fn when_the_chain_is_silent_nothing_is_permitted() {
    let scene = Scene::set().await;
    let heard = scene.stage.gateway.ledger.heard().at;
    scene.place.wire.cut.store(true, std::sync::atomic::Ordering::Relaxed);
    // Seconds of the test itself may pass as well.
    scene.place.later_unheard(25);
    assert!(scene.stage.gateway.look().is_err());
    done(&scene.read("2").await);
    scene.place.later_unheard(6);
    refused(&scene.read("2").await, 503, "chain-silent");
    refused(&scene.write(&[scene.record(ALLERGIES, "x")]).await, 503, "chain-silent");
    let network = done(&scene.stage.ask(Ask::get("/v1/network")).await.unwrap());
    assert_eq!(network["heard"].as_u64(), Some(heard));
    scene.place.wire.cut.store(false, std::sync::atomic::Ordering::Relaxed);
    scene.place.later(0);
    done(&scene.read("2").await);
}

#[tokio::test]
async fn the_sponsor_pays_for_nothing_that_must_fail_and_only_so_often() {
    let place = Place::with("[limits]\nactions_per_institution = 2");
    let stage = place.stage.clone();
    let head = |stage: &wardkey_gateway::bench::stage::Stage| stage.gateway.ledger.chain().head().unwrap().number;
    let hospital = wardkey_gateway::bench::actors::Hospital::open(&stage, "Harbour")
        .await
        .unwrap();
    let before = head(&stage);
    let forged = structs::RevokeDevice {
        institution: hospital.id.0.into(),
        device: [7; 32].into(),
        deadline: place.now() + 60,
    };
    let stranger = SoftKey::generate().unwrap();
    refused(
        &stage.act(&stranger, forged.clone()).await.unwrap(),
        403,
        "action-bad-signature",
    );
    assert_eq!(head(&stage), before, "nothing reached the chain");
    let first = done(&stage.act(&hospital.master, forged.clone()).await.unwrap());
    let second = done(&stage.act(&hospital.master, forged).await.unwrap());
    assert_eq!(
        (first["tx"].as_str(), head(&stage)),
        (second["tx"].as_str(), before + 1),
        "the same action counts once"
    );
    for n in 0..2 {
        hospital.card(&stage, &format!("Card {n}"), 3).await.unwrap();
    }
    let third = hospital.card(&stage, "Card 3", 3).await.unwrap_err();
    assert!(third.to_string().contains("quota-used"), "{third}");
    let accredit = structs::SetAccreditation {
        institution: hospital.id.0.into(),
        accredited: false,
        nonce: 1,
        deadline: place.now() + 60,
    };
    refused(
        &stage.act(&hospital.master, accredit).await.unwrap(),
        403,
        "action-bad-signature",
    );
}
