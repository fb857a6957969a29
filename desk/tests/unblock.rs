//! A PIN is unblocked from afar: the holder reads six words out to IT, who answers from another terminal.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};
use support::{Desk, Server, SoftCard, until};
use wardkey_core::id::InstitutionId;
use wardkey_desk::view::Snapshot;

/// IT's terminal with an institution and an approved doctor's card; a ward terminal; the card, its PIN blocked.
async fn blocked(server: &Server) -> (Desk, Desk, Arc<Mutex<SoftCard>>) {
    let (it, master, doctor) = (
        Desk::start(server, None),
        SoftCard::blank("9001"),
        SoftCard::blank("1001"),
    );
    let its = it.it().await;
    it.swap(&master).await;
    it.work.prepare_master().await.unwrap();
    it.work.register_institution("Harbour Hospital", "NL").await.unwrap();
    let id: InstitutionId = it.snapshot().await.master.unwrap().id.parse().unwrap();
    it.unlock(&its).await;
    it.swap(&doctor).await;
    it.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    let request = it.work.request_device().await.unwrap().request;
    it.swap(&master).await;
    it.work.master_sign_in().await.unwrap();
    it.work
        .approve(&request, 3, wardkey_desk::clock::now() + 86_400)
        .await
        .unwrap();
    it.unlock(&its).await;

    let folder = tempfile::tempdir().unwrap();
    let mut settings = server.settings(folder.path(), None);
    settings.institution = Some(id);
    let ward = Desk::with(folder, settings);
    doctor.lock().unwrap().tries_left = 0;
    ward.swap(&doctor).await;
    (it, ward, doctor)
}

fn words(snapshot: &Snapshot) -> Option<String> {
    snapshot.unblock.as_ref().map(|asked| asked.words.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holder_reads_six_words_and_chooses_a_new_pin_where_the_card_is() {
    let server = Server::start().await;
    let (it, ward, doctor) = blocked(&server).await;
    assert!(ward.snapshot().await.card.unwrap().blocked);
    assert_eq!(ward.work.sign_in().await.unwrap_err().code, "pin-blocked");
    ward.work.ask_unblock().await.unwrap();
    let spoken = words(&ward.snapshot().await).unwrap();

    assert_eq!(
        it.work.find_unblock("zoo zoo zoo").await.unwrap_err().code,
        "unblock-words"
    );
    let others = "zoo zoo zoo zoo zoo zoo";
    assert_eq!(it.work.find_unblock(others).await.unwrap_err().code, "unblock-unknown");
    let found = it.work.find_unblock(&spoken.to_uppercase()).await.unwrap();
    let told = (found.holder.as_str(), found.card.as_str(), found.terminal.as_str());
    assert_eq!(told, ("Dr Amara Diallo", "1001", "Ward 3"));
    it.work.answer_unblock(&found.request).await.unwrap();

    until("the holder has a new PIN", || async {
        let shown = ward.snapshot().await;
        shown.unblock.is_none() && shown.card.is_some_and(|card| !card.blocked)
    })
    .await;
    until("it is said", || async {
        ward.snapshot()
            .await
            .notice
            .is_some_and(|notice| notice.code == "pin-unblocked")
    })
    .await;
    let jobs = ward.port.jobs.lock().unwrap().clone();
    assert_eq!(jobs.last().unwrap().0, "Choose a new PIN");
    assert_eq!(doctor.lock().unwrap().tries_left, 5);
    ward.work.sign_in().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_card_or_a_second_thought_ends_the_request() {
    let server = Server::start().await;
    let (it, ward, doctor) = blocked(&server).await;
    ward.work.ask_unblock().await.unwrap();
    let spoken = words(&ward.snapshot().await).unwrap();
    let found = it.work.find_unblock(&spoken).await.unwrap();
    ward.port.pull();
    assert_eq!(words(&ward.snapshot().await), None);
    it.work.answer_unblock(&found.request).await.unwrap();
    ward.swap(&doctor).await;
    ward.work.ask_unblock().await.unwrap();
    assert_ne!(
        words(&ward.snapshot().await).unwrap(),
        spoken,
        "another request has other words"
    );
    ward.work.cancel_unblock().await.unwrap();
    assert_eq!(words(&ward.snapshot().await), None);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(doctor.lock().unwrap().tries_left, 0, "nothing opened by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_another_secret_is_told_and_costs_no_more_than_one_try() {
    let server = Server::start().await;
    let (it, ward, doctor) = blocked(&server).await;
    doctor.lock().unwrap().puk = "55555555".to_owned();
    ward.work.ask_unblock().await.unwrap();
    let spoken = words(&ward.snapshot().await).unwrap();
    let found = it.work.find_unblock(&spoken).await.unwrap();
    it.work.answer_unblock(&found.request).await.unwrap();
    until("it is said", || async {
        ward.snapshot()
            .await
            .notice
            .is_some_and(|notice| notice.code == "puk-wrong")
    })
    .await;
    assert_eq!(words(&ward.snapshot().await), None);
}
