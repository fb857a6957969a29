//! Two gateways over one PostgreSQL, without sticky sessions: whichever is asked, the answer is the same.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::body::BodyDataStream;
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use support::{ALLERGIES, Place, Scene, done, open_beside, postgres, refused, store_at, terms};
use tower::ServiceExt as _;
use wardkey_core::hpke::seal;
use wardkey_core::id::Digest;
use wardkey_core::key::SoftKey;
use wardkey_core::log::{Receipt, verify_inclusion};
use wardkey_core::unblock::{UnblockRequest, unblock_context};
use wardkey_gateway::bench::stage::{Ask, Signer, Stage, sign};

/// A scene at the first gateway, and the second one with its clock this many seconds ahead.
async fn two(ahead: u64) -> (Scene, Stage) {
    let url = postgres::common_url(&postgres::database());
    let settings = store_at(&url);
    let scene = Scene::in_place(Place::with(&settings)).await;
    let second = open_beside(&scene.place, &settings, ahead);
    (scene, second)
}

fn nonce() -> String {
    wardkey_gateway::random::bytes::<16>().map(hex::encode).unwrap()
}

#[tokio::test]
async fn what_one_writes_the_other_reads_in_one_log_without_a_gap() {
    let (scene, second) = two(0).await;
    second.gateway.look().unwrap();
    let mut written = Vec::new();
    for n in 0..10 {
        let record = scene.record(ALLERGIES, &format!("record {n}"));
        let at = if n % 2 == 0 { &scene.stage } else { &second };
        let ask = scene.ask_write(std::slice::from_ref(&record));
        written.push(at.signed(scene.session.signer(), ask));
    }
    for reply in futures::future::join_all(written).await {
        done(&reply.unwrap());
    }
    for at in [&scene.stage, &second] {
        let read = done(&at.signed(scene.session.signer(), scene.ask_read("2")).await.unwrap());
        assert_eq!(read["records"].as_array().unwrap().len(), 10);
        let line = &read["log"][0];
        let receipt: Receipt = serde_json::from_value(line["receipt"].clone()).unwrap();
        let root: Digest = serde_json::from_value(line["root"].clone()).unwrap();
        let path: Vec<Digest> = serde_json::from_value(line["path"].clone()).unwrap();
        let size = line["size"].as_u64().unwrap();
        verify_inclusion(size, &root, receipt.index, &receipt.leaf, &path).unwrap();
    }
    let log = scene.log().await;
    let sequences: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (0..12).collect::<Vec<_>>());
    assert_eq!(
        scene.stage.gateway.store.log_head().unwrap(),
        second.gateway.store.log_head().unwrap()
    );
}

#[tokio::test]
async fn a_request_that_one_took_the_other_refuses() {
    let (scene, second) = two(0).await;
    second.gateway.look().unwrap();
    let (ask, nonce) = (scene.ask_read("2"), nonce());
    let send = |to: &Stage| {
        let request = sign(&ask, scene.session.signer(), scene.place.now(), &nonce)
            .unwrap()
            .request;
        to.app.clone().oneshot(request)
    };
    let code = |reply: axum::response::Response| async {
        let status = reply.status().as_u16();
        let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        (status, body["code"].as_str().map(str::to_owned))
    };
    assert_eq!(code(send(&scene.stage).await.unwrap()).await.0, 200);
    for to in [&second, &scene.stage] {
        let refused = code(send(to).await.unwrap()).await;
        assert_eq!(refused, (401, Some("request-replayed".to_owned())));
    }
}

#[tokio::test]
async fn a_clock_that_is_an_hour_ahead_widens_nothing() {
    let (scene, second) = two(3600).await;
    let ask = |to: &Stage, signer: Signer<'_>, created: u64, nonce: &str| {
        let target = format!("/v1/patients/{}/log?from=0", scene.patient.id);
        to.app
            .clone()
            .oneshot(sign(&Ask::get(target), signer, created, nonce).unwrap().request)
    };
    let (now, nonce) = (scene.place.now(), nonce());
    // The card's session has ended for the second gateway, whatever time the request says.
    for created in [now, now + 3600] {
        let reply = ask(&second, scene.session.signer(), created, &nonce).await.unwrap();
        assert_eq!(reply.status(), 401, "{created}");
    }
    // A patient's request of an hour ahead is taken there once, and nowhere again.
    let status =
        async |to: &Stage, created: u64| ask(to, scene.patient.signer(), created, &nonce).await.unwrap().status();
    assert_eq!(status(&scene.stage, now + 3600).await, 401);
    assert_eq!(status(&second, now + 3600).await, 200);
    assert_eq!(status(&second, now + 3600).await, 401);
    assert_eq!(
        status(&scene.stage, now).await,
        401,
        "the nonce is used up, for any time"
    );
    // Its sweeping forgets by the database's time: what the first gateway took stays taken.
    let fresh = self::nonce();
    let first = ask(&scene.stage, scene.patient.signer(), now, &fresh).await.unwrap();
    assert_eq!(first.status(), 200);
    second.gateway.store.sweep(now + 3600).unwrap();
    let again = ask(&scene.stage, scene.patient.signer(), now, &fresh).await.unwrap();
    assert_eq!(again.status(), 401);
    done(&scene.read("2").await);
}

#[tokio::test]
async fn they_count_together_and_one_at_a_time_publishes() {
    let (scene, second) = two(0).await;
    let (one, other) = (&scene.stage.gateway.store, &second.gateway.store);
    let payee = Digest([9; 32]);
    let counted = [
        one.count(&payee, 1, 3),
        other.count(&payee, 1, 3),
        one.count(&payee, 1, 3),
        other.count(&payee, 1, 3),
    ];
    assert_eq!(counted.map(Result::unwrap), [true, true, true, false]);
    assert!(other.count(&payee, 2, 3).unwrap(), "another hour");
    let (a, b) = (Digest([1; 32]), Digest([2; 32]));
    assert!(one.lease("test", &a, 60, 0).unwrap());
    assert!(!other.lease("test", &b, 60, 0).unwrap());
    assert!(
        !other.lease("test", &b, 60, u64::MAX / 4).unwrap(),
        "a wrong clock takes no lease"
    );
    assert!(one.lease("test", &a, 60, 0).unwrap(), "renewed");
}

#[tokio::test]
async fn an_unblock_request_is_answered_anywhere() {
    let (scene, second) = two(0).await;
    second.gateway.look().unwrap();
    let key = SoftKey::generate().unwrap();
    let asked = UnblockRequest {
        institution: scene.harbour.id,
        device: scene.doctor.certificate.device_id(),
        card: "30112233".to_owned(),
        terminal: "Ward 3".to_owned(),
        key: key.public(),
        time: scene.place.now(),
    };
    let id = asked.digest();
    let body = serde_json::to_value(&asked).unwrap();
    done(&scene.stage.ask(Ask::post("/v1/unblocks", &body)).await.unwrap());
    let sealed = seal(
        &asked.key,
        &unblock_context(scene.stage.gateway.domain(), &id),
        b"11223344",
    )
    .unwrap();
    let answer = Ask::put(
        format!("/v1/unblocks/{id}/answer"),
        &serde_json::to_value(&sealed).unwrap(),
    );
    done(&second.ask(answer).await.unwrap());
    let told = done(&scene.stage.ask(Ask::get(format!("/v1/unblocks/{id}"))).await.unwrap());
    assert_eq!(told["answer"], serde_json::to_value(&sealed).unwrap());
}

/// An event stream: (id, event, data).
struct Listening(BodyDataStream);

impl Listening {
    async fn start(scene: &Scene, at: &Stage, last: Option<&str>) -> Self {
        let mut request = sign(
            &Ask::get("/v1/events"),
            scene.session.signer(),
            scene.place.now(),
            &nonce(),
        )
        .unwrap()
        .request;
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.parse().unwrap());
        }
        let response = at.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self(response.into_body().into_data_stream())
    }

    async fn next(&mut self) -> (Option<String>, Option<String>, Option<String>) {
        loop {
            let bytes = tokio::time::timeout(Duration::from_secs(20), self.0.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let field = |name: &str| {
                text.lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|v| v.trim().to_owned())
            };
            if field("id:").is_some() {
                return (field("id:"), field("event:"), field("data:"));
            }
        }
    }
}

#[tokio::test]
async fn a_stream_is_resumed_at_the_other_gateway_where_it_broke() {
    let (scene, second) = two(0).await;
    second.gateway.look().unwrap();
    let hearing = tokio::spawn(wardkey_gateway::serve::hear_news(second.gateway.clone()));
    let mut listening = Listening::start(&scene, &second, None).await;
    let (start, none, _) = listening.next().await;
    assert_eq!(none, None, "only its place");
    // Told by the first, heard at the second; both look at the chain, and it is told once.
    let given = scene
        .patient
        .grant(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .await
        .unwrap();
    let data = json!({ "commitment": given.commitment }).to_string();
    let (id, event, told) = listening.next().await;
    assert_eq!(
        (event.as_deref(), told.as_deref()),
        (Some("grant"), Some(data.as_str()))
    );
    second.gateway.look().unwrap();
    drop(listening);
    scene.patient.revoke(&scene.stage, &given).await.unwrap();
    second.gateway.look().unwrap();
    let told = |listening: Listening| async move {
        let mut listening = listening;
        let _place = listening.next().await;
        let (_, event, told) = listening.next().await;
        (event.unwrap(), told.unwrap())
    };
    for at in [&scene.stage, &second] {
        let resumed = Listening::start(&scene, at, id.as_deref()).await;
        assert_eq!(told(resumed).await, ("revoke".to_owned(), data.clone()));
        let resumed = Listening::start(&scene, at, start.as_deref()).await;
        assert_eq!(told(resumed).await, ("grant".to_owned(), data.clone()));
        for unknown in ["999999", "none of ours"] {
            let (_, event, _) = Listening::start(&scene, at, Some(unknown)).await.next().await;
            assert_eq!(event.as_deref(), Some("resync"));
        }
    }
    hearing.abort();
}

#[tokio::test]
async fn a_gateway_with_other_keys_is_refused_the_database() {
    let url = postgres::common_url(&postgres::database());
    let _first = Place::with(&store_at(&url));
    let folder = tempfile::tempdir().unwrap();
    let settings = wardkey_gateway::Settings {
        data: folder.path().to_owned(),
        ..wardkey_gateway::Settings::parse(&store_at(&url)).unwrap()
    };
    let refusal = wardkey_gateway::Gateway::open(settings, wardkey_gateway::Clock::system())
        .err()
        .unwrap();
    refused_with(&refusal, "store-foreign");
}

fn refused_with(error: &impl wardkey_core::fault::Coded, code: &str) {
    assert_eq!(error.code(), code);
}

#[tokio::test]
async fn nobody_is_served_without_the_chain_whatever_the_store_says() {
    let (scene, second) = two(0).await;
    scene.place.wire.cut.store(true, std::sync::atomic::Ordering::Relaxed);
    scene.place.later_unheard(60);
    refused(&scene.read("2").await, 503, "chain-silent");
    drop(second);
}

/// A patient's key that floods the sponsor with valid grants, at both gateways: it is counted once for both, others are served,
/// and what it gave it can take back.
#[tokio::test]
async fn a_flood_from_one_key_stops_nobody_else() {
    let url = postgres::common_url(&postgres::database());
    let settings = format!("{}[limits]\nactions_per_key = 4\n", store_at(&url));
    let scene = Scene::in_place(Place::with(&settings)).await;
    let second = open_beside(&scene.place, &settings, 0);
    second.gateway.look().unwrap();
    let (mut given, mut refusals) = (vec![], 0);
    for n in 0..10 {
        let at = if n % 2 == 0 { &scene.stage } else { &second };
        let grant = scene
            .patient
            .document(at, &scene.harbour, terms(scene.place.now()))
            .unwrap();
        let body = scene.patient.body(at, &scene.harbour, &grant).unwrap();
        let reply = at
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &body))
            .await
            .unwrap();
        if reply.status.is_success() {
            given.push(grant);
        } else {
            refused(&reply, 429, "quota-used");
            refusals += 1;
        }
    }
    // The scene's own grant was the first of the four.
    assert_eq!((given.len(), refusals), (3, 7));
    let other = wardkey_gateway::bench::actors::Patient::begin(&second).await.unwrap();
    other
        .grant(&second, &scene.harbour, terms(scene.place.now()))
        .await
        .unwrap();
    for given in &given {
        scene.patient.revoke(&second, given).await.unwrap();
    }
}
