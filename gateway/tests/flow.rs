//! The whole flow, as clients see it: write, read, log, checkpoint, revoke.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::Value;
use support::{ALLERGIES, RESULTS, Scene, done, refused};
use wardkey_core::hpke::{Sealed, open};
use wardkey_core::id::Digest;
use wardkey_core::log::{Deed, LogEvent, Receipt, verify_inclusion};
use wardkey_core::record::Record;
use wardkey_gateway::bench::stage::Ask;

#[tokio::test]
async fn what_one_writes_another_reads_and_the_patient_sees() {
    let scene = Scene::set().await;
    let (domain, gateway) = (*scene.stage.gateway.domain(), scene.stage.gateway.scribe.key().public());
    let record = scene.record(ALLERGIES, "penicillin");
    let written = done(&scene.write(std::slice::from_ref(&record)).await);
    let receipt: Receipt = serde_json::from_value(written["receipts"][0].clone()).unwrap();
    receipt.verify(&domain, &gateway).unwrap();
    assert_eq!(written["receipts"][0]["record"], record.header.record.to_string());

    let read = done(&scene.read("2,5").await);
    let records: Vec<Record> = serde_json::from_value(read["records"].clone()).unwrap();
    assert_eq!(records, [record]);
    records[0].verify(&domain, None).unwrap();
    let plain = records[0]
        .open(&domain, scene.patient.section(ALLERGIES).unwrap())
        .unwrap();
    assert_eq!(plain.as_slice(), b"penicillin");
    let log = read["log"].as_array().unwrap();
    assert_eq!(
        log.iter().map(|l| l["section"].as_u64().unwrap()).collect::<Vec<_>>(),
        [u64::from(ALLERGIES), u64::from(RESULTS)]
    );
    for line in log {
        included(line, line["size"].as_u64().unwrap(), &line["root"], &line["path"]);
        serde_json::from_value::<Receipt>(line["receipt"].clone())
            .unwrap()
            .verify(&domain, &gateway)
            .unwrap();
    }

    scene
        .stage
        .gateway
        .blocking(|g| g.publish_checkpoint())
        .await
        .unwrap()
        .unwrap();
    let log = scene.log().await;
    let events = open_log(&scene, &log);
    let deeds: Vec<_> = events
        .iter()
        .map(|e| (e.action, e.section, e.reason.as_str()))
        .collect();
    let why = "Emergency, patient unconscious";
    assert_eq!(
        deeds,
        [
            (Deed::Write, ALLERGIES, "Treatment"),
            (Deed::Read, ALLERGIES, why),
            (Deed::Read, RESULTS, why)
        ]
    );
    assert!(
        events
            .iter()
            .all(|e| e.device == scene.doctor.certificate.device_id() && e.institution == scene.harbour.id)
    );
    for entry in log["entries"].as_array().unwrap() {
        included(
            entry,
            log["checkpoint"]["size"].as_u64().unwrap(),
            &log["checkpoint"]["root"],
            &entry["path"],
        );
    }
    let on_chain = done(&scene.stage.ask(Ask::get("/v1/checkpoints/latest")).await.unwrap());
    assert_eq!(
        (&on_chain["size"], &on_chain["root"]),
        (&log["checkpoint"]["size"], &log["checkpoint"]["root"])
    );

    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    refused(&scene.read("2").await, 403, "grant-revoked");
    let own = Ask::get(format!("{}?sections=2,3", scene.records()));
    let own = done(&scene.stage.signed(scene.patient.signer(), own).await.unwrap());
    assert_eq!(own["records"].as_array().unwrap().len(), 1);
    assert_eq!(
        own["log"].as_array().unwrap().len(),
        1,
        "an empty section is not logged for the patient"
    );
    let last = open_log(&scene, &scene.log().await).pop().unwrap();
    assert_eq!((last.device.0, last.institution.0), ([0; 32], [0; 32]));
}

fn included(line: &Value, size: u64, root: &Value, path: &Value) {
    let (leaf, root): (Digest, Digest) = (parse(&line["leaf"]), parse(root));
    let path: Vec<Digest> = serde_json::from_value(path.clone()).unwrap();
    verify_inclusion(size, &root, line["index"].as_u64().unwrap(), &leaf, &path).unwrap();
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// What the patient's page does: opens each event, compares its leaf, and follows the chain of events.
fn open_log(scene: &Scene, log: &Value) -> Vec<LogEvent> {
    let (key, domain) = (scene.patient.section(31).unwrap(), scene.stage.gateway.domain());
    let mut previous = Digest::default();
    let mut out = Vec::new();
    for (sequence, entry) in log["entries"].as_array().unwrap().iter().enumerate() {
        let (sealed, leaf): (Sealed, Digest) = (parse(entry), parse(&entry["leaf"]));
        let aad = LogEvent::aad(&scene.patient.id, &leaf);
        let event: LogEvent =
            serde_json::from_slice(&open(key, &LogEvent::context(domain, &aad), &sealed).unwrap()).unwrap();
        assert_eq!(
            (event.sequence, event.previous, event.leaf()),
            (sequence as u64, previous, leaf)
        );
        previous = leaf;
        out.push(event);
    }
    out
}

#[tokio::test]
async fn a_line_removed_from_the_log_is_missed_by_the_patient() {
    let scene = Scene::set().await;
    for _ in 0..3 {
        done(&scene.read("2").await);
    }
    scene.place.alter("DELETE FROM log WHERE sequence = 1");
    let log = scene.log().await;
    let sequences: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [0, 2], "the gap is there to be seen");
    // Renumbering does not help: the next event names the one before it.
    scene.place.alter("UPDATE log SET sequence = 1 WHERE sequence = 2");
    let log = scene.log().await;
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_log(&scene, &log))).is_err());
}

#[tokio::test]
async fn network_institutions_and_devices_are_public() {
    let scene = Scene::set().await;
    let network = done(&scene.stage.ask(Ask::get("/v1/network")).await.unwrap());
    assert_eq!(network["contract"].as_str().unwrap().len(), 40);
    assert_eq!(
        network["gateway"],
        scene.stage.gateway.scribe.key().public().to_string()
    );
    assert!(network["head"]["number"].as_u64().unwrap() > 3 && network["chainId"] == 7077);
    let all = done(&scene.stage.ask(Ask::get("/v1/institutions")).await.unwrap());
    assert_eq!(
        all.as_array()
            .unwrap()
            .iter()
            .map(|i| i["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["Harbour Hospital", "Summit Clinic"]
    );
    let one = done(
        &scene
            .stage
            .ask(Ask::get(format!("/v1/institutions/{}", scene.harbour.id)))
            .await
            .unwrap(),
    );
    assert_eq!(
        (
            one["status"].as_str(),
            one["nonce"].as_u64(),
            one["agreement"]["epoch"].as_u64()
        ),
        (Some("accredited"), Some(0), Some(1))
    );
    let id = scene.doctor.certificate.device_id();
    let device = done(&scene.stage.ask(Ask::get(format!("/v1/devices/{id}"))).await.unwrap());
    assert_eq!(
        (device["status"].as_str(), device["rights"].as_u64()),
        (Some("active"), Some(3))
    );
    let certificate = done(
        &scene
            .stage
            .ask(Ask::get(format!("/v1/devices/{id}/certificate")))
            .await
            .unwrap(),
    );
    let certificate: wardkey_core::device::DeviceCertificate = parse(&certificate);
    assert_eq!(certificate.digest().to_string(), device["certificate"]);
    let zero = "00".repeat(32);
    for (target, code) in [
        (format!("/v1/institutions/{zero}"), "institution-unknown"),
        (format!("/v1/devices/{zero}"), "device-unknown"),
        ("/v1/checkpoints/latest".to_owned(), "checkpoint-none"),
        ("/v1/nowhere".to_owned(), "not-found"),
    ] {
        refused(&scene.stage.ask(Ask::get(target)).await.unwrap(), 404, code);
    }
    refused(
        &scene.stage.ask(Ask::get("/v1/institutions/xyz")).await.unwrap(),
        400,
        "query-malformed",
    );
}

#[tokio::test]
async fn both_sides_see_the_grant_and_its_state() {
    let scene = Scene::set().await;
    let line = |state: &'static str| {
        let scene = &scene;
        async move {
            let received = done(
                &scene
                    .stage
                    .signed(scene.session.signer(), Ask::get("/v1/grants"))
                    .await
                    .unwrap(),
            );
            let ask = Ask::get(format!("/v1/patients/{}/grants", scene.patient.id));
            let given = done(&scene.stage.signed(scene.patient.signer(), ask).await.unwrap());
            for list in [&received, &given] {
                assert_eq!(list[0]["commitment"], scene.given.commitment.to_string());
                assert_eq!(list[0]["state"], state);
                assert_eq!(list[0]["document"], hex::encode(scene.given.document.canonical()));
            }
            assert_eq!(received[0]["sectionKeys"].as_array().unwrap().len(), 18);
        }
    };
    line("live").await;
    let keys = Ask::get(format!("/v1/patients/{}/section-keys", scene.patient.id)).under(scene.given.commitment, "");
    let keys = done(
        &scene
            .stage
            .signed(scene.session.signer(), Ask { reason: None, ..keys })
            .await
            .unwrap(),
    );
    assert_eq!(keys["patientKey"], scene.patient.root.public().to_string());
    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    line("revoked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_make_one_log_without_a_gap() {
    let scene = std::sync::Arc::new(Scene::set().await);
    let tasks: Vec<_> = (0..60)
        .map(|n| {
            let scene = std::sync::Arc::clone(&scene);
            tokio::spawn(async move {
                if n % 2 == 0 {
                    done(&scene.write(&[scene.record(ALLERGIES, &format!("record {n}"))]).await);
                } else {
                    let read = done(&scene.read("2,5").await);
                    for line in read["log"].as_array().unwrap() {
                        included(line, line["size"].as_u64().unwrap(), &line["root"], &line["path"]);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    scene
        .stage
        .gateway
        .blocking(|g| g.publish_checkpoint())
        .await
        .unwrap()
        .unwrap();
    let log = scene.log().await;
    assert_eq!(open_log(&scene, &log).len(), 30 + 2 * 30);
    for entry in log["entries"].as_array().unwrap() {
        included(
            entry,
            log["checkpoint"]["size"].as_u64().unwrap(),
            &log["checkpoint"]["root"],
            &entry["path"],
        );
    }
    assert!(
        scene
            .stage
            .gateway
            .blocking(|g| g.publish_checkpoint())
            .await
            .unwrap()
            .is_none(),
        "nothing new"
    );
}

/// Needs the page to be built into the program; without it the gateway says so.
#[tokio::test]
async fn the_page_is_served_with_strict_headers() {
    let scene = Scene::set().await;
    let page = scene.stage.ask(Ask::get("/")).await.unwrap();
    if page.status == 404 {
        return refused(&page, 404, "page-missing");
    }
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'self'; connect-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"));
    assert!(header("permissions-policy").contains("camera=(self)"));
    assert_eq!(
        (header("content-type").as_str(), header("cache-control").as_str()),
        ("text/html", "no-cache")
    );
    assert!(page.body.starts_with(b"<!"));
    refused(
        &scene.stage.ask(Ask::get("/no/such/file.js")).await.unwrap(),
        404,
        "not-found",
    );
}
