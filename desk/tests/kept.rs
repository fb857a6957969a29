//! What was typed is kept: through refusals, ends of access, a silent chain and a full disk. And grants that do not hold are not listed.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use base64::engine::{Engine as _, general_purpose::STANDARD};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Desk, Server, SoftCard, everything, mask, until};
use wardkey_core::id::{Commitment, DeviceId};
use wardkey_core::key::SoftKey;
use wardkey_core::section::Section;
use wardkey_core::section_keys::{SectionKey, SectionKeys};
use wardkey_core::typed::Domain;
use wardkey_desk::store::{Store, StoreError};
use wardkey_desk::view::{Draft, GrantState, OutboxRow, OutboxState, Prescription, Topic};
use wardkey_gateway::bench::actors::{Given, Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::Ask;

const NAME: &str = "Mira Okonjo";
const SUMMARY: &[u8] = include_bytes!("../fixtures/traveller.json");

/// A doctor at a workstation, and a patient who granted everything.
struct Scene {
    server: Server,
    harbour: Hospital,
    doctor: Arc<Mutex<SoftCard>>,
    patient: Patient,
    given: Given,
    desk: Desk,
}

impl Scene {
    async fn set(settings: &str) -> Self {
        let server = Server::start_with(settings).await;
        let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
        let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
        let patient = Patient::begin(&server.stage).await.unwrap();
        let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
        let desk = Desk::start(&server, Some(&harbour));
        desk.sign_in(&doctor).await;
        Self {
            server,
            harbour,
            doctor,
            patient,
            given,
            desk,
        }
    }

    fn commitment(&self) -> String {
        self.given.commitment.to_string()
    }

    async fn open(&self) {
        self.desk
            .work
            .open_chart(&self.commitment(), "Ward round")
            .await
            .unwrap();
    }

    async fn draft(&self) -> Option<Draft> {
        self.desk.work.draft(&self.commitment()).await.unwrap()
    }

    async fn refused(&self) -> OutboxRow {
        until("the write is refused", || async {
            self.desk.work.outbox().await.unwrap()[0].state == OutboxState::Refused
        })
        .await;
        self.desk.work.outbox().await.unwrap().remove(0)
    }

    /// The patient's phone publishes a new key for every section.
    async fn new_section_keys(&self) {
        let old = self.patient.list(&self.server.stage).unwrap();
        let newer = old.keys.iter().map(|old| SectionKey {
            section: old.section,
            epoch: 1,
            key: SoftKey::generate().unwrap().public(),
        });
        let keys: Vec<SectionKey> = newer.collect();
        let domain = self.server.stage.gateway.domain();
        let signature = domain
            .sign(&self.patient.root, &SectionKeys::typed(&self.patient.id, 2, &keys))
            .unwrap();
        let list = SectionKeys {
            version: 2,
            keys,
            signature,
        };
        let target = format!("/v1/patients/{}/section-keys", self.patient.id);
        let ask = Ask::put(target, &serde_json::to_value(list).unwrap());
        let reply = self.server.stage.signed(self.patient.signer(), ask).await.unwrap();
        assert!(reply.status.is_success(), "{}", String::from_utf8_lossy(&reply.body));
    }
}

fn tablets() -> Prescription {
    Prescription {
        medication: "Apixaban 5 mg tablet".into(),
        dose: "1 tablet twice a day".into(),
        quantity: "60 tablets".into(),
        reason: String::new(),
    }
}

/// A note and a prescription, both half typed.
fn both() -> Draft {
    Draft {
        fields: Draft::from(&tablets()).fields,
        ..Draft::note("Half a note")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_refused_after_a_revocation_is_still_its_authors_to_read() {
    let mut scene = Scene::set("").await;
    scene.open().await;
    scene.server.down().await;
    let work = Arc::clone(&scene.desk.work);
    work.write_note(&scene.commitment(), "Written offline").await.unwrap();
    scene.patient.revoke(&scene.server.stage, &scene.given).await.unwrap();
    scene.server.up().await;
    let row = scene.refused().await;
    assert_eq!(
        (row.patient.as_str(), row.typed),
        (NAME, Some(Draft::note("Written offline")))
    );
    until("the list says so", || async {
        work.patients().await.unwrap()[0].state == GrantState::Revoked
    })
    .await;
    assert_eq!(work.write_again(&row.record).await.unwrap_err().code, "grant-revoked");
    assert!(work.outbox().await.unwrap()[0].typed.is_some(), "still there");

    scene.desk.port.pull();
    let nurse = SoftCard::of(&scene.server.card(&scene.harbour, "Nurse Kofi Mensah").await, "1003");
    scene.desk.sign_in(&nurse).await;
    let other = work.outbox().await.unwrap().remove(0);
    assert_eq!((other.patient.as_str(), other.typed), ("", None), "its author's alone");
    assert_eq!(
        work.write_again(&row.record).await.unwrap_err().code,
        "outbox-not-refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_refused_for_its_key_becomes_a_draft_again_and_is_written_once() {
    let mut scene = Scene::set("").await;
    scene.open().await;
    let (work, commitment) = (Arc::clone(&scene.desk.work), scene.commitment());
    scene.server.down().await;
    work.write_note(&commitment, "Sealed to the old key").await.unwrap();
    scene.new_section_keys().await;
    scene.server.up().await;
    let row = scene.refused().await;
    work.save_draft(&commitment, Draft::note("Something else"))
        .await
        .unwrap();
    assert_eq!(
        work.write_again(&row.record).await.unwrap_err().code,
        "draft-in-the-way"
    );
    work.save_draft(&commitment, Draft::note("")).await.unwrap();
    work.write_again(&row.record).await.unwrap();
    assert!(work.outbox().await.unwrap().is_empty());
    let text = scene.draft().await.unwrap().text;
    assert_eq!(text, "Sealed to the old key");
    work.write_note(&commitment, &text).await.unwrap();
    scene.desk.all_sent().await;
    assert_eq!(scene.draft().await, None);
    assert!(
        work.outbox().await.unwrap()[0].typed.is_none(),
        "arrived, so no copy stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_a_note_leaves_the_half_typed_prescription_and_the_other_way_round() {
    let scene = Scene::set("").await;
    scene.open().await;
    let (work, commitment) = (&scene.desk.work, scene.commitment());
    work.save_draft(&commitment, both()).await.unwrap();
    work.write_note(&commitment, "A whole note").await.unwrap();
    let left = scene.draft().await.unwrap();
    assert_eq!((left.text.as_str(), &left.fields), ("", &both().fields));
    work.save_draft(&commitment, both()).await.unwrap();
    work.write_prescription(&commitment, tablets()).await.unwrap();
    let left = scene.draft().await.unwrap();
    assert_eq!((left.text.as_str(), left.fields.len()), ("Half a note", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_chart_closes_when_its_grant_ends_and_one_begins_by_itself() {
    let scene = Scene::set("").await;
    let (work, now) = (&scene.desk.work, scene.server.stage.gateway.clock.now());
    let terms = |not_before, expiry| Terms {
        read: everything(),
        write: everything(),
        not_before,
        expiry,
    };
    let (server, patient) = (&scene.server, &scene.patient);
    let short = server
        .grant_on(patient, &scene.harbour, terms(now - 1, now + 5), NAME)
        .await;
    let later = server
        .grant_on(patient, &scene.harbour, terms(now + 8, now + 99), NAME)
        .await;
    let state = async |of: &Given| {
        let rows = work.patients().await.unwrap();
        rows.into_iter()
            .find(|r| r.commitment == of.commitment.to_string())
            .unwrap()
            .state
    };
    assert_eq!(state(&later).await, GrantState::NotYetValid);
    let refused = work.open_chart(&later.commitment.to_string(), "Too early").await;
    assert_eq!(refused.unwrap_err().code, "grant-not-yet-valid");
    let commitment = short.commitment.to_string();
    work.open_chart(&commitment, "Ward round").await.unwrap();
    work.save_draft(&commitment, both()).await.unwrap();
    let before = Instant::now();
    until("the chart closes", || async { work.chart().await.unwrap().is_none() }).await;
    assert!(before.elapsed() < Duration::from_secs(7));
    assert_eq!(scene.desk.snapshot().await.notice.unwrap().code, "grant-expired");
    assert_eq!(state(&short).await, GrantState::Expired);
    assert_eq!(
        work.write_note(&commitment, "Late").await.unwrap_err().code,
        "grant-expired"
    );
    assert_eq!(work.draft(&commitment).await.unwrap(), Some(both()), "kept");

    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = Instant::now();
    until("the list is told anew", || async {
        scene.desk.heard(Topic::Patients, before) > 0
    })
    .await;
    assert_eq!(state(&later).await, GrantState::Live);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_altered_in_the_gateways_store_is_not_listed() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let summit = Hospital::open(&server.stage, "Summit Clinic").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..3 {
        given.push(server.grant(&patient, &harbour, everything(), everything(), NAME).await);
    }
    let elsewhere = server.grant(&patient, &summit, everything(), everything(), NAME).await;
    let [good, document, signature] = &given[..] else {
        panic!("three")
    };
    // Signed by the patient, but to another institution; the gateway offers it here.
    let moved = server.store().execute(
        "UPDATE grants SET institution = ?1 WHERE commitment = ?2",
        [harbour.id.0, elsewhere.commitment.0],
    );
    assert_eq!(moved.unwrap(), 1);
    // The document's seventh word is its expiry.
    flip_last_bit(&server, document, "document", 7 * 32);
    flip_last_bit(&server, signature, "signature", 64);
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    let rows = desk.work.patients().await.unwrap();
    let listed: Vec<&str> = rows.iter().map(|r| r.commitment.as_str()).collect();
    assert_eq!(listed, [good.commitment.to_string()]);
    for bad in [document, signature, &elsewhere] {
        let refused = desk.work.open_chart(&bad.commitment.to_string(), "Ward round").await;
        assert_eq!(refused.unwrap_err().code, "grant-unknown");
    }
}

/// Alters one bit of a grant in the gateway's store: the last of the first `bytes` bytes of a field in hex.
fn flip_last_bit(server: &Server, given: &Given, field: &str, bytes: usize) {
    let (store, id) = (server.store(), given.commitment.0);
    let text: String = store
        .query_row("SELECT document FROM grants WHERE commitment = ?1", [id], |row| {
            row.get(0)
        })
        .unwrap();
    let mut grant: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut value = hex::decode(grant[field].as_str().unwrap().trim_start_matches("0x")).unwrap();
    value[bytes - 1] ^= 1;
    grant[field] = hex::encode(value).into();
    let altered = store.execute(
        "UPDATE grants SET document = ?1 WHERE commitment = ?2",
        rusqlite::params![grant.to_string(), id],
    );
    assert_eq!(altered.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_written_stays_a_draft() {
    let scene = Scene::set("").await;
    let work = &scene.desk.work;
    let read_only = scene
        .server
        .grant(
            &scene.patient,
            &scene.harbour,
            everything(),
            mask(&[Section::Documents]),
            NAME,
        )
        .await
        .commitment
        .to_string();
    work.open_chart(&read_only, "Ward round").await.unwrap();
    work.save_draft(&read_only, both()).await.unwrap();
    let refused = work.write_note(&read_only, "Half a note").await.unwrap_err();
    assert_eq!(refused.code, "section-not-writable");
    let refused = work.write_prescription(&read_only, tablets()).await.unwrap_err();
    assert_eq!(refused.code, "section-not-writable");
    assert_eq!(work.draft(&read_only).await.unwrap(), Some(both()));
    scene.desk.port.pull();

    let reader = scene.server.card_with(&scene.harbour, "Dr Lena Brandt", 1).await;
    scene.desk.sign_in(&SoftCard::of(&reader, "1002")).await;
    scene.open().await;
    work.save_draft(&scene.commitment(), both()).await.unwrap();
    let refused = work.write_note(&scene.commitment(), "Half a note").await.unwrap_err();
    assert_eq!(refused.code, "device-right-missing");
    assert_eq!(scene.draft().await, Some(both()));
    assert!(work.outbox().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_chain_is_silent_nothing_is_read_and_what_is_written_arrives_once_later() {
    let mut scene = Scene::set("[chain]\nsilent_after = 2").await;
    scene.open().await;
    let (work, commitment) = (Arc::clone(&scene.desk.work), scene.commitment());
    scene.server.lose_chain();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let refused = work.open_chart(&commitment, "Ward round").await.unwrap_err();
    assert_eq!(refused.code, "chain-silent");
    work.write_note(&commitment, "While it was silent").await.unwrap();
    until("it waits", || async {
        let row = work.outbox().await.unwrap().remove(0);
        row.state == OutboxState::Waiting && row.detail.contains("chain")
    })
    .await;
    assert_eq!(stored(&scene.server), 0);
    scene.server.hear_chain();
    scene.desk.all_sent().await;
    assert_eq!(stored(&scene.server), 1);
    scene.open().await;
}

fn stored(server: &Server) -> u32 {
    server
        .store()
        .query_row("SELECT count(*) FROM records", [], |row| row.get(0))
        .unwrap()
}

/// A file system of its own of a few MiB.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where it may not be mounted.
    fn mount(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]);
        let done = mount.arg(folder.path()).output().is_ok_and(|o| o.status.success());
        done.then_some(Self(folder))
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).unwrap();
        while std::io::Write::write_all(&mut ballast, &[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.0.path().join("ballast")
    }

    fn data(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_new_and_loses_nothing_of_before() {
    let Some(disk) = SmallDisk::mount(16) else {
        println!("not run: a small file system can be mounted by root only");
        return;
    };
    let mut scene = Scene::set("").await;
    let settings = wardkey_desk::Settings {
        disk_reserve_mib: 1,
        ..scene.server.settings(&disk.data().join("data"), Some(&scene.harbour))
    };
    scene.desk = Desk::with(tempfile::tempdir().unwrap(), settings.clone());
    scene.desk.sign_in(&scene.doctor).await;
    scene.open().await;
    let (work, commitment) = (Arc::clone(&scene.desk.work), scene.commitment());
    scene.server.down().await;
    work.write_note(&commitment, "Acknowledged before").await.unwrap();
    work.save_draft(&commitment, both()).await.unwrap();
    work.import_preview(&commitment, &STANDARD.encode(SUMMARY))
        .await
        .unwrap();

    disk.fill();
    let full = work.save_draft(&commitment, Draft::note("More")).await.unwrap_err();
    assert_eq!(full.code, "disk-full");
    assert_eq!(
        work.write_note(&commitment, "More").await.unwrap_err().code,
        "disk-full"
    );
    assert_eq!(work.import_confirm(&commitment).await.unwrap_err().code, "disk-full");
    assert_eq!(scene.draft().await, Some(both()), "as it was");
    assert_eq!(work.outbox().await.unwrap().len(), 1, "nothing half queued");

    disk.free();
    work.save_draft(&commitment, Draft::note("More")).await.unwrap();
    work.write_note(&commitment, "More").await.unwrap();
    work.import_confirm(&commitment).await.unwrap();

    // The program ends while the disk is full, and the store opens again.
    disk.fill();
    scene.desk.port.pull();
    drop((
        work,
        std::mem::replace(&mut scene.desk, Desk::start(&scene.server, None)),
    ));
    tokio::time::sleep(Duration::from_secs(3)).await;
    disk.free();
    scene.server.up().await;
    scene.desk = Desk::with(tempfile::tempdir().unwrap(), settings);
    assert_eq!(scene.desk.snapshot().await.outbox.waiting, 16);
    scene.desk.sign_in(&scene.doctor).await;
    scene.desk.all_sent().await;
    assert_eq!(stored(&scene.server), 16, "two notes and the import, each once");
}

#[test]
fn even_a_disk_that_is_really_full_keeps_what_was_acknowledged() {
    // No reserve at all, as if somebody else took all space between the look and the write.
    for words in [1000, 100, 20, 1] {
        let Some(disk) = SmallDisk::mount(6) else {
            println!("not run: a small file system can be mounted by root only");
            return;
        };
        fill_to_the_brim(&disk, &Draft::note(&"Nausea since yesterday. ".repeat(words)));
    }
}

fn fill_to_the_brim(disk: &SmallDisk, draft: &Draft) {
    let data = disk.data().join("data");
    let (card, device) = (SoftKey::generate().unwrap(), DeviceId([7; 32]));
    let domain = Domain {
        chain_id: 1,
        contract: [2; 20],
        salt: [3; 32],
    };
    let of = |n: u64| Commitment(std::array::from_fn(|i| n.to_be_bytes()[i % 8]));
    let store = Store::open(&data, 0).unwrap();
    let owner = store.new_vault(&domain, &device, &card.public()).unwrap();
    std::fs::write(disk.ballast(), vec![0; 2 << 20]).unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        match store.save_draft(&owner.vault(), &of(acknowledged), draft) {
            Ok(()) => acknowledged += 1,
            Err(refused) => break refused,
        }
    };
    assert!(acknowledged > 10);
    assert_eq!(refused, StoreError::DiskFull);
    // Refused at the look, nothing is half done. Refused in the write, memory may hold what the disk does not: nothing of it may be sent.
    let stopped = store.outbox_rows(None) == Err(StoreError::Stopped);
    assert!(stopped || store.draft(&owner, &of(acknowledged)).unwrap().is_none());
    println!("{acknowledged} drafts, then refused; in the write: {stopped}");
    drop(store);

    disk.free();
    let store = reopened(&data);
    let peer = store.vault_peer(&device).unwrap().unwrap();
    let owner = store
        .open_vault(&domain, &device, &card.public(), &card.agree(&peer).unwrap())
        .unwrap();
    for n in 0..acknowledged {
        assert_eq!(store.draft(&owner, &of(n)).unwrap().as_ref(), Some(draft), "draft {n}");
    }
    store.save_draft(&owner.vault(), &of(acknowledged), draft).unwrap();
}

/// The store's own threads let go of its files a moment after it was dropped.
fn reopened(data: &Path) -> Store {
    let begun = Instant::now();
    loop {
        match Store::open(data, 0) {
            Err(StoreError::InUse) if begun.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            opened => return opened.unwrap(),
        }
    }
}
