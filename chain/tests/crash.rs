//! Killed in the middle of writes: what was acknowledged is there, and the ledger replays.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use common::{LATER, World, file, key};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wardkey_chain::{Chain as _, Embedded};
use wardkey_core::action::SignedAction;
use wardkey_core::id::Commitment;
use wardkey_core::permission::GrantStatus;
use wardkey_core::typed::structs;

const DIR: &str = "WARDKEY_TEST_CRASH_DIR";

fn commitment(n: u64) -> Commitment {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&n.to_be_bytes());
    Commitment(bytes)
}

/// Not a test of its own: the process that is killed. It says each grant's number after it was acknowledged.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let ledger = common::open(Path::new(&dir), &Arc::new(AtomicU64::new(common::START)));
    let (one_time, domain) = (key("one-time"), ledger.network().domain);
    for n in ledger.head().unwrap().number.. {
        let message = structs::Grant {
            commitment: commitment(n).0.into(),
            deadline: LATER,
        };
        let signature = one_time.sign_digest(&domain.digest(&message)).unwrap();
        let receipt = ledger
            .submit(&SignedAction::by_key(message, one_time.public(), signature))
            .unwrap();
        println!("acknowledged {n} in block {}", receipt.block);
    }
}

/// Starts the child, waits for `count` acknowledgements, kills it, and returns all that it acknowledged.
fn killed_after(dir: &Path, count: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged: Vec<u64> = lines
        .by_ref()
        .filter_map(|line| number(&line.unwrap()))
        .take(count)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between the last line read and its death counts too.
    acknowledged.extend(lines.filter_map(|line| number(&line.ok()?)));
    acknowledged
}

fn number(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("acknowledged ")?;
    rest.split_once(" in block ")?.0.parse().ok()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let world = World::new();
    let (dir, time) = (world.dir, world.time);
    drop(world.ledger);
    let mut all = Vec::new();
    for count in [1, 7, 40, 3, 90] {
        all.extend(killed_after(dir.path(), count));
        let ledger: Embedded = common::open(dir.path(), &time);
        for n in &all {
            let state = ledger.grant(&commitment(*n), &key("one-time").public()).unwrap();
            assert_eq!(state.status, GrantStatus::Live, "grant {n} was acknowledged");
        }
        let head = ledger.verify().unwrap();
        assert!(
            head > all.len() as u64,
            "genesis, deployment and {} grants in {head} blocks",
            all.len()
        );
        assert!(file(dir.path()).exists());
    }
    assert!(all.len() >= 141);
}
