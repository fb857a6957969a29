//! What is told to workstations at once.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::body::BodyDataStream;
use futures::StreamExt as _;
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Scene, refused, terms};
use tower::ServiceExt as _;
use wardkey_gateway::bench::actors::{Card, Session};
use wardkey_gateway::bench::stage::{Ask, sign};

struct Listening(BodyDataStream);

impl Listening {
    async fn start(scene: &Scene, session: &Session) -> Self {
        let signed = sign(
            &Ask::get("/v1/events"),
            session.signer(),
            scene.place.now(),
            &wardkey_gateway::random::bytes::<8>().map(hex::encode).unwrap(),
        )
        .unwrap();
        let response = scene.stage.app.clone().oneshot(signed.request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self(response.into_body().into_data_stream())
    }

    /// The next event with its data, `None` at the end; comments are skipped.
    async fn next(&mut self) -> Option<(String, serde_json::Value)> {
        loop {
            let bytes = tokio::time::timeout(Duration::from_secs(20), self.0.next())
                .await
                .unwrap()?
                .unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let field = |name: &str| {
                text.lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|v| v.trim().to_owned())
            };
            if let (Some(event), Some(data)) = (field("event:"), field("data:")) {
                return Some((event, serde_json::from_str(&data).unwrap()));
            }
        }
    }
}

#[tokio::test]
async fn grants_and_revocations_arrive_at_once_and_only_where_they_belong() {
    let scene = Scene::set().await;
    let other = scene
        .summit
        .card(&scene.stage, "Dr. Summit", 3)
        .await
        .unwrap()
        .sign_in(&scene.stage)
        .await
        .unwrap();
    let (mut harbour, mut summit) = (
        Listening::start(&scene, &scene.session).await,
        Listening::start(&scene, &other).await,
    );
    let start = Instant::now();
    let given = scene
        .patient
        .grant(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .await
        .unwrap();
    let commitment = json!({ "commitment": given.commitment });
    assert_eq!(harbour.next().await.unwrap(), ("grant".to_owned(), commitment.clone()));
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    scene.patient.revoke(&scene.stage, &given).await.unwrap();
    assert_eq!(harbour.next().await.unwrap(), ("revoke".to_owned(), commitment));
    let card = scene.summit.card(&scene.stage, "Dr. Two", 1).await.unwrap();
    assert_eq!(
        summit.next().await.unwrap(),
        ("device".to_owned(), json!({ "device": card.certificate.device_id() }))
    );
}

#[tokio::test]
async fn requests_reach_the_master_key_holder() {
    let scene = Scene::set().await;
    let master = scene.harbour.sign_in(&scene.stage).await.unwrap();
    let mut listening = Listening::start(&scene, &master).await;
    let request = Card::new(scene.harbour.id, "Dr. New")
        .unwrap()
        .request(&scene.stage)
        .await
        .unwrap();
    assert_eq!(
        listening.next().await.unwrap(),
        ("request".to_owned(), json!({ "request": request.certificate.digest() }))
    );
}

#[tokio::test]
async fn a_session_that_ends_is_told_why() {
    let scene = Scene::set().await;
    let mut listening = Listening::start(&scene, &scene.session).await;
    scene.harbour.revoke(&scene.stage, &scene.doctor).await.unwrap();
    assert_eq!(listening.next().await.unwrap().0, "device");
    assert_eq!(
        listening.next().await.unwrap(),
        ("session-ended".to_owned(), json!({ "code": "device-revoked" }))
    );
    assert!(listening.next().await.is_none());
    let second = scene
        .harbour
        .card(&scene.stage, "Dr. B", 3)
        .await
        .unwrap()
        .sign_in(&scene.stage)
        .await
        .unwrap();
    let mut listening = Listening::start(&scene, &second).await;
    scene.place.later(900);
    assert_eq!(
        listening.next().await.unwrap(),
        ("session-ended".to_owned(), json!({ "code": "session-expired" }))
    );
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops_and_patients_have_none() {
    let scene = Scene::set().await;
    let mut listening = Listening::start(&scene, &scene.session).await;
    scene.stage.gateway.closing.send_replace(true);
    assert!(listening.next().await.is_none());
    refused(
        &scene
            .stage
            .signed(scene.patient.signer(), Ask::get("/v1/events"))
            .await
            .unwrap(),
        403,
        "wrong-signer",
    );
}
