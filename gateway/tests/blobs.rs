//! Large documents: written and read under a grant, logged, streamed; in a folder and in a bucket.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use reqwest::Client;
use serde_json::Value;
use support::process::Process;
use support::{PROCEDURES, Place, RESULTS, Scene, done, refused};
use wardkey_core::blob::{BlobKey, BlobReference, CHUNK, Opener, Place as At, Sealer, TAG};
use wardkey_core::id::BlobId;
use wardkey_core::log::{Receipt, verify_inclusion};
use wardkey_gateway::bench::stage::{Ask, Reply, Signer, sign};

const SECTION: u8 = support::ALLERGIES;

/// Seals a document of so many bytes for the scene's patient.
fn sealed(scene: &Scene, section: u8, bytes: usize, key: u8) -> (BlobReference, Vec<u8>) {
    let key = BlobKey::new([key; 32]);
    let place = At {
        domain: scene.stage.gateway.domain(),
        patient: scene.patient.id,
        section,
    };
    let (mut sealer, mut out) = (Sealer::new(&key, &place).unwrap(), Vec::new());
    let plain = vec![b'x'; bytes];
    let chunks: Vec<&[u8]> = plain.chunks(CHUNK).collect();
    for (n, chunk) in chunks.iter().enumerate() {
        let mut chunk = chunk.to_vec();
        sealer.chunk(&mut chunk, n + 1 == chunks.len()).unwrap();
        out.extend(chunk);
    }
    (BlobReference { id: sealer.id(), key }, out)
}

fn opened(scene: &Scene, reference: &BlobReference, bytes: &[u8]) -> usize {
    let place = At {
        domain: scene.stage.gateway.domain(),
        patient: scene.patient.id,
        section: SECTION,
    };
    let mut opener = Opener::new(&reference.key, &place).unwrap();
    let chunks: Vec<&[u8]> = bytes.chunks(CHUNK + TAG).collect();
    let mut size = 0;
    for (n, chunk) in chunks.iter().enumerate() {
        let mut chunk = chunk.to_vec();
        opener.chunk(&mut chunk, n + 1 == chunks.len()).unwrap();
        assert!(chunk.iter().all(|byte| *byte == b'x'));
        size += chunk.len();
    }
    opener.end().unwrap();
    size
}

fn ask_put(scene: &Scene, section: u8, blob: &BlobId, bytes: Vec<u8>) -> Ask<'static> {
    let mut ask = Ask::put(
        format!("/v1/patients/{}/sections/{section}/blobs/{blob}", scene.patient.id),
        &Value::Null,
    );
    ask.body = Some(bytes);
    ask.under(scene.given.commitment, "Scanned letter")
}

fn ask_reading(scene: &Scene, blob: &BlobId) -> Ask<'static> {
    let target = format!("/v1/patients/{}/blobs/{blob}/readings", scene.patient.id);
    let ask = Ask {
        body: None,
        ..Ask::post(target, &Value::Null)
    };
    ask.under(scene.given.commitment, "Treatment")
}

fn ask_fetch(scene: &Scene, blob: &BlobId, ticket: &str) -> Ask<'static> {
    let target = format!("/v1/patients/{}/blobs/{blob}?ticket={ticket}", scene.patient.id);
    Ask::get(target).under(scene.given.commitment, "Treatment")
}

async fn as_doctor(scene: &Scene, ask: Ask<'static>) -> Reply {
    scene.stage.signed(scene.session.signer(), ask).await.unwrap()
}

async fn ticket(scene: &Scene, signer: Signer<'_>, blob: &BlobId) -> String {
    let reading = done(&scene.stage.signed(signer, ask_reading(scene, blob)).await.unwrap());
    let line = &reading["log"][0];
    let receipt: Receipt = serde_json::from_value(line["receipt"].clone()).unwrap();
    let gateway = &scene.stage.gateway;
    receipt
        .verify(gateway.domain(), &gateway.scribe.key().public())
        .unwrap();
    let path: Vec<_> = serde_json::from_value(line["path"].clone()).unwrap();
    let root = serde_json::from_value(line["root"].clone()).unwrap();
    verify_inclusion(
        line["size"].as_u64().unwrap(),
        &root,
        receipt.index,
        &receipt.leaf,
        &path,
    )
    .unwrap();
    reading["ticket"].as_str().unwrap().to_owned()
}

async fn travels(scene: &Scene) {
    let (reference, bytes) = sealed(scene, SECTION, 20_000_000, 1);
    let kept = done(&as_doctor(scene, ask_put(scene, SECTION, &reference.id, bytes.clone())).await);
    let again = done(&as_doctor(scene, ask_put(scene, SECTION, &reference.id, bytes.clone())).await);
    assert_eq!(kept, again, "the same blob again is the first one");
    for signer in [scene.session.signer(), scene.patient.signer()] {
        let ticket = ticket(scene, signer, &reference.id).await;
        let fetched = scene
            .stage
            .signed(signer, ask_fetch(scene, &reference.id, &ticket))
            .await
            .unwrap();
        assert_eq!(fetched.status, 200);
        assert!(fetched.body == bytes, "other bytes");
        assert_eq!(opened(scene, &reference, &fetched.body), 20_000_000);
    }
    let log = scene.log().await;
    assert_eq!(
        log["entries"].as_array().unwrap().len(),
        3,
        "a writing and two readings"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_travels_through_a_folder() {
    travels(&Scene::set().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_travels_through_a_bucket() {
    let bucket = support::s3::Bucket::start().await;
    let scene = Scene::in_place(Place::with(&bucket.settings())).await;
    travels(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_its_name_says_is_not_kept() {
    let scene = Scene::in_place(Place::with("[limits]\nblob_megabytes = 1\n")).await;
    let (reference, bytes) = sealed(&scene, SECTION, 100_000, 1);
    let put = |bytes: Vec<u8>| {
        let signed = sign(
            &ask_put(&scene, SECTION, &reference.id, bytes),
            scene.session.signer(),
            scene.place.now(),
            &hex(&wardkey_gateway::random::bytes::<16>().unwrap()),
        );
        signed.unwrap()
    };
    let refusal = scene.stage.send(put(b"another".to_vec())).await.unwrap();
    refused(&refusal, 401, "http-signature-incomplete");
    let mut altered = put(bytes.clone());
    *altered.request.body_mut() = axum::body::Body::from(vec![0; bytes.len()]);
    refused(&scene.stage.send(altered).await.unwrap(), 400, "blob-digest");
    let (large, too_many) = sealed(&scene, SECTION, 1_100_000, 2);
    let refusal = as_doctor(&scene, ask_put(&scene, SECTION, &large.id, too_many)).await;
    refused(&refusal, 413, "body-too-large");
    for blob in [&reference.id, &large.id] {
        refused(&as_doctor(&scene, ask_reading(&scene, blob)).await, 404, "blob-unknown");
        let file = wardkey_gateway::blobs::place(blob).to_string();
        assert!(!scene.place.folder.path().join("objects").join(file).exists());
    }
    done(&as_doctor(&scene, ask_put(&scene, SECTION, &reference.id, bytes)).await);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whom_the_grant_lets_write_and_read() {
    let scene = Scene::set().await;
    for section in [PROCEDURES, RESULTS] {
        let (reference, bytes) = sealed(&scene, section, 10, section);
        let refusal = as_doctor(&scene, ask_put(&scene, section, &reference.id, bytes)).await;
        refused(&refusal, 403, "section-not-granted");
    }
    let (reference, bytes) = sealed(&scene, SECTION, 10, 1);
    let blob = reference.id;
    let by_patient = scene
        .stage
        .signed(scene.patient.signer(), ask_put(&scene, SECTION, &blob, bytes.clone()))
        .await;
    refused(&by_patient.unwrap(), 403, "wrong-signer");
    done(&as_doctor(&scene, ask_put(&scene, SECTION, &blob, bytes.clone())).await);
    let elsewhere = as_doctor(&scene, ask_put(&scene, support::MEDICATIONS, &blob, bytes)).await;
    refused(&elsewhere, 409, "record-conflict");

    refused(
        &as_doctor(&scene, ask_fetch(&scene, &blob, "00")).await,
        403,
        "blob-ticket",
    );
    let old = ticket(&scene, scene.session.signer(), &blob).await;
    let stolen = scene
        .stage
        .signed(scene.patient.signer(), ask_fetch(&scene, &blob, &old))
        .await
        .unwrap();
    refused(&stolen, 403, "blob-ticket");
    scene.place.later(121);
    refused(
        &as_doctor(&scene, ask_fetch(&scene, &blob, &old)).await,
        403,
        "blob-ticket",
    );
    let fresh = ticket(&scene, scene.session.signer(), &blob).await;
    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    refused(
        &as_doctor(&scene, ask_fetch(&scene, &blob, &fresh)).await,
        403,
        "grant-revoked",
    );
    refused(
        &as_doctor(&scene, ask_reading(&scene, &blob)).await,
        403,
        "grant-revoked",
    );
}

/// Memory of a process at its highest, KiB.
fn highest(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_pass_through_without_being_held() {
    let scene = Scene::set().await;
    let (reference, bytes) = sealed(&scene, SECTION, 100 * 1024 * 1024, 3);
    let (put, session, given, patient) = (
        ask_put(&scene, SECTION, &reference.id, bytes.clone()),
        scene.session,
        scene.given.commitment,
        scene.patient.id,
    );
    drop(scene.stage);
    let folder = scene.place.stop();
    let process = Process::start(folder.path(), &[]);
    let _first = rustls::crypto::ring::default_provider().install_default();
    let client = Client::new();
    let send = async |ask: &Ask<'_>| {
        let nonce = hex(&wardkey_gateway::random::bytes::<16>().unwrap());
        let signed = sign(ask, session.signer(), support::system_now(), &nonce)
            .unwrap()
            .request;
        let (parts, body) = signed.into_parts();
        let url = format!("{}{}", process.url, parts.uri);
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let answer = client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body)
            .send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    };
    let before = highest(&process);
    send(&put).await;
    let target = format!("/v1/patients/{patient}/blobs/{}", reference.id);
    let reading = Ask {
        body: None,
        ..Ask::post(format!("{target}/readings"), &Value::Null)
    };
    let reading: Value = serde_json::from_slice(&send(&reading.under(given, "Treatment")).await).unwrap();
    let ticket = reading["ticket"].as_str().unwrap();
    let fetch = Ask::get(format!("{target}?ticket={ticket}")).under(given, "Treatment");
    assert!(send(&fetch).await == bytes, "other bytes");
    let grown = highest(&process).saturating_sub(before);
    assert!(grown < 60 * 1024, "the gateway's memory grew by {grown} KiB");
}
