//! The command line on real parts: its own process, a gateway process, `pcscd` with virtual cards, the PIN window typed into.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod bench;
mod typist;

use bench::{Bench, IT, MASTER, state_of};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wardkey_virtual_card::rig::{PORTS, READERS};

const HOLDERS: usize = 12;

fn list(bench: &Bench) -> std::path::PathBuf {
    let lines: String = (1..=HOLDERS)
        .map(|n| format!("\"Person {n}, ward {}\",Nurse\n", n % 4))
        .collect();
    let path = bench.file("holders.csv");
    std::fs::write(&path, format!("holder,role\n{lines}")).unwrap();
    path
}

fn stands(rows: &[Value], stand: &str) -> usize {
    rows.iter().filter(|row| row["stand"] == stand).count()
}

#[test]
fn a_dozen_cards_in_two_readers_killed_in_the_middle_and_resumed() {
    let bench = Bench::new();
    bench.institution();
    let list = list(&bench);
    let path = list.to_str().unwrap();
    let arguments = ["card", "prepare", "--holders", path];

    // A master card lies in one of the readers at first: it is in use and must stay as it is.
    let master = bench.insert(PORTS[1], "master", MASTER);
    let before = bench.ok(&["card", "status", "--reader", READERS[1]]);
    let it = bench.insert(PORTS[0], "it", IT);
    let mut first = bench.start(&arguments);
    first.says("has unlocked");
    first.says("this card is not new");
    drop(it);
    bench.empty(READERS[0]);
    drop(master);
    assert_eq!(bench.run(&arguments).1["error"]["code"], "holders-in-use");

    let wanted = Arc::new(AtomicBool::new(false));
    let feeder = bench.feed(&list, HOLDERS, &wanted);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let rows = state_of(&list);
        let between = stands(&rows, "begun") + stands(&rows, "prepared");
        if stands(&rows, "requested") >= 4 && between >= 1 {
            break;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    first.kill();
    let killed = state_of(&list);
    // What IT's card had opened died with the process: it is asked for again.
    wanted.store(true, Ordering::SeqCst);
    let mut again = bench.start(&arguments);
    again.says("has unlocked");
    wanted.store(false, Ordering::SeqCst);
    let (code, summary) = again.end();
    feeder.join().unwrap();
    assert_eq!(
        (code, &summary["requested"], &summary["unfinished"]),
        (0, &json!(HOLDERS), &json!([]))
    );

    let rows = state_of(&list);
    assert_eq!(stands(&rows, "requested"), HOLDERS);
    let serials: HashSet<&str> = rows.iter().map(|row| row["serial"].as_str().unwrap()).collect();
    assert_eq!(serials.len(), HOLDERS, "one card each");
    for (was, is) in killed.iter().zip(&rows) {
        if was["serial"].is_string() {
            assert_eq!(was["serial"], is["serial"], "a card keeps its line");
        }
    }
    let _master = bench.insert(PORTS[1], "master", MASTER);
    assert_eq!(
        bench.ok(&["card", "status", "--reader", READERS[1]]),
        before,
        "the master card is as it was"
    );
    let waiting = bench.ok(&["device", "list", "--waiting", "--reader", READERS[1]]);
    let requests = waiting["requests"].as_array().unwrap();
    for row in &rows {
        let found = |request: &&Value| request["request"] == row["request"];
        let request = requests.iter().find(found).unwrap();
        assert_eq!((&request["card"], &request["holder"]), (&row["serial"], &row["holder"]));
        assert_eq!(
            (&request["words"], &request["evidence"]["verdict"]),
            (&row["words"], &json!("testRoot"))
        );
    }

    approved_and_revoked(&bench, &rows[0]);
}

fn approved_and_revoked(bench: &Bench, row: &Value) {
    let serial = row["serial"].as_str().unwrap();
    let words: Vec<&str> = row["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    let reader = ["--reader", READERS[1]];
    let with = |arguments: &[&str]| bench.run(&[arguments, &reader].concat());
    let wrong = with(&["device", "approve", serial, "--words", "zoo zoo zoo zoo zoo zoo"]);
    assert_eq!((wrong.0, &wrong.1["error"]["code"]), (5, &json!("words-differ")));
    let approved = with(&[
        "device",
        "approve",
        serial,
        "--words",
        &words.join(" "),
        "--rights",
        "read",
    ]);
    assert_eq!(
        (approved.0, &approved.1["approved"]),
        (0, &json!(serial)),
        "{}",
        approved.1
    );
    let unconfirmed = with(&["device", "revoke", serial, "--yes", "17"]);
    assert_eq!(
        (unconfirmed.0, &unconfirmed.1["error"]["code"]),
        (7, &json!("not-confirmed"))
    );
    let status = |with: &Value| {
        with["devices"]
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d["card"] == serial)
            .unwrap()
            .clone()
    };
    let listed = status(&with(&["device", "list"]).1);
    assert_eq!((&listed["status"], &listed["rights"]), (&json!("active"), &json!(1)));
    let revoked = with(&["device", "revoke", serial, "--yes", serial, "--reason", "Lost"]);
    assert_eq!(revoked.0, 0, "{}", revoked.1);
    let listed = status(&with(&["device", "list"]).1);
    assert_eq!(
        (&listed["status"], &listed["note"]),
        (&json!("revoked"), &json!("Lost"))
    );
    assert_eq!(
        with(&["device", "revoke", serial, "--yes", serial]).1["error"]["code"],
        "card-unknown"
    );
}

#[test]
fn one_card_from_the_factory_to_its_request_and_back() {
    let bench = Bench::new();
    bench.institution();
    let card = bench.insert(PORTS[0], "nurse", 30_000_001);
    let stage = || bench.ok(&["card", "status", "--reader", READERS[0]])["stage"]["stage"].clone();
    assert_eq!(stage(), "factory");
    let holder = ["--holder", "Ada Lin", "--role", "Nurse"];
    let early = bench.run(&[&["device", "request"][..], &holder].concat());
    assert_eq!((early.0, &early.1["error"]["code"]), (4, &json!("card-not-prepared")));
    let it = bench.insert(PORTS[1], "it", IT);
    let prepared = bench.ok(&[&["card", "prepare"][..], &holder].concat());
    assert_eq!(prepared["prepared"], card.serial());
    block_pin(card.reader());
    assert_eq!(stage(), "pinBlocked");
    assert_eq!(bench.ok(&["card", "unblock"])["unblocked"], card.serial());
    assert_eq!(stage(), "ready");
    let requesting = [&["device", "request", "--reader", READERS[0]][..], &holder].concat();
    // Another process, so nothing of the preparation is in memory: the evidence is read from the card.
    let requested = bench.ok(&requesting);
    assert_eq!(requested["words"].as_array().unwrap().len(), 6);
    let again = bench.run(&[&["card", "prepare"][..], &holder].concat());
    assert_eq!((again.0, &again.1["error"]["code"]), (4, &json!("pin-not-factory")));
    drop(it);
    bench.empty(READERS[1]);

    let wrong = bench.run(&["card", "reset", "--yes", "17"]);
    assert_eq!((wrong.0, &wrong.1["error"]["code"]), (7, &json!("not-confirmed")));
    assert_eq!(stage(), "ready", "nothing was touched");
    assert_eq!(
        bench.ok(&["card", "reset", "--yes", &card.serial()])["reset"],
        card.serial()
    );
    assert_eq!(stage(), "factory");
}

/// Somebody types wrong PINs until none is looked at any more.
fn block_pin(reader: &str) {
    let mut card = wardkey_hsm::PivCard::open(reader).unwrap();
    let wrong = wardkey_hsm::Pin::new(b"90807060").unwrap();
    while card.with_pin(&wrong, |_| Ok(())) != Err(wardkey_hsm::CardError::PinBlocked) {}
}

#[test]
fn mistakes_are_told_before_a_card_is_touched() {
    let bench = Bench::new();
    let code = |arguments: &[&str]| {
        let (exit, said) = bench.run(arguments);
        (exit, said["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(&["card", "status"]), (4, "card-absent".to_owned()));
    assert_eq!(
        code(&["card", "status", "--reader", "None such"]),
        (4, "card-no-reader".to_owned())
    );
    let _card = bench.insert(PORTS[0], "fresh", 30_000_002);
    let list = bench.file("wrong.csv");
    std::fs::write(&list, "holder,role\nAda Lin,Nurse\n,Doctor\n").unwrap();
    let arguments = ["card", "prepare", "--holders", list.to_str().unwrap()];
    assert_eq!(code(&arguments), (3, "holders-wrong".to_owned()));
    assert_eq!(bench.ok(&["card", "status"])["stage"]["stage"], "factory");
    let _other = bench.insert(PORTS[1], "other", 30_000_003);
    assert_eq!(code(&["card", "status"]), (4, "card-several".to_owned()));
    assert_eq!(
        code(&["--settings", "none.toml", "device", "list", "--reader", READERS[0]]),
        (3, "settings-unreadable".to_owned())
    );
}
