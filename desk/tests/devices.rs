//! The life of a card after its approval: last use, loss, "what did it do", renewal.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use support::{Desk, Server, SoftCard, everything, until};
use wardkey_desk::clock::now;
use wardkey_desk::view::{DeviceStatus, UseAction};
use wardkey_gateway::bench::actors::{Hospital, Patient};

const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_card_is_revoked_and_the_institution_learns_what_it_did() {
    let server = Server::start().await;
    let hospital = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let master = server.master(&hospital).await;
    let doctor = SoftCard::of(&server.card(&hospital, "Dr Amara Diallo").await, "1001");
    let colleague = SoftCard::of(&server.card(&hospital, "Dr Bo Lind").await, "1002");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server
        .grant(&patient, &hospital, everything(), everything(), "Lena Müller")
        .await;
    let desk = Desk::start(&server, Some(&hospital));
    let began = now();
    for (card, text) in [(&doctor, "Fell on the stairs."), (&colleague, "Seen again.")] {
        desk.sign_in(card).await;
        desk.work.patients().await.unwrap();
        let commitment = given.document.commitment().to_string();
        desk.work.open_chart(&commitment, "Ward round").await.unwrap();
        desk.work.write_note(&commitment, text).await.unwrap();
        desk.all_sent().await;
        desk.port.pull();
        desk.work.lock().await.unwrap();
    }

    desk.swap(&master).await;
    assert_eq!(
        desk.work.device_uses(&"0".repeat(64), 0).await.unwrap_err().code,
        "master-required"
    );
    desk.work.master_sign_in().await.unwrap();
    let rows = desk.work.devices().await.unwrap();
    let lost = rows.iter().find(|row| row.holder == "Dr Amara Diallo").unwrap();
    assert!(lost.last_use.unwrap() >= began && lost.note.is_empty());
    desk.work.revoke_device(&lost.device, " Lost or stolen ").await.unwrap();
    let rows = desk.work.devices().await.unwrap();
    let revoked = rows.iter().find(|row| row.device == lost.device).unwrap();
    assert_eq!(
        (revoked.status, revoked.note.as_str()),
        (DeviceStatus::Revoked, "Lost or stolen")
    );

    let report = desk.work.device_uses(&lost.device, began).await.unwrap();
    assert_eq!(
        (report.holder.as_str(), report.patients, report.sealed),
        ("Dr Amara Diallo", 1, 0)
    );
    let writes: Vec<_> = report
        .lines
        .iter()
        .filter(|line| line.action == UseAction::Write)
        .collect();
    assert_eq!(writes.len(), 1, "the colleague's note is not in it");
    assert!(report.lines.len() > 1, "the reading is");
    for line in &report.lines {
        assert_eq!(
            (line.name.as_str(), line.patient.as_str()),
            ("Lena Müller", patient.id.to_string().as_str())
        );
        assert!(line.action == UseAction::Write || line.reason == "Ward round");
    }
    assert!(
        desk.work
            .device_uses(&lost.device, now() + 10)
            .await
            .unwrap()
            .lines
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_ends_soon_is_told_and_renewed_without_a_new_card() {
    let server = Server::start().await;
    let hospital = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let master = server.master(&hospital).await;
    let doctor = SoftCard::of(&server.card(&hospital, "Dr Amara Diallo").await, "1001");
    let desk = Desk::start(&server, Some(&hospital));
    let renew = async |until: u64| {
        desk.swap(&master).await;
        desk.work.master_sign_in().await.unwrap();
        let rows = desk.work.requests().await.unwrap();
        assert_eq!((rows.len(), rows[0].others.len()), (1, 0));
        assert!(rows[0].renews.is_some(), "a renewal is told from a new card");
        desk.work.approve(&rows[0].request, 3, until).await.unwrap();
        assert!(desk.work.requests().await.unwrap().is_empty());
        let rows = desk.work.devices().await.unwrap();
        assert_eq!(
            (rows.len(), rows[0].not_after),
            (1, until),
            "the same card, longer or shorter"
        );
    };

    desk.sign_in(&doctor).await;
    assert_eq!(desk.snapshot().await.card_end, None, "a year is left");
    assert_eq!(desk.work.request_renewal().await.unwrap().words.len(), 6);
    let soon = now() + 10 * DAY;
    renew(soon).await;

    desk.swap(&doctor).await;
    desk.work.sign_in().await.unwrap();
    let end = desk.snapshot().await.card_end.unwrap();
    assert_eq!((end.not_after, end.requested), (soon, false));
    let jobs = desk.port.jobs.lock().unwrap().len();
    desk.work.request_renewal().await.unwrap();
    assert_eq!(desk.port.jobs.lock().unwrap().len(), jobs, "without another PIN");
    assert!(desk.snapshot().await.card_end.unwrap().requested);
    desk.swap(&doctor).await;
    desk.work.sign_in().await.unwrap();
    until("the waiting request is known after a new sign-in", || async {
        desk.snapshot().await.card_end.is_some_and(|end| end.requested)
    })
    .await;

    renew(now() + 700 * DAY).await;
    desk.swap(&doctor).await;
    desk.work.sign_in().await.unwrap();
    assert_eq!(desk.snapshot().await.card_end, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_card_of_the_same_person_is_pointed_out() {
    let server = Server::start().await;
    let hospital = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let master = server.master(&hospital).await;
    server.card(&hospital, "Dr Amara Diallo").await;
    let fresh = SoftCard::blank("1002");
    let desk = Desk::start(&server, Some(&hospital));
    desk.it().await;
    desk.swap(&fresh).await;
    desk.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    desk.work.request_device().await.unwrap();
    desk.swap(&master).await;
    desk.work.master_sign_in().await.unwrap();
    let rows = desk.work.requests().await.unwrap();
    assert_eq!((rows[0].renews, rows[0].others.len()), (None, 1));
}
