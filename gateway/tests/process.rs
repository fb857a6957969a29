//! The program itself: starting, refusing to start, HTTPS, the operator's commands, SIGTERM, SIGKILL in the middle of writes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::{Duration, Instant};
use support::process::{Process, command};
use support::{ALLERGIES, MEDICATIONS, Scene};
use tempfile::TempDir;
use wardkey_core::id::Commitment;
use wardkey_core::record::Record;
use wardkey_gateway::bench::actors::{Patient, Session};
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

/// A doctor who writes allergies and reads medications at a gateway that may be gone at any moment.
struct Doctor {
    client: Client,
    session: Session,
    given: Commitment,
    patient: Patient,
    allergies: Vec<Record>,
    medication: Record,
}

/// What the doctor was told, in order.
#[derive(Default)]
struct Told {
    writes: Vec<Value>,
    reads: Vec<Value>,
}

impl Doctor {
    /// Writes all records while the scene's own gateway is still there; the folder is then free for the program.
    fn take_over(scene: Scene) -> (Self, TempDir) {
        let record = |section: u8, n: u32| scene.record(section, &format!("record {n} {}", "x".repeat(500)));
        let (allergies, medication) = (
            (0..4000).map(|n| record(ALLERGIES, n)).collect(),
            record(MEDICATIONS, 0),
        );
        let doctor = Self {
            client: client(),
            session: scene.session,
            given: scene.given.commitment,
            patient: scene.patient,
            allergies,
            medication,
        };
        drop(scene.stage);
        (doctor, scene.place.stop())
    }

    async fn ask(&self, url: &str, ask: Ask<'_>) -> reqwest::Result<Value> {
        let ask = ask.under(self.given, "treatment");
        let (status, answer) = send(&self.client, url, self.session.signer(), &ask).await?;
        assert_eq!(status, 200, "{answer}");
        Ok(answer)
    }

    async fn write(&self, url: &str, record: &Record) -> reqwest::Result<Value> {
        let target = format!("/v1/patients/{}/records", self.patient.id);
        let answer = self
            .ask(url, Ask::post(target, &json!({ "records": [record] })))
            .await?;
        Ok(answer["receipts"][0].clone())
    }

    async fn read(&self, url: &str, section: u8) -> reqwest::Result<Value> {
        let target = format!("/v1/patients/{}/records?sections={section}", self.patient.id);
        self.ask(url, Ask::get(target)).await
    }

    /// Writes and reads by turns until the gateway is gone.
    async fn work(&self, url: &str, told: &mut Told) {
        while let Some(record) = self.allergies.get(told.writes.len()) {
            let Ok(receipt) = self.write(url, record).await else {
                return;
            };
            told.writes.push(receipt);
            let Ok(read) = self.read(url, MEDICATIONS).await else {
                return;
            };
            assert_eq!(read["records"].as_array().unwrap().len(), 1);
            told.reads.push(read["log"][0].clone());
        }
    }

    /// The patient's whole log.
    async fn log(&self, url: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let ask = Ask::get(format!("/v1/patients/{}/log?from={}", self.patient.id, all.len()));
            let (_, log) = send(&self.client, url, self.patient.signer(), &ask).await.unwrap();
            match log["entries"].as_array().unwrap().as_slice() {
                [] => return all,
                more => all.extend_from_slice(more),
            }
        }
    }
}

/// How often it is killed.
const KILLS: u32 = 100;

async fn kill_after(milliseconds: u64, pid: Pid) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test]
async fn killed_in_the_middle_of_writes_and_reads_it_keeps_what_it_acknowledged() {
    let scene = Scene::set().await;
    let domain = *scene.stage.gateway.domain();
    let (doctor, folder) = Doctor::take_over(scene);
    let gateway = Process::start(folder.path(), &[]);
    doctor.write(&gateway.url, &doctor.medication).await.unwrap();
    drop(gateway);

    let (mut told, start, mut kills) = (Told::default(), Instant::now(), 0);
    // A slow machine kills less often, in the time that this may take.
    while kills < KILLS && (kills < 10 || start.elapsed() < Duration::from_secs(55)) {
        let gateway = Process::start(folder.path(), &[]);
        let moment = 20 + u64::from(kills) * 37 % 300;
        let killer = tokio::spawn(kill_after(moment, Pid::from_child(&gateway.child)));
        doctor.work(&gateway.url, &mut told).await;
        killer.await.unwrap();
        kills += 1;
    }
    let done = (told.writes.len(), told.reads.len());
    eprintln!("killed {kills} times; written and read: {done:?}");
    assert!(done.0 > 100 && done.1 > 100, "written and read: {done:?}");

    let gateway = Process::start(folder.path(), &[]);
    let read = doctor.read(&gateway.url, ALLERGIES).await.unwrap();
    let there: Vec<Record> = serde_json::from_value(read["records"].clone()).unwrap();
    let known = told.writes.len();
    assert_eq!(there[..known], doctor.allergies[..known], "each once, in order");
    assert!(there.len() <= known + 1, "at most the one that was under way");
    for record in &there {
        record.verify(&domain, None).unwrap();
    }
    // Sent again, an acknowledged record answers its first receipt.
    let again = doctor.write(&gateway.url, &doctor.allergies[0]).await.unwrap();
    assert_eq!(again, told.writes[0]);
    every_answer_is_logged(&doctor.log(&gateway.url).await, &told);
}

fn every_answer_is_logged(log: &[Value], told: &Told) {
    let sequences: Vec<_> = log.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(
        sequences,
        (0..log.len() as u64).collect::<Vec<_>>(),
        "the log has no gap"
    );
    let line = |of: &Value| (of["index"].as_u64().unwrap(), of["leaf"].as_str().unwrap().to_owned());
    let logged: HashSet<_> = log.iter().map(line).collect();
    for answered in told.writes.iter().chain(&told.reads).map(line) {
        assert!(
            logged.contains(&answered),
            "{answered:?} was answered and is not in the log"
        );
    }
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
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.path().join("key.pem"), private).unwrap();
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
    let mut gateway = Process::spawn(command(folder.path(), &["--listen", "127.0.0.1:0"]).env("RUST_LOG", "debug"));
    let patient = "ab".repeat(32);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let answer = client()
            .get(format!("{}/v1/patients/{patient}/records?sections=2", gateway.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 401);
    });
    gateway.signal(Signal::TERM);
    let mut log = String::new();
    gateway.child.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
    assert!(gateway.child.wait().unwrap().success());
    assert!(log.contains("/v1/patients/{id}/records"), "{log}");
    assert!(!log.contains(&patient), "{log}");
}
