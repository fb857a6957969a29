//! The program itself: starting, refusing to start, HTTPS, the operator's commands, SIGTERM, SIGKILL in the middle of writes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::process::{Process, command};
use support::{ALLERGIES, Scene};
use wardkey_core::record::Record;
use wardkey_gateway::bench::stage::{Ask, Signer, sign};

fn client() -> Client {
    let _first = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

async fn send(client: &Client, url: &str, signer: Signer<'_>, ask: &Ask<'_>) -> reqwest::Result<(u16, Value)> {
    let nonce = wardkey_gateway::random::bytes::<16>().map(hex::encode).unwrap();
    let signed = sign(ask, signer, support::system_now(), &nonce).unwrap();
    let method = Method::from_bytes(ask.method.as_str().as_bytes()).unwrap();
    let mut request = client
        .request(method, format!("{url}{}", ask.target))
        .body(ask.body.clone().unwrap_or_default());
    for (name, value) in signed.request.headers() {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

#[tokio::test]
async fn killed_in_the_middle_of_writes_it_keeps_what_it_acknowledged() {
    // The scene is set in this process; then the program takes over the data folder.
    let Scene {
        place,
        stage,
        session,
        patient,
        given,
        doctor,
        ..
    } = Scene::set().await;
    let folder = place.folder;
    let domain = *stage.gateway.domain();
    let records: Vec<Record> = (0..4000)
        .map(|n| {
            let text = format!("record {n} {}", "x".repeat(500));
            let unsigned =
                wardkey_gateway::bench::actors::unsigned(&stage, &patient, &doctor, ALLERGIES, text.as_bytes())
                    .unwrap();
            unsigned
                .sign_in_session(&domain, &session.key, &session.delegation)
                .unwrap()
        })
        .collect();
    drop((stage, place.stage, place.wire));
    let target = format!("/v1/patients/{}/records", patient.id);
    let write = |record: &Record| Ask::post(&target, &json!({ "records": [record] })).under(given.commitment, "");

    let (client, records) = (client(), Arc::new(records));
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let gateway = Process::start(folder.path(), &[]);
        let killer = tokio::spawn({
            let pid = Pid::from_child(&gateway.child);
            async move {
                tokio::time::sleep(Duration::from_millis(700)).await;
                kill_process(pid, Signal::KILL).unwrap();
            }
        });
        let before = acknowledged.len();
        while acknowledged.len() < records.len() {
            let record = &records[acknowledged.len()];
            match send(&client, &gateway.url, session.signer(), &write(record)).await {
                Ok((200, answer)) => acknowledged.push((record.header.record, answer["receipts"][0].clone())),
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        killer.await.unwrap();
        assert!(
            acknowledged.len() > before + 5,
            "round {round}: only {} were written",
            acknowledged.len() - before
        );
    }

    let gateway = Process::start(folder.path(), &[]);
    let read = Ask::get(format!("{target}?sections={ALLERGIES}")).under(given.commitment, "after the crash");
    let (status, read) = send(&client, &gateway.url, session.signer(), &read).await.unwrap();
    assert_eq!(status, 200);
    let there: Vec<Record> = serde_json::from_value(read["records"].clone()).unwrap();
    for record in &there {
        record.verify(&domain, None).unwrap();
    }
    let ids: Vec<_> = there.iter().map(|record| record.header.record).collect();
    let known: Vec<_> = acknowledged.iter().map(|(record, _)| *record).collect();
    assert_eq!(ids[..known.len()], known[..], "each once, in order");
    assert!(ids.len() <= known.len() + 1, "at most the one that was under way");
    // Sent again, an acknowledged record answers its first receipt.
    let (_, again) = send(&client, &gateway.url, session.signer(), &write(&records[0]))
        .await
        .unwrap();
    assert_eq!(again["receipts"][0], acknowledged[0].1);
    let log = Ask::get(format!("/v1/patients/{}/log", patient.id));
    let (_, log) = send(&client, &gateway.url, patient.signer(), &log).await.unwrap();
    let sequences: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(
        sequences,
        (0..=ids.len() as u64).collect::<Vec<_>>(),
        "the log has no gap"
    );
}

#[test]
fn a_public_address_without_https_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = command(folder.path(), &["--listen", "0.0.0.0:0"]).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && text.contains("tls-required"), "{text}");
}

#[test]
fn one_data_folder_serves_one_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Process::start(folder.path(), &[]);
    let Output { status, stderr, .. } = command(folder.path(), &["--listen", "127.0.0.1:0"]).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && text.contains("data-in-use"), "{text}");
}

#[tokio::test]
async fn https_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("crt.pem", made.cert.pem());
    write("key.pem", made.signing_key.serialize_pem());
    let path = |name: &str| folder.path().join(name).display().to_string();
    write(
        "gateway.toml",
        format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            path("crt.pem"),
            path("key.pem")
        ),
    );
    let gateway = Process::start(&folder.path().join("data"), &["--config", &path("gateway.toml")]);
    assert!(gateway.url.starts_with("https://127.0.0.1:"));
    let port = gateway.url.rsplit(':').next().unwrap();
    let _first = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([root]).build().unwrap();
    let network: Value = client
        .get(format!("https://localhost:{port}/v1/network"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(network["name"], "Wardkey");
}

#[tokio::test]
async fn sigterm_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Process::start(&folder.path().join("data"), &[]);
    let page = client().get(&gateway.url).send().await.unwrap();
    assert!(
        page.status() == 200 || page.status() == 404,
        "the page, or the word that it was not built"
    );
    for entry in std::fs::read_dir(folder.path().join("data"))
        .unwrap()
        .map(Result::unwrap)
    {
        let open = entry.metadata().unwrap().permissions().mode() & 0o077;
        assert!(
            open == 0 || entry.file_name() == "lock",
            "{:?} can be read by others",
            entry.file_name()
        );
    }
    gateway.signal(Signal::TERM);
    let start = Instant::now();
    assert!(gateway.child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(9));
    assert!(!folder.path().join("data/operator.sock").exists());
}

#[tokio::test]
async fn the_operator_accredits_beside_a_running_gateway_and_without_one() {
    let Scene {
        place, stage, harbour, ..
    } = Scene::set().await;
    let folder = place.folder;
    drop((stage, place.stage, place.wire));
    let id = harbour.id.to_string();
    let order = |word: &str| command(folder.path(), &["operator", word, &id]).output().unwrap();
    assert!(order("suspend").status.success(), "without a gateway");
    let gateway = Process::start(folder.path(), &[]);
    let status = || async {
        let url = format!("{}/v1/institutions/{id}", gateway.url);
        client().get(url).send().await.unwrap().json::<Value>().await.unwrap()["status"].clone()
    };
    assert_eq!(status().await, "suspended");
    let done = order("accredit");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let outcome: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(outcome["block"].as_u64().unwrap() > 0);
    assert_eq!(status().await, "accredited");
    let nobody = command(folder.path(), &["operator", "accredit", &"00".repeat(32)])
        .output()
        .unwrap();
    let text = String::from_utf8(nobody.stderr).unwrap();
    assert!(
        !nobody.status.success() && text.contains("institution-unknown"),
        "{text}"
    );
}

#[test]
fn what_it_logs_names_no_patient() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["--listen", "127.0.0.1:0"])
        .env("RUST_LOG", "debug")
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = serde_json::from_str::<Value>(&line).unwrap()["listening"]
        .as_str()
        .unwrap()
        .to_owned();
    let patient = "ab".repeat(32);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let answer = client()
            .get(format!("{url}/v1/patients/{patient}/records?sections=2"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 401);
    });
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut log = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(log.contains("/v1/patients/{id}/records"), "{log}");
    assert!(!log.contains(&patient), "{log}");
}
