//! What a stranger can send, arbitrary or altered, through the whole server: it answers, never with its own failure, and nothing
//! altered is done. Seeds are fixed, so a failure comes again. The domain's own decoders: `core/tests/decoders.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::http::{HeaderValue, Method};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use support::{ALLERGIES, Place, Scene, done};
use wardkey_core::http_signature::parse;
use wardkey_gateway::bench::stage::{Ask, Reply, sign};
use wardkey_gateway::description::ALL;

/// Values of a strategy, the same ones in every run.
struct Dice(TestRunner);

impl Dice {
    fn new() -> Self {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        Self(TestRunner::new_with_rng(
            Config {
                failure_persistence: None,
                ..Config::default()
            },
            rng,
        ))
    }

    fn throw<T: std::fmt::Debug>(&mut self, strategy: &impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.0).unwrap().current()
    }
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        Just(json!(1e300)),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9a-f]{64}".prop_map(Value::from),
        "04[0-9a-f]{128}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[[[]]]]])),
    ]
}

/// Paths to every value inside.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, inner)| places(inner, &format!("{here}/{name}"), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(n, inner)| places(inner, &format!("{here}/{n}"), found)),
        _ => {}
    }
    found.push(here.to_owned());
}

/// A value with one place replaced; that place.
fn altered(good: &Value, dice: &mut Dice) -> (Value, String) {
    let mut all = Vec::new();
    places(good, "", &mut all);
    let place = all[dice.throw(&(0..all.len()))].clone();
    let mut bad = good.clone();
    *bad.pointer_mut(&place).unwrap() = dice.throw(&odd());
    (bad, place)
}

#[track_caller]
fn answered(reply: &Reply, sent: &str) {
    let status = reply.status.as_u16();
    assert!(status < 500, "{status} {} for {sent}", reply.code());
}

/// Good bodies with their addresses, unsigned: an action, a session, a device request, a request to unblock.
async fn public_bodies(scene: &Scene) -> Vec<(&'static str, Value)> {
    let revoked = scene
        .patient
        .document(&scene.stage, &scene.harbour, support::terms(scene.place.now()))
        .unwrap();
    let action = scene.patient.body(&scene.stage, &scene.harbour, &revoked).unwrap()["action"].clone();
    let challenge = done(
        &scene
            .stage
            .ask(Ask::post("/v1/challenges", &Value::Null))
            .await
            .unwrap(),
    );
    let challenge = serde_json::from_value(challenge["challenge"].clone()).unwrap();
    let request = scene.doctor.answer(&scene.stage, challenge).unwrap();
    let unblock = json!({
        "institution": scene.harbour.id, "device": scene.doctor.certificate.device_id(), "card": "1", "terminal": "t",
        "key": scene.doctor.agreement.public(), "time": scene.place.now(),
    });
    vec![
        ("/v1/actions", action),
        ("/v1/sessions", serde_json::to_value(&scene.session.delegation).unwrap()),
        ("/v1/device-requests", serde_json::to_value(&request).unwrap()),
        ("/v1/unblocks", unblock),
    ]
}

#[tokio::test]
async fn altered_bodies_are_answered_and_not_done() {
    let scene = Scene::set().await;
    let mut dice = Dice::new();
    for (target, good) in public_bodies(&scene).await {
        for _ in 0..300 {
            let (bad, place) = altered(&good, &mut dice);
            let reply = scene.stage.ask(Ask::post(target, &bad)).await.unwrap();
            answered(&reply, &format!("{target} {place} {bad}"));
            let signed = target != "/v1/unblocks";
            let same = bad == good || reply.status == 200 && place.is_empty();
            assert!(!signed || same || reply.status != 200, "{target} took {place}: {bad}");
        }
    }
}

#[tokio::test]
async fn altered_bodies_of_patients_and_cards_are_answered_and_not_done() {
    let scene = Scene::set().await;
    let mut dice = Dice::new();
    let given = scene
        .patient
        .document(&scene.stage, &scene.harbour, support::terms(scene.place.now()))
        .unwrap();
    let grant = scene.patient.body(&scene.stage, &scene.harbour, &given).unwrap();
    let keys = serde_json::to_value(scene.patient.list(&scene.stage).unwrap()).unwrap();
    let records = json!({ "records": [scene.record(ALLERGIES, "x")] });
    for _ in 0..300 {
        let (bad, place) = altered(&grant, &mut dice);
        let reply = scene
            .stage
            .signed(scene.patient.signer(), Ask::post("/v1/grants", &bad))
            .await
            .unwrap();
        answered(&reply, &bad.to_string());
        // Label and wraps are the patient's to choose: they are sealed, and nothing here can open them.
        let free = place.starts_with("/label") || place.starts_with("/sectionKeys");
        assert!(free || bad == grant || reply.status != 200, "took {place}: {bad}");

        let (bad, place) = altered(&keys, &mut dice);
        let target = format!("/v1/patients/{}/section-keys", scene.patient.id);
        let reply = scene
            .stage
            .signed(scene.patient.signer(), Ask::put(target, &bad))
            .await
            .unwrap();
        answered(&reply, &bad.to_string());
        assert!(bad == keys || reply.status != 200, "took {place}: {bad}");

        let (bad, place) = altered(&records, &mut dice);
        let ask = Ask::post(scene.records(), &bad).under(scene.given.commitment, "why");
        let reply = scene.stage.signed(scene.session.signer(), ask).await.unwrap();
        answered(&reply, &bad.to_string());
        assert!(bad == records || reply.status != 200, "took {place}: {bad}");
    }
}

#[tokio::test]
async fn arbitrary_bytes_are_answered_everywhere() {
    let place = Place::new();
    let mut dice = Dice::new();
    let bytes = proptest::collection::vec(any::<u8>(), 0..200);
    for operation in ALL.iter().filter(|operation| operation.id != "events") {
        for _ in 0..25 {
            let part = dice.throw(&"([0-9a-f]{64}|[0-9]{1,30}|[a-z%.]{0,20})");
            let mut path = String::new();
            for piece in operation.path.split('/').skip(1) {
                path = path + "/" + if piece.starts_with('{') { &part } else { piece };
            }
            let query = dice.throw(&"[a-z]{0,8}=[0-9a-f,%&=]{0,40}");
            let ask = Ask {
                method: Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap(),
                body: Some(dice.throw(&bytes)),
                ..Ask::get(format!("{path}?{query}"))
            };
            if ask.target.parse::<axum::http::Uri>().is_ok() {
                answered(&place.stage.ask(ask).await.unwrap(), &path);
            }
        }
    }
}

#[tokio::test]
async fn altered_signature_headers_let_nobody_in() {
    let scene = Scene::set().await;
    let mut dice = Dice::new();
    let names = [
        "signature-input",
        "signature",
        "content-digest",
        "wardkey-permission",
        "wardkey-reason",
    ];
    for n in 0..600 {
        let ask = Ask::post(scene.records(), &json!({ "records": [] })).under(scene.given.commitment, "why");
        let mut signed = sign(&ask, scene.session.signer(), scene.place.now(), &format!("nonce-{n}")).unwrap();
        let name = names[dice.throw(&(0..names.len()))];
        let input = signed.request.headers()["signature-input"].to_str().unwrap().to_owned();
        let good = signed.request.headers()[name].as_bytes().to_vec();
        let mut bad = good.clone();
        let at = dice.throw(&(0..bad.len()));
        bad[at] = dice.throw(&(32u8..127));
        let Ok(value) = HeaderValue::from_bytes(&bad) else {
            continue;
        };
        signed.request.headers_mut().insert(name, value);
        let answer = tower::ServiceExt::oneshot(scene.stage.app.clone(), signed.request)
            .await
            .unwrap();
        let status = answer.status().as_u16();
        assert!(status < 500);
        // Past the signature, a request without records is refused with 400 `records-none`.
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let code = serde_json::from_slice::<Value>(&body).unwrap()["code"]
            .as_str()
            .unwrap()
            .to_owned();
        // Base64 has several spellings of the same bytes: what counts is what was read.
        let same = |text: &[u8]| match name {
            "signature" => {
                parse(&input, &String::from_utf8_lossy(text)).is_ok_and(|read| read.signature == signed.signature)
            }
            _ => String::from_utf8_lossy(text).trim() == String::from_utf8_lossy(&good).trim(),
        };
        let harmless = same(&bad);
        assert!(
            harmless || code != "records-none",
            "{name}: {}",
            String::from_utf8_lossy(&bad)
        );
    }
}
