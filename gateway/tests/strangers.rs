//! What strangers with keys of their own making can take from an honest gateway: no room, no time, no names.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::http::StatusCode;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::process::Process;
use support::{ALLERGIES, Place, RESULTS, Scene, done, refused, terms};
use tower::ServiceExt as _;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::DeviceId;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;
use wardkey_gateway::bench::actors::{Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::{Ask, Reply, sign};

fn count(place: &Place, table: &str) -> u64 {
    place
        .store()
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        .unwrap()
}

fn blocks(place: &Place) -> u64 {
    place.stage.gateway.ledger.chain().head().unwrap().number
}

async fn post_grant(scene: &Scene, body: &Value) -> Reply {
    let ask = Ask::post("/v1/grants", body);
    scene.stage.signed(scene.patient.signer(), ask).await.unwrap()
}

/// A grant of the patient's that was not sent yet.
fn new_grant(scene: &Scene) -> Value {
    let given = scene
        .patient
        .document(&scene.stage, &scene.harbour, terms(scene.place.now()))
        .unwrap();
    scene.patient.body(&scene.stage, &scene.harbour, &given).unwrap()
}

#[tokio::test]
async fn a_grant_whose_action_does_not_hold_is_not_kept() {
    let scene = Scene::set().await;
    let before = count(&scene.place, "grants");
    let mut body = new_grant(&scene);
    body["action"]["signatures"][0] = json!(format!("{:0128}", 1));
    refused(&post_grant(&scene, &body).await, 403, "action-bad-signature");
    assert_eq!(count(&scene.place, "grants"), before);
}

#[tokio::test]
async fn a_grant_carries_each_key_once_and_a_short_label() {
    let scene = Scene::set().await;
    let before = count(&scene.place, "grants");
    let good = new_grant(&scene);
    let mut twice = good.clone();
    let first = twice["sectionKeys"][0].clone();
    twice["sectionKeys"].as_array_mut().unwrap().push(first);
    let mut epoch = good.clone();
    epoch["sectionKeys"][0]["epoch"] = json!(7);
    let mut long = good.clone();
    long["sectionKeys"][0]["ct"] = json!("A".repeat(4000));
    for body in [twice, epoch, long] {
        refused(&post_grant(&scene, &body).await, 400, "grant-incomplete");
    }
    let mut label = good.clone();
    label["label"]["ct"] = json!("A".repeat(4000));
    refused(&post_grant(&scene, &label).await, 400, "grant-label");
    assert_eq!(count(&scene.place, "grants"), before);
    done(&post_grant(&scene, &good).await);
    assert_eq!(count(&scene.place, "grants"), before + 1);
}

#[tokio::test]
async fn a_grant_that_the_chain_does_not_know_is_not_loaded() {
    let scene = Scene::set().await;
    scene
        .place
        .store()
        .execute(
            "INSERT INTO grants (commitment, patient, institution, document) VALUES (?1, ?2, ?3, 'no document')",
            rusqlite::params![[7u8; 32], scene.patient.id.0, scene.harbour.id.0],
        )
        .unwrap();
    let ask = Ask::get("/v1/grants");
    let list = done(&scene.stage.signed(scene.session.signer(), ask).await.unwrap());
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_of_section_keys_has_a_bound() {
    let scene = Scene::set().await;
    let mut list = serde_json::to_value(scene.patient.list(&scene.stage).unwrap()).unwrap();
    let key = list["keys"][0].clone();
    for epoch in 1..600 {
        let mut next = key.clone();
        next["epoch"] = json!(epoch);
        list["keys"].as_array_mut().unwrap().push(next);
    }
    let target = format!("/v1/patients/{}/section-keys", scene.patient.id);
    let ask = Ask::put(target, &list);
    let reply = scene.stage.signed(scene.patient.signer(), ask).await.unwrap();
    refused(&reply, 400, "section-keys-odd");
}

/// A body of two megabytes.
fn large() -> Value {
    json!({ "records": [], "more": "x".repeat(2 * 1024 * 1024) })
}

#[tokio::test]
async fn only_a_card_that_may_write_sends_much() {
    let scene = Scene::set().await;
    let stranger = Patient::begin(&scene.stage).await.unwrap();
    let target = format!("/v1/patients/{}/records", stranger.id);
    let ask = Ask::post(target, &large()).under(scene.given.commitment, "");
    refused(
        &scene.stage.signed(stranger.signer(), ask.clone()).await.unwrap(),
        403,
        "wrong-signer",
    );
    refused(
        &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
        403,
        "grant-wrong-patient",
    );
    let bare = Ask::post(scene.records(), &large());
    refused(
        &scene.stage.signed(scene.session.signer(), bare).await.unwrap(),
        400,
        "permission-missing",
    );
    let reading = Terms {
        read: 1 << RESULTS,
        write: 0,
        ..terms(scene.place.now())
    };
    let reading = scene
        .patient
        .grant(&scene.stage, &scene.harbour, reading)
        .await
        .unwrap();
    let ask = Ask::post(scene.records(), &large()).under(reading.commitment, "");
    refused(
        &scene.stage.signed(scene.session.signer(), ask).await.unwrap(),
        403,
        "section-not-granted",
    );
    let many = "y".repeat(2 * 1024 * 1024);
    done(&scene.write(&[scene.record(ALLERGIES, &many)]).await);
}

/// `RevokeDevice` of the hospital's, for any device and deadline.
fn revocation(scene: &Scene, device: DeviceId, deadline: u64) -> SignedAction {
    let action: Action = structs::RevokeDevice {
        institution: scene.harbour.id.0.into(),
        device: device.0.into(),
        deadline,
    }
    .into();
    let preimage = action.preimage(scene.stage.gateway.domain());
    let signature = scene.harbour.master.sign(&preimage).unwrap();
    SignedAction::one(action, signature)
}

#[tokio::test]
async fn one_signature_makes_one_block_whatever_hangs_on_it() {
    let scene = Scene::set().await;
    let device = scene.doctor.certificate.device_id();
    let action = revocation(&scene, device, scene.place.now() + 600);
    done(&scene.stage.submit(&action).await.unwrap());
    let before = blocks(&scene.place);
    done(&scene.stage.submit(&action).await.unwrap());
    let mut junk = action.clone();
    junk.keys = vec![SoftKey::generate().unwrap().public()];
    refused(&scene.stage.submit(&junk).await.unwrap(), 400, "action-malformed");
    assert!(scene.stage.gateway.ledger.chain().submit(&junk).is_err());
    assert_eq!(blocks(&scene.place), before);
}

#[tokio::test]
async fn a_revocation_is_free_once_and_never_fails_for_another_actions_sake() {
    let scene = Scene::in_place(Place::with("[limits]\nactions_per_institution = 2\n")).await;
    let (device, now) = (scene.doctor.certificate.device_id(), scene.place.now());
    // The institution has used up what it may ask for; revoking goes on.
    let second = scene.harbour.card(&scene.stage, "Dr. B", 3).await.unwrap();
    assert!(scene.harbour.card(&scene.stage, "Dr. C", 3).await.is_err());
    for card in [device, second.certificate.device_id()] {
        done(&scene.stage.submit(&revocation(&scene, card, now + 600)).await.unwrap());
    }
    // Repetitions and cards that were never approved are counted, apart.
    for (n, unknown) in [(1, device), (2, DeviceId([9; 32]))] {
        let action = revocation(&scene, unknown, now + 600 + n);
        done(&scene.stage.submit(&action).await.unwrap());
    }
    let third = revocation(&scene, device, now + 700);
    refused(&scene.stage.submit(&third).await.unwrap(), 429, "quota-used");
}

#[tokio::test]
async fn a_session_key_stays_with_the_card_that_opened_it() {
    let scene = Scene::set().await;
    let thief = scene.harbour.card(&scene.stage, "Dr. Thief", 3).await.unwrap();
    let mut stolen = scene.session.delegation.clone();
    stolen.delegation.principal = thief.device.public().id();
    stolen.key = thief.device.public();
    let typed = stolen.delegation.typed();
    stolen.signature = scene.stage.gateway.domain().sign(&thief.device, &typed).unwrap();
    let post = |delegation| Ask::post("/v1/sessions", &serde_json::to_value(delegation).unwrap());
    refused(&scene.stage.ask(post(&stolen)).await.unwrap(), 409, "session-taken");
    done(&scene.stage.ask(post(&scene.session.delegation)).await.unwrap());
    done(&scene.read("2").await);
}

#[tokio::test]
async fn a_log_line_beyond_counting_is_refused() {
    let scene = Scene::set().await;
    let log = format!("/v1/patients/{}/log?from=", scene.patient.id);
    let ask = Ask::get(format!("{log}9223372036854775808"));
    let reply = scene.stage.signed(scene.patient.signer(), ask).await.unwrap();
    refused(&reply, 400, "query-malformed");
    let ask = Ask::get(format!("{log}9223372036854775807"));
    done(&scene.stage.signed(scene.patient.signer(), ask).await.unwrap());
}

#[tokio::test]
async fn every_answer_says_that_its_type_is_not_to_be_guessed() {
    let place = Place::new();
    let hospital = Hospital::register(&place.stage, "Harbour Hospital").await.unwrap();
    let institution = format!("/v1/institutions/{}", hospital.id);
    for target in ["/v1/network", &institution, "/v1/nothing", "/v1/grants", "/"] {
        let reply = place.stage.ask(Ask::get(target)).await.unwrap();
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{target}");
        assert!(!reply.headers.contains_key("strict-transport-security"), "{target}");
    }
    let place = Place::with("[tls]\ncertificate = \"a\"\nkey = \"b\"\n");
    let reply = place.stage.ask(Ask::get("/v1/network")).await.unwrap();
    assert_eq!(reply.headers["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn a_request_from_the_future_is_not_accepted_again_after_a_restart() {
    let scene = Scene::set().await;
    let created = scene.place.now() + 50;
    let request = || sign(&scene.ask_read("2"), scene.session.signer(), created, "early").unwrap();
    let again = request();
    done(&scene.stage.send(request()).await.unwrap());
    let Scene { place, stage, .. } = scene;
    let folder = place.folder;
    drop((stage, place.stage, place.wire));
    let (stage, _wire) = support::open(folder.path(), "", std::sync::Arc::default());
    refused(&stage.send(again).await.unwrap(), 401, "request-before-start");
}

#[tokio::test]
async fn a_session_has_few_event_streams_at_once() {
    let scene = Scene::set().await;
    let listen = || async {
        let nonce = wardkey_gateway::random::bytes::<8>().map(hex::encode).unwrap();
        let ask = Ask::get("/v1/events");
        let signed = sign(&ask, scene.session.signer(), scene.place.now(), &nonce).unwrap();
        scene.stage.app.clone().oneshot(signed.request).await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..8 {
        let stream = listen().await;
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    assert_eq!(listen().await.status(), StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    assert_eq!(listen().await.status(), StatusCode::OK);
}

fn connect(gateway: &Process) -> TcpStream {
    let address = gateway.url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Whether the other side closes within 20 seconds. What it says before does not count.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn half_sent_headers_and_silent_connections_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Process::start(folder.path(), &[]);
    let start = Instant::now();
    let sent = [
        "",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "GET /v1/network HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /v1/network HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let mut streams = Vec::new();
    for text in sent {
        let mut stream = connect(&gateway);
        stream.write_all(text.as_bytes()).unwrap();
        streams.push((text, stream));
    }
    for (text, stream) in &mut streams {
        assert!(is_closed(stream), "{text:?}");
    }
    assert!(start.elapsed() > Duration::from_secs(8), "patience for slow lines");
    assert!(start.elapsed() < Duration::from_secs(16), "{:?}", start.elapsed());
}

#[test]
fn connections_from_one_address_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("gateway.toml");
    std::fs::write(&settings, "[limits]\nconnections_per_address = 3\n").unwrap();
    let settings = settings.display().to_string();
    let gateway = Process::start(&folder.path().join("data"), &["--config", &settings]);
    let answers = |stream: &mut TcpStream| {
        let sent = stream.write_all(b"GET /v1/network HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut first = [0; 12];
        sent.and_then(|()| stream.read_exact(&mut first)).is_ok() && first == *b"HTTP/1.1 200"
    };
    let mut open: Vec<_> = (0..3).map(|_| connect(&gateway)).collect();
    assert!(open.iter_mut().all(answers));
    assert!(!answers(&mut connect(&gateway)));
    open.pop();
    let start = Instant::now();
    while !answers(&mut connect(&gateway)) {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "a closed connection makes room"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
