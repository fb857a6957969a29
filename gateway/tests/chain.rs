//! The gateway over a real chain (anvil), and the bad days of that chain.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

#[path = "../../chain/tests/common/anvil.rs"]
mod anvil;
mod support;

use anvil::{Anvil, system_now};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{refused, terms};
use tempfile::TempDir;
use wardkey_chain::Genesis;
use wardkey_core::fault::Coded as _;
use wardkey_gateway::bench::actors::{Card, Given, Hospital, Patient, Session};
use wardkey_gateway::bench::stage::{Ask, Reply, Stage};
use wardkey_gateway::keys::Keys;
use wardkey_gateway::{Clock, Gateway, Settings};

const CHAIN: u64 = 7_078;

/// A hospital with a doctor who is granted a patient's records, all on anvil.
struct Scene {
    anvil: Anvil,
    folder: TempDir,
    ahead: Arc<AtomicU64>,
    stage: Stage,
    hospital: Hospital,
    doctor: Card,
    session: Session,
    patient: Patient,
    given: Given,
}

impl Scene {
    async fn set(more: &str) -> Self {
        let (folder, ahead) = (tempfile::tempdir().unwrap(), Arc::new(AtomicU64::new(0)));
        let anvil = Anvil::start(CHAIN, system_now() - 100, &[]);
        anvil.next_at(system_now());
        let keys = Keys::open(folder.path()).unwrap();
        let deployed = anvil.deployed(
            folder.path(),
            Genesis {
                chain_id: CHAIN,
                salt: keys.salt,
                operator: keys.operator.public(),
                gateway: keys.gateway.public(),
            },
        );
        let domain = deployed.network.domain;
        let text = format!(
            "[chain]\nbackend = \"rpc\"\nid = {CHAIN}\nendpoints = [\"{}\"]\ncontract = \"{}\"\nsalt = \"{}\"\n{more}\n",
            anvil.url(),
            hex::encode(domain.contract),
            hex::encode(domain.salt),
        );
        let settings = Settings {
            data: folder.path().to_owned(),
            ..Settings::parse(&text).unwrap()
        };
        settings.check().unwrap();
        let turned = ahead.clone();
        let clock = Clock::new(move || system_now() + turned.load(Ordering::Relaxed));
        let stage = Stage::new(Gateway::open(settings, clock).unwrap());
        let hospital = Hospital::open(&stage, "Harbour Hospital").await.unwrap();
        let doctor = hospital.card(&stage, "Dr. Ada Harbour", 3).await.unwrap();
        let session = doctor.sign_in(&stage).await.unwrap();
        let patient = Patient::begin(&stage).await.unwrap();
        let given = patient
            .grant(&stage, &hospital, terms(system_now() - 10))
            .await
            .unwrap();
        Self {
            anvil,
            folder,
            ahead,
            stage,
            hospital,
            doctor,
            session,
            patient,
            given,
        }
    }

    async fn read(&self) -> Reply {
        let ask = Ask::get(format!("/v1/patients/{}/records?sections=2", self.patient.id))
            .under(self.given.commitment, "Emergency, patient unconscious");
        self.stage.signed(self.session.signer(), ask).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_read_revoked_refused() {
    let scene = Scene::set("finality = \"latest\"").await;
    assert_eq!(scene.read().await.status, 200);
    scene.patient.revoke(&scene.stage, &scene.given).await.unwrap();
    refused(&scene.read().await, 403, "grant-revoked");
    let again = scene
        .patient
        .grant(&scene.stage, &scene.hospital, terms(system_now() - 10))
        .await
        .unwrap();
    let scene = Scene { given: again, ..scene };
    assert_eq!(scene.read().await.status, 200);
    scene.hospital.revoke(&scene.stage, &scene.doctor).await.unwrap();
    assert_ne!(scene.read().await.status, 200);
    scene.stage.gateway.ledger.sample().unwrap();
    assert!(scene.folder.path().join("projection.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_deeper_than_the_grant_stops_all_access() {
    let scene = Scene::set("finality = \"latest\"").await;
    assert_eq!(scene.read().await.status, 200);
    let depth = scene.anvil.head() - 1;
    scene.anvil.ask("anvil_reorg", &json!([depth, []]));
    assert_eq!(scene.stage.gateway.look().unwrap_err().code(), "chain-reorganised");
    assert!(scene.stage.gateway.ledger.stopped());
    let reply = scene.read().await;
    assert_ne!(reply.status, 200, "{}", reply.code());
    scene.stage.gateway.look().unwrap();
    assert!(!scene.stage.gateway.ledger.stopped());
    assert_ne!(
        scene.read().await.status,
        200,
        "the new chain knows neither hospital nor grant"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_permits_nothing_after_a_while() {
    let mut scene = Scene::set("finality = \"latest\"\nsilent_after = 60").await;
    scene.anvil.kill();
    assert!(scene.stage.gateway.look().is_err());
    assert_eq!(scene.read().await.status, 200, "not yet");
    scene.ahead.store(90, Ordering::Relaxed);
    assert!(scene.stage.gateway.look().is_err());
    refused(&scene.read().await, 503, "chain-silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_is_not_heard() {
    let scene = Scene::set("finality = \"latest\"\nsilent_after = 60\nblock_time = 12").await;
    assert_eq!(scene.read().await.status, 200);
    scene.ahead.store(90, Ordering::Relaxed);
    scene.stage.gateway.look().unwrap();
    refused(&scene.read().await, 503, "chain-silent");
}
