//! schemathesis, a foreign client that judges the API: it makes requests from the description alone, good and bad ones, and holds
//! the answers against it. It signs nothing: once it asks the gateway itself, and once through a proxy that signs what it asks as
//! the scene's people would.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::response::Response;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::described::operation;
use support::{Place, Scene};
use wardkey_core::http_signature::content_digest;
use wardkey_gateway::bench::actors::Session;
use wardkey_gateway::bench::stage::{Ask, Signer, sign};
use wardkey_gateway::description::document;

/// Requests made for each operation and each phase.
const EXAMPLES: &str = "8";
/// Any number; the same one makes the same requests.
const SEED: &str = "20260401";
/// What is checked. Left out: data that the description cannot tell from good data (ids that nobody has, signatures that do not hold)
/// is refused, so that "good data is taken" does not hold for an API where every request must be somebody's.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method";

fn program() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis/bin/st");
    assert!(path.exists(), "schemathesis is missing: `cargo xtask test` installs it");
    path
}

/// Lets schemathesis loose on a server.
async fn judge(address: SocketAddr, checks: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    command
        .args(["run", &format!("http://{address}/v1/openapi.json")])
        .args(["--checks", checks, "--seed", SEED, "--max-examples", EXAMPLES])
        .args(["--phases", "examples,coverage,fuzzing", "--exclude-path", "/v1/events"])
        .args([
            "--no-shrink",
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
            "--request-timeout",
            "20",
        ])
        .env("HYPOTHESIS_STORAGE_DIRECTORY", folder.path())
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Without limits that this client would run into.
async fn scene() -> Scene {
    let patient = "requests_per_session = 100000\nactions_per_address = 1000000\nactions_per_institution = 1000000\n";
    Scene::in_place(Place::with(&format!("[limits]\n{patient}"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_as_it_is_described() {
    let scene = scene().await;
    judge(serve(scene.stage.app.clone()).await, CHECKS).await;
}

/// Signs what comes in as the person who may ask for it.
struct Proxy {
    scene: Scene,
    master: Session,
}

impl Proxy {
    fn signer(&self, path: &str) -> Signer<'_> {
        if path.ends_with("/records") {
            self.scene.session.signer()
        } else if path.starts_with("/v1/patients/") || path == "/v1/grants" {
            self.scene.patient.signer()
        } else {
            self.master.signer()
        }
    }

    /// The path with the scene's own ids where the client made ids up: else everything would be somebody else's.
    fn own(&self, path: &str) -> String {
        let mut parts: Vec<_> = path.split('/').map(str::to_owned).collect();
        let id = match parts.get(2).map(String::as_str) {
            Some("patients") => self.scene.patient.id.to_string(),
            Some("institutions") => self.scene.harbour.id.to_string(),
            _ => return path.to_owned(),
        };
        if let Some(place) = parts.get_mut(3).filter(|part| part.len() == 64) {
            *place = id;
        }
        parts.join("/")
    }
}

/// The description as the proxy's own: the headers that it adds are none of the client's.
fn described() -> Response {
    let mut document = document();
    for methods in document["paths"].as_object_mut().unwrap().values_mut() {
        for found in methods.as_object_mut().unwrap().values_mut() {
            found["security"] = json!([]);
            found["parameters"]
                .as_array_mut()
                .unwrap()
                .retain(|parameter| parameter["in"] != "header");
        }
    }
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(document.to_string()))
        .unwrap()
}

/// Passes a request on: signed, if the description says that it must be. What its own headers said of a signature is dropped.
async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/v1/openapi.json" {
        return described();
    }
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let path = proxy.own(parts.uri.path());
    let signed = operation(&parts.method, &path)
        .is_some_and(|found| found["security"].as_array().is_some_and(|by| !by.is_empty()));
    let target = parts
        .uri
        .query()
        .map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let mut ask = Ask {
        method: parts.method.clone(),
        body: (!bytes.is_empty()).then(|| bytes.to_vec()),
        ..Ask::get(target.clone())
    };
    if path.ends_with("/records") {
        ask = ask.under(proxy.scene.given.commitment, "schemathesis");
    }
    let nonce = hex::encode(wardkey_gateway::random::bytes::<16>().unwrap());
    let now = proxy.scene.place.now();
    let request = if signed {
        sign(&ask, proxy.signer(&path), now, &nonce).unwrap().request
    } else {
        let mut plain = Request::builder().method(parts.method).uri(&target);
        for name in ["content-type", "accept"].map(HeaderName::from_static) {
            if let Some(value) = parts.headers.get(&name) {
                plain = plain.header(name, value);
            }
        }
        plain
            .header("content-digest", content_digest(&bytes))
            .body(Body::from(bytes))
            .unwrap()
    };
    match tower::ServiceExt::oneshot(proxy.scene.stage.app.clone(), request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_signature_it_answers_as_it_is_described_too() {
    let scene = scene().await;
    let master = scene.harbour.sign_in(&scene.stage).await.unwrap();
    let proxy = Arc::new(Proxy { scene, master });
    let app = Router::new().fallback(pass).with_state(proxy);
    // The proxy adds the headers that a client forgets.
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
        response_schema_conformance,negative_data_rejection";
    judge(serve(app).await, checks).await;
}
