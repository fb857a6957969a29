//! `wardkey verify-log` on a log in a folder: whole, grown, and altered in every way that a keeper of the log could try.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use wardkey_core::audit::{Audit, Bundle, SignedCheckpoint, TileName};
use wardkey_core::id::Digest;
use wardkey_core::key::{SoftKey, sha256};
use wardkey_core::typed::Domain;

const DOMAIN: Domain = Domain {
    chain_id: 7077,
    contract: [2; 20],
    salt: [3; 32],
};

/// A log and its keeper.
struct Log {
    folder: TempDir,
    key: SoftKey,
    leaves: Vec<Digest>,
}

impl Log {
    fn of(size: u64) -> Self {
        let mut log = Self {
            folder: tempfile::tempdir().unwrap(),
            key: SoftKey::generate().unwrap(),
            leaves: Vec::new(),
        };
        log.grow(size);
        let network = json!({ "name": "x", "chainId": 7077, "contract": hex(&DOMAIN.contract), "salt": hex(&DOMAIN.salt),
            "gateway": log.key.public() });
        std::fs::write(log.path("network.json"), network.to_string()).unwrap();
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn grow(&mut self, size: u64) {
        for n in self.leaves.len() as u64..size {
            self.leaves.push(Digest(sha256(&[&n.to_be_bytes()])));
        }
        self.publish();
    }

    /// Writes every file anew from the leaves, and signs.
    fn publish(&self) {
        let mut audit = Audit::default();
        for leaf in &self.leaves {
            for tile in audit.push(leaf) {
                self.write(&tile.tile.path(), bytes(&tile.hashes));
            }
        }
        for level in 0..8 {
            let hashes = audit.unfinished(level);
            if let Some(tile) = TileName::partial(level, audit.size(), hashes.len()) {
                self.write(&tile.path(), bytes(hashes));
            }
        }
        for (number, leaves) in self.leaves.chunks(256).enumerate() {
            let bundle = Bundle {
                number: number as u64,
                width: leaves.len() as u32,
            };
            self.write(&bundle.path(), Bundle::bytes(leaves));
        }
        self.sign(&SignedCheckpoint {
            size: audit.size(),
            root: audit.root(),
        });
    }

    fn sign(&self, checkpoint: &SignedCheckpoint) {
        let sign = |text: &[u8]| self.key.sign(text);
        self.write(
            "checkpoint",
            checkpoint.note(&DOMAIN, &self.key.public(), sign).unwrap(),
        );
    }

    fn verify(&self) -> Output {
        let run = Command::new(env!("CARGO_BIN_EXE_wardkey"))
            .args(["--json", "verify-log"])
            .arg(self.folder.path())
            .arg("--network")
            .arg(self.path("network.json"))
            .arg("--state")
            .arg(self.path("state.json"))
            .output();
        run.unwrap()
    }

    #[track_caller]
    fn sound(&self) -> Value {
        let output = self.verify();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, code: &str) {
        let output = self.verify();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["error"]["code"], code, "{told}");
        assert!(!output.status.success());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_log_that_grows_is_sound_each_time() {
    let mut log = Log::of(0);
    for size in [0, 1, 255, 256, 257, 700, 66_000] {
        let before = log.leaves.len();
        log.grow(size);
        let told = log.sound();
        assert_eq!(told["size"], size);
        assert!(size == 0 || told["since"] == before, "{told}");
    }
}

#[test]
fn an_altered_line_is_found_even_if_everything_is_made_anew() {
    let mut log = Log::of(300);
    log.sound();
    log.leaves[17] = Digest([9; 32]);
    log.publish();
    log.refused("log-root-wrong");
    log.leaves[17] = Digest(sha256(&[&17u64.to_be_bytes()]));
    log.publish();
    log.sound();
    log.leaves.remove(17);
    log.leaves.push(Digest([8; 32]));
    log.publish();
    log.refused("log-root-wrong");
}

#[test]
fn a_shortened_log_is_found() {
    let mut log = Log::of(300);
    log.sound();
    log.leaves.truncate(299);
    log.publish();
    log.refused("log-shorter");
}

#[test]
fn every_altered_file_is_found() {
    let log = Log::of(66_000);
    log.sound();
    for (name, code) in [
        ("tile/entries/000", "log-tile-wrong"),
        // Its lines complete no tile; the root of the run before is what they miss first.
        ("tile/entries/257.p/208", "log-root-wrong"),
        ("tile/0/000", "log-tile-wrong"),
        ("tile/0/257.p/208", "log-tile-wrong"),
        ("tile/1/000", "log-tile-wrong"),
        ("tile/1/001.p/1", "log-tile-wrong"),
        ("tile/2/000.p/1", "log-tile-wrong"),
    ] {
        let path = log.path(name);
        let kept = std::fs::read(&path).unwrap();
        flip(&path);
        log.refused(code);
        std::fs::remove_file(&path).unwrap();
        log.refused("log-missing");
        std::fs::write(&path, kept).unwrap();
    }
    log.sound();
}

#[test]
fn a_checkpoint_of_nobody_or_elsewhere_is_refused() {
    let mut log = Log::of(3);
    let root = Digest([7; 32]);
    log.sign(&SignedCheckpoint { size: 3, root });
    log.refused("log-root-wrong");
    log.publish();
    let key = std::mem::replace(&mut log.key, SoftKey::generate().unwrap());
    log.publish();
    log.refused("log-checkpoint-unsigned");
    log.key = key;
    log.publish();
    log.sound();
    log.write("checkpoint", "nothing");
    log.refused("log-checkpoint-malformed");
    log.write("state.json", "{}");
    log.refused("log-input");
}
