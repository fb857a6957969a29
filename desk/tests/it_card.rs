//! IT's card: sets the secret up, opens it for a while, unblocks with it.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use serde_json::Value;
use support::{Desk, Server, SoftCard};
use wardkey_core::key::SoftKey;
use wardkey_desk::store::{ItCard, it_cards, keep_it_card, new_secret};
use wardkey_desk::view::ItState;
use wardkey_hsm::prepare::derive_puk;
use wardkey_hsm::{CardError, Slot};

async fn state(desk: &Desk) -> ItState {
    desk.work.it_card().await.unwrap().state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_survives_the_pull_of_its_card_and_no_lock() {
    let server = Server::start().await;
    let desk = Desk::start(&server, None);
    assert_eq!(state(&desk).await, ItState::None);
    let it = desk.it().await;
    let shown = desk.work.it_card().await.unwrap();
    assert_eq!((shown.state, shown.cards), (ItState::Open, vec!["7001".to_owned()]));
    let left = shown.until.unwrap() - wardkey_desk::clock::now();
    assert!((890..=900).contains(&left), "a quarter of an hour, not {left} s");

    let nurse = SoftCard::blank("1001");
    desk.swap(&nurse).await;
    desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap();
    assert_eq!(desk.work.found_it_card().await.unwrap_err().code, "it-card-exists");
    desk.work.lock().await.unwrap();
    assert_eq!(state(&desk).await, ItState::Locked);
    assert_eq!(desk.work.unlock_it_card().await.unwrap_err().code, "it-card-other");
    assert_eq!(desk.work.unblock_card().await.unwrap_err().code, "it-card-locked");
    desk.unlock(&it).await;
    desk.work.forget_it_card().await.unwrap();
    assert_eq!(state(&desk).await, ItState::Locked, "the area was left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clear_secret_is_taken_over_by_a_card_that_is_prepared_and_its_file_is_gone() {
    let server = Server::start().await;
    let desk = Desk::start(&server, None);
    let clear = desk.work.settings().data.join("it-secret");
    std::fs::write(&clear, [7; 32]).unwrap();
    assert_eq!(state(&desk).await, ItState::Clear);
    let it = SoftCard::blank("7001");
    desk.swap(&it).await;
    *desk.port.fails.lock().unwrap() = Some(wardkey_desk::Notice::of(&CardError::Cancelled));
    assert_eq!(desk.work.found_it_card().await.unwrap_err().code, "pin-cancelled");
    assert!(
        clear.exists(),
        "the clear file stays until the card has proved that it opens the secret"
    );
    desk.swap(&it).await;
    desk.work.found_it_card().await.unwrap();
    assert!(!clear.exists());
    assert_eq!(it.lock().unwrap().puk, *derive_puk(&[7; 32], "7001"), "the same secret");
    desk.unlock(&it).await;
    let nurse = SoftCard::blank("1001");
    desk.swap(&nurse).await;
    desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap();
    assert_eq!(nurse.lock().unwrap().puk, *derive_puk(&[7; 32], "1001"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_it_card_opens_it_too_and_a_secret_that_somebody_else_sealed_is_refused() {
    let server = Server::start().await;
    let desk = Desk::start(&server, None);
    let it = desk.it().await;
    let second = SoftCard::blank("7002");
    desk.swap(&second).await;
    assert_eq!(desk.work.add_it_card().await.unwrap_err().code, "card-not-prepared");
    desk.work.prepare_card("IT, second card", "IT").await.unwrap();
    desk.work.add_it_card().await.unwrap();
    desk.work.lock().await.unwrap();
    desk.unlock(&second).await;
    assert_eq!(desk.work.it_card().await.unwrap().cards, ["7001", "7002"]);

    // Whoever can write the folder seals a secret of their own to IT's card; only the card's own proof would make it IT's.
    let data = desk.work.settings().data.clone();
    let key = it.lock().unwrap().keys[&Slot::KeyManagement].public();
    let own = new_secret().unwrap();
    let mut forged = ItCard::seal(&own, "7001", &key).unwrap();
    forged.proof = it_cards(&data).unwrap()[0].proof;
    keep_it_card(&data, &forged).unwrap();
    desk.swap(&it).await;
    assert_eq!(desk.work.unlock_it_card().await.unwrap_err().code, "it-card-wrong");
    forged.proof = Some(
        SoftKey::generate()
            .unwrap()
            .sign_digest(&wardkey_desk::store::digest(&own))
            .unwrap(),
    );
    keep_it_card(&data, &forged).unwrap();
    assert_eq!(desk.work.unlock_it_card().await.unwrap_err().code, "it-card-wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_pin_is_unblocked_at_its_desk_and_written_down() {
    let server = Server::start().await;
    let desk = Desk::start(&server, None);
    let it = desk.it().await;
    let nurse = SoftCard::blank("1001");
    desk.swap(&nurse).await;
    desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap();
    nurse.lock().unwrap().tries_left = 0;
    desk.unlock(&it).await;
    desk.swap(&nurse).await;
    assert!(desk.snapshot().await.card.unwrap().blocked);
    desk.work.unblock_card().await.unwrap();
    assert!(!desk.snapshot().await.card.unwrap().blocked);

    nurse.lock().unwrap().puk = "55555555".to_owned();
    assert_eq!(desk.work.unblock_card().await.unwrap_err().code, "puk-wrong");
    let log = std::fs::read_to_string(desk.work.settings().data.join("it-log.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "only what was done");
    assert_eq!(
        (&lines[0]["what"], &lines[0]["card"], &lines[0]["itCard"]),
        (&"unblocked".into(), &"1001".into(), &"7001".into())
    );
}
