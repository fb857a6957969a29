//! A disk that is really full: the data folder on a small tmpfs. Mounting one needs root.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use rustix::process::geteuid;
use std::fs::{File, remove_file};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{ALLERGIES, Place, Scene, done, refused, terms};
use tempfile::TempDir;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::fault::Coded as _;
use wardkey_core::id::Digest;
use wardkey_core::log::verify_inclusion;
use wardkey_core::typed::structs;
use wardkey_gateway::bench::stage::{Ask, Reply};
use wardkey_gateway::{Clock, Gateway, Settings};

/// A disk of its own.
struct Disk(TempDir);

impl Disk {
    /// `None`, and a word about it, where the tests do not run as root.
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder.path())
            .output()
            .unwrap();
        if made.status.success() {
            return Some(Self(folder));
        }
        let why = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(
            !geteuid().is_root(),
            "root may not mount a tmpfs here: {why}Run the tests where it may (CAP_SYS_ADMIN)."
        );
        eprintln!("NOT RUN: a disk that is really full needs root, to mount one");
        None
    }

    fn folder(&self) -> TempDir {
        tempfile::tempdir_in(self.0.path()).unwrap()
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// What was answered while the disk became full, and what could not be stored any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Done {
    writes: u64,
    reads: u64,
    grants: u64,
    revokes: u64,
}

impl Scene {
    async fn ask_grant(&self) -> Reply {
        let given = self
            .patient
            .document(&self.stage, &self.harbour, terms(self.place.now()))
            .unwrap();
        let body = self.patient.body(&self.stage, &self.harbour, &given).unwrap();
        let ask = Ask::post("/v1/grants", &body);
        self.stage.signed(self.patient.signer(), ask).await.unwrap()
    }

    /// Revokes a grant that was never given, which the contract takes.
    async fn ask_revoke(&self) -> Reply {
        let given = self
            .patient
            .document(&self.stage, &self.harbour, terms(self.place.now()))
            .unwrap();
        let action: Action = structs::Revoke {
            commitment: given.commitment.0.into(),
            deadline: self.place.now() + 600,
        }
        .into();
        let signature = given.key.sign(&action.preimage(self.stage.gateway.domain())).unwrap();
        self.stage
            .submit(&SignedAction::by_key(action, given.key.public(), signature))
            .await
            .unwrap()
    }

    /// One of each; whatever is not done is refused because the disk is full.
    async fn one_of_each(&self) -> Done {
        let record = self.record(ALLERGIES, &"x".repeat(5_000));
        let count = |reply: Reply| {
            if !reply.status.is_success() {
                refused(&reply, 507, "disk-full");
            }
            u64::from(reply.status.is_success())
        };
        Done {
            writes: count(self.write(&[record]).await),
            reads: count(self.read("3").await),
            grants: count(self.ask_grant().await),
            revokes: count(self.ask_revoke().await),
        }
    }

    /// What was told as done is there, nothing else is, and the log and the ledger prove.
    async fn holds(&self, told: Done) {
        let log = self.log().await;
        let entries = log["entries"].as_array().unwrap();
        let sequences: Vec<_> = entries.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, (0..told.writes + told.reads).collect::<Vec<_>>());
        let count = |table: &str| -> u64 {
            let text = format!("SELECT count(*) FROM {table}");
            self.place.store().query_row(&text, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("records"), count("log")), (told.writes, sequences.len() as u64));
        let ask = Ask::get(format!("/v1/patients/{}/grants", self.patient.id));
        let grants = done(&self.stage.signed(self.patient.signer(), ask).await.unwrap());
        assert_eq!(grants.as_array().unwrap().len() as u64, told.grants);
        assert_eq!(
            self.place.wire.verify(),
            self.place.stage.gateway.ledger.heard().head.number
        );
    }

    /// Reads the allergies: every record, and a proof that holds.
    async fn proves(&self, told: &mut Done) {
        let read = done(&self.read("2").await);
        told.reads += 1;
        assert_eq!(read["records"].as_array().unwrap().len() as u64, told.writes);
        let line = &read["log"][0];
        let digest = |name: &str| serde_json::from_value::<Digest>(line[name].clone()).unwrap();
        let path: Vec<Digest> = serde_json::from_value(line["path"].clone()).unwrap();
        let (size, index) = (line["size"].as_u64().unwrap(), line["index"].as_u64().unwrap());
        assert_eq!(size, told.writes + told.reads);
        verify_inclusion(size, &digest("root"), index, &digest("leaf"), &path).unwrap();
    }
}

impl std::ops::AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.writes += other.writes;
        self.reads += other.reads;
        self.grants += other.grants;
        self.revokes += other.revokes;
    }
}

const ALL: Done = Done {
    writes: 1,
    reads: 1,
    grants: 1,
    revokes: 1,
};

/// Asks until nothing is done any more: SQLite has some room left in files that it made larger before.
async fn until_full(scene: &Scene, told: &mut Done) {
    for _ in 0..500 {
        let done = scene.one_of_each().await;
        if done == Done::default() {
            return;
        }
        *told += done;
    }
    panic!("the disk never became full: {told:?}");
}

fn refusal_to_start(data: &Path) -> &'static str {
    let settings = Settings {
        data: data.to_owned(),
        ..Settings::parse("").unwrap()
    };
    Gateway::open(settings, Clock::system()).err().unwrap().code()
}

#[tokio::test]
async fn a_disk_without_room_is_told_nothing_is_half_written_and_with_room_all_goes_on() {
    let Some(disk) = Disk::mount(24) else { return };
    let scene = Scene::in_place(Place::at(disk.folder(), "")).await;
    // The scene's own grant.
    let mut told = Done {
        grants: 1,
        ..Done::default()
    };
    let blocks = scene.place.wire.verify();
    told += scene.one_of_each().await;
    disk.fill();
    until_full(&scene, &mut told).await;
    scene.holds(told).await;
    assert_eq!(scene.place.wire.verify(), blocks + told.grants - 1 + told.revokes);

    let large: Vec<_> = (0..4)
        .map(|_| scene.record(ALLERGIES, &"x".repeat(1_000_000)))
        .collect();
    refused(&scene.write(&large).await, 507, "disk-full");

    // Started again without room, it still tells; it does not start where SQLite cannot even make its index of the journal.
    let scene = scene.restarted(|_| disk.fill());
    until_full(&scene, &mut told).await;
    scene.holds(told).await;
    let scene = scene.restarted(|data| {
        remove_file(data.join("store.sqlite-shm")).unwrap();
        disk.fill();
        assert_eq!(refusal_to_start(data), "disk-full");
        remove_file(data.join("ledger.sqlite-shm")).unwrap();
        disk.fill();
        assert_eq!(refusal_to_start(data), "disk-full");
        disk.free();
    });

    for _ in 0..3 {
        assert_eq!(scene.one_of_each().await, ALL);
        told += ALL;
    }
    scene.proves(&mut told).await;
    let scene = scene.restarted(|data| assert!(!data.join("store.sqlite-wal").exists(), "it had ended"));
    scene.holds(told).await;
    scene.proves(&mut told).await;
    assert_eq!(scene.one_of_each().await, ALL);
}
