//! Running the gateway: health, readiness, figures, traces, rates, a graceful end, a new certificate, unsafe settings.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::body::Body;
use axum::http::Request;
use reqwest::Client;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::process::{Process, command};
use support::{Place, Scene, done, refused};
use tower::ServiceExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use wardkey_gateway::bench::stage::{Ask, Stage};
use wardkey_gateway::settings::TraceSettings;
use wardkey_gateway::traces::Export;
use wardkey_gateway::{Gateway, admin};

/// Long enough for anything that is awaited here; only a guard.
const GUARD: Duration = Duration::from_secs(30);

fn client() -> Client {
    let _first = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(GUARD).no_proxy().build().unwrap()
}

/// Waits until `found` gives something.
async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = found().await {
            return value;
        }
        assert!(start.elapsed() < GUARD, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn asked(gateway: &Gateway, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = admin::app(gateway.clone()).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn readiness(gateway: &Gateway) -> (u16, Value) {
    let (status, text) = asked(gateway, "/readyz").await;
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(said["ready"], status == 200);
    (status, said["reasons"].clone())
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let place = Place::new();
    let gateway = &place.stage.gateway;
    assert_eq!(asked(gateway, "/healthz").await.0, 200);
    assert_eq!(readiness(gateway).await, (200, json!([])));
    place.later_unheard(10_000);
    assert_eq!(readiness(gateway).await, (503, json!(["chain-silent"])));
    place.later(0);
    assert_eq!(readiness(gateway).await.0, 200);
    place.store().execute_batch("DROP TABLE challenges").unwrap();
    assert_eq!(readiness(gateway).await, (503, json!(["store-failed"])));
    gateway.draining.send_replace(true);
    assert_eq!(readiness(gateway).await, (503, json!(["stopping", "store-failed"])));
    assert_eq!(asked(gateway, "/healthz").await.0, 200, "the process still lives");
}

/// Everything of a scene that must not be told: ids, names, reasons.
fn secrets(scene: &Scene) -> Vec<String> {
    vec![
        scene.patient.id.to_string(),
        scene.harbour.id.to_string(),
        scene.given.commitment.to_string(),
        scene.doctor.certificate.device_id().to_string(),
        scene.session.key.public().id().to_string(),
        scene.session.key.public().to_string(),
        "Harbour".to_owned(),
        "Ada".to_owned(),
        "Emergency".to_owned(),
        "sections=".to_owned(),
    ]
}

fn tells_nothing(text: &[u8], scene: &Scene) {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    for secret in secrets(scene) {
        assert!(!holds(secret.as_bytes()), "{secret} is told");
        if let Ok(raw) = hex::decode(&secret) {
            assert!(!holds(&raw), "{secret} is told as bytes");
        }
    }
}

#[tokio::test]
async fn figures_count_what_happened_and_tell_nothing() {
    let scene = Scene::set().await;
    done(&scene.read("2").await);
    refused(&scene.read("6").await, 403, "section-not-granted");
    for n in 0..300 {
        let method = axum::http::Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        let ask = Ask {
            method,
            ..Ask::get(format!("/nothing/{n}"))
        };
        scene.stage.ask(ask).await.unwrap();
    }
    let (status, text) = asked(&scene.stage.gateway, "/metrics").await;
    assert_eq!(status, 200);
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"))
            .trim()
            .parse()
            .unwrap()
    };
    let records = r#"route="/v1/patients/{id}/records""#;
    let answered = |rest: &str| {
        value(&format!(
            "wardkey_http_requests_total{{{records},method=\"GET\",{rest}}}"
        ))
    };
    assert_eq!((answered(r#"status="200""#), answered(r#"status="403""#)), (1.0, 1.0));
    assert_eq!(value(r#"wardkey_refused_total{code="section-not-granted"}"#), 1.0);
    assert_eq!(value(&format!("wardkey_http_request_seconds_count{{{records}}}")), 2.0);
    assert!(value("wardkey_sponsored_gas_total") > 100_000.0);
    assert_eq!(value("wardkey_log_lines"), 1.0);
    assert_eq!(value("wardkey_checkpoint_age_seconds"), -1.0);
    assert!(value("wardkey_chain_head") > 3.0 && value("wardkey_chain_heard_age_seconds") >= 0.0);
    assert!(value("wardkey_sessions_known") >= 1.0);
    assert_eq!(value("wardkey_event_streams"), 0.0);
    let invented = text
        .lines()
        .filter(|line| line.starts_with("wardkey_http_requests_total") && line.contains("\"other\""));
    assert_eq!(
        invented.count(),
        1,
        "three hundred invented methods and addresses are one series"
    );
    tells_nothing(text.as_bytes(), &scene);
}

/// Takes what is exported; gives all of it once the sender is gone.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while stream.read_line(&mut head).unwrap() > 2 {
                let line = head.lines().last().unwrap_or_default().to_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if head.ends_with("\r\n\r\n") {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let mut stream = stream.into_inner();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            if told.send([head.into_bytes(), body].concat()).is_err() {
                return;
            }
        }
    });
    (endpoint, heard)
}

#[tokio::test]
async fn traces_arrive_and_tell_nothing() {
    let (endpoint, heard) = collector();
    let settings = TraceSettings {
        endpoint: Some(endpoint),
    };
    let export = tokio::task::spawn_blocking(move || Export::new(&settings))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(export.layer());
    // Of the whole process, because store and chain have threads of their own; what other tests do beside it is exported too.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let scene = Scene::set().await;
    done(&scene.read("2").await);
    refused(&scene.read("6").await, 403, "section-not-granted");
    tokio::task::spawn_blocking(move || drop(export)).await.unwrap();
    let exported: Vec<u8> = heard.try_iter().flatten().collect();
    let text = String::from_utf8_lossy(&exported);
    for part in [
        "wardkey-gateway",
        "request",
        "/v1/patients/{id}/records",
        "section-not-granted",
        "store and chain",
        "chain submit",
        "chain look",
        "Grant",
    ] {
        assert!(text.contains(part), "{part} is missing in {} bytes", exported.len());
    }
    tells_nothing(&exported, &scene);
}

fn configured(folder: &Path, text: &str) -> String {
    let path = folder.join("gateway.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn too_many_requests_of_an_address_are_refused_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), "[limits]\nrequests_per_address = 2\n");
    let gateway = Process::start(&folder.path().join("data"), &["--config", &config]);
    let (client, url) = (client(), format!("{}/v1/grants", gateway.url));
    let ask = || async {
        let answer = client.get(&url).header("signature", "garbage").send().await.unwrap();
        let wait = answer
            .headers()
            .get("retry-after")
            .map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap());
        let (status, problem) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        (status, problem["code"].as_str().unwrap().to_owned(), wait)
    };
    let mut asked = Vec::new();
    for _ in 0..60 {
        asked.push(ask().await);
    }
    assert_eq!(asked[0], (401, "http-signature-missing".to_owned(), None));
    let limited = asked.iter().find(|answer| answer.0 == 429).unwrap();
    assert_eq!((limited.1.as_str(), limited.2), ("rate-limited", Some(1)));
    until("the address to be served again", async || {
        (ask().await.0 == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn too_many_requests_of_a_session_stop_no_other() {
    let scene = Scene::in_place(Place::with("[limits]\nrequests_per_session = 1\n")).await;
    let other = scene.doctor.sign_in(&scene.stage).await.unwrap();
    let mut last = scene.read("2").await;
    for _ in 0..8 {
        last = scene.read("2").await;
    }
    refused(&last, 429, "rate-limited");
    assert!(last.headers.contains_key("retry-after"));
    done(&scene.stage.signed(other.signer(), scene.ask_read("2")).await.unwrap());
}

#[tokio::test]
async fn asked_to_stop_it_is_first_not_ready_and_ends_what_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), "[admin]\nlisten = \"127.0.0.1:0\"\ndrain = 2\n");
    let mut gateway = Process::start(&folder.path().join("data"), &["--config", &config]);
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let mut begun = TcpStream::connect(&address).unwrap();
    begun
        .write_all(b"POST /v1/challenges HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{")
        .unwrap();
    let client = client();
    let ready = || async {
        client
            .get(format!("{}/readyz", gateway.admin))
            .send()
            .await
            .map(|answer| answer.status().as_u16())
    };
    assert_eq!(ready().await.unwrap(), 200);
    gateway.signal(Signal::TERM);
    until("not ready", async || (ready().await.unwrap() == 503).then_some(())).await;
    let served = client.get(format!("{}/v1/network", gateway.url)).send().await.unwrap();
    assert_eq!(served.status(), 200, "it serves on while it drains");
    until("the end of listening", async || TcpStream::connect(&address).err()).await;
    begun.write_all(b"}").unwrap();
    let mut answer = String::new();
    begun.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(gateway.child.wait().unwrap().success());
}

/// Certificate and key in the folder; the key for its owner only.
fn certify(folder: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = folder.join("key.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("crt.pem"), made.cert.pem()).unwrap();
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

fn with_tls(folder: &Path, more: &str) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n{more}",
        path("crt.pem"),
        path("key.pem")
    );
    configured(folder, &text)
}

fn trusting(root: reqwest::Certificate) -> reqwest::ClientBuilder {
    let _first = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(GUARD).no_proxy().tls_certs_only([root])
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = trusting(certify(folder.path())).build().unwrap();
    let config = with_tls(folder.path(), "");
    let data = folder.path().join("data");
    let mut started = command(&data, &["--listen", "127.0.0.1:0", "--config", &config]);
    let mut gateway = Process::spawn(&mut started);
    let url = format!(
        "https://localhost:{}/v1/network",
        gateway.url.rsplit(':').next().unwrap()
    );
    let get = |client: &Client| client.get(&url).send();
    assert_eq!(get(&first).await.unwrap().status(), 200);

    let root = certify(folder.path());
    let second = trusting(root.clone()).build().unwrap();
    until("the new certificate", async || get(&second).await.ok()).await;
    assert_eq!(
        get(&first).await.unwrap().status(),
        200,
        "a connection made before goes on: it trusts the old certificate only"
    );

    std::fs::write(folder.path().join("crt.pem"), "no certificate").unwrap();
    gateway.signal(Signal::HUP);
    let mut log = BufReader::new(gateway.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("the new certificate cannot be used") {
        line.clear();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "it says nothing of the broken certificate"
        );
    }
    let third = trusting(root).build().unwrap();
    assert_eq!(get(&third).await.unwrap().status(), 200, "the certificate before stays");
}

#[tokio::test]
async fn tls_is_no_older_than_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let root = certify(folder.path());
    let config = with_tls(folder.path(), "oldest = \"1.3\"\n");
    let gateway = Process::start(&folder.path().join("data"), &["--config", &config]);
    let url = format!(
        "https://localhost:{}/v1/network",
        gateway.url.rsplit(':').next().unwrap()
    );
    let old = trusting(root.clone())
        .tls_version_max(reqwest::tls::Version::TLS_1_2)
        .build()
        .unwrap();
    assert!(old.get(&url).send().await.is_err());
    let new = trusting(root).build().unwrap();
    assert_eq!(new.get(&url).send().await.unwrap().status(), 200);
}

#[test]
fn what_others_can_read_is_refused() {
    let refused = |data: &Path, arguments: &[&str], code: &str| {
        let Output { status, stderr, .. } = command(data, &[&["--listen", "127.0.0.1:0"], arguments].concat())
            .output()
            .unwrap();
        let text = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && text.contains(code), "{code}: {text}");
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    certify(folder.path());
    let config = with_tls(folder.path(), "");
    std::fs::set_permissions(folder.path().join("key.pem"), std::fs::Permissions::from_mode(0o640)).unwrap();
    refused(&data, &["--config", &config], "keys-exposed");
    refused(&data, &["--admin", "0.0.0.0:0"], "admin-public");
    std::fs::create_dir(&data).unwrap();
    let mut started = command(&data, &["--listen", "127.0.0.1:0"]);
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let Output { status, stderr, .. } = started.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && text.contains("keys-exposed"), "{text}");
}

#[tokio::test]
async fn the_admin_listener_is_apart_and_the_service_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (data, told) = (folder.path().join("data"), folder.path().join("notify"));
    let manager = UnixDatagram::bind(&told).unwrap();
    manager.set_read_timeout(Some(GUARD)).unwrap();
    let mut heard = [0; 64];
    let mut next = || {
        let length = manager.recv(&mut heard).unwrap();
        String::from_utf8(heard[..length].to_vec()).unwrap()
    };
    let mut started = command(&data, &["--listen", "127.0.0.1:0"]);
    let mut gateway = Process::spawn(started.env("NOTIFY_SOCKET", &told).stderr(Stdio::null()));
    assert_eq!(next(), "READY=1");
    let client = client();
    let status = |url: String| async { client.get(url).send().await.unwrap().status().as_u16() };
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(format!("{}{path}", gateway.admin)).await, 200, "{path}");
        assert_eq!(
            status(format!("{}{path}", gateway.url)).await,
            404,
            "{path} on the public port"
        );
    }
    assert_eq!(status(format!("{}/v1/network", gateway.admin)).await, 404);
    gateway.signal(Signal::TERM);
    assert_eq!(next(), "STOPPING=1");
    assert!(gateway.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_stage_has_no_address_and_is_not_limited_by_one() {
    let place = Place::with("[limits]\nrequests_per_address = 1\n");
    let stage: &Stage = &place.stage;
    for _ in 0..20 {
        done(&stage.ask(Ask::get("/v1/network")).await.unwrap());
    }
}
