//! The clinician's day: import, read elsewhere, write, revocation, outbox, drafts, an altered record.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use base64::engine::{Engine as _, general_purpose::STANDARD};
use std::time::{Duration, Instant};
use support::{Desk, OTHER_READER, Server, SoftCard, everything, mask, until};
use wardkey_core::section::Section;
use wardkey_desk::Notice;
use wardkey_desk::view::{
    Chart, ChartSection, Draft, DraftKind, GrantState, OutboxState, PhaseName, Prescription, SectionState,
    SignatureState, SignedWith, Topic,
};
use wardkey_gateway::bench::actors::{Hospital, Patient};

const SUMMARY: &[u8] = include_bytes!("../fixtures/traveller.json");
const NAME: &str = "Mira Okonjo";

fn section(chart: &Chart, section: Section) -> &ChartSection {
    chart.sections.iter().find(|s| s.section == section).unwrap()
}

fn titles(chart: &Chart, of: Section) -> Vec<&str> {
    section(chart, of).entries.iter().map(|e| e.title.as_str()).collect()
}

fn note(text: &str) -> Draft {
    Draft {
        kind: DraftKind::Note,
        text: text.to_owned(),
        fields: [].into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_written_in_one_hospital_is_read_and_continued_in_another() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let summit = Hospital::open(&server.stage, "Summit Clinic").await.unwrap();
    let home = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let away = SoftCard::of(&server.card(&summit, "Dr Lena Brandt").await, "1002");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let first = server.grant(&patient, &harbour, everything(), everything(), NAME).await;

    // Harbour imports.
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&home).await;
    let rows = desk.work.patients().await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].name.as_str(), rows[0].state, rows[0].fresh),
        (1, NAME, GrantState::Live, false)
    );
    let commitment = first.commitment.to_string();
    let chart = desk.work.open_chart(&commitment, "Admission").await.unwrap();
    assert!(chart.sections.iter().all(|s| s.state == SectionState::Empty));
    let log = chart.log.unwrap();
    assert_eq!(log.index, 18, "one line for each of the 19 sections");
    let preview = desk
        .work
        .import_preview(&commitment, &STANDARD.encode(SUMMARY))
        .await
        .unwrap();
    assert_eq!(preview.title, "Patient summary of Mira Okonjo");
    assert!(preview.warnings.is_empty(), "{:?}", preview.warnings);
    let done = desk.work.import_confirm(&commitment).await.unwrap();
    assert_eq!((done.records, preview.total), (14, 14), "13 resources and the original");
    assert_eq!(
        desk.work.import_confirm(&commitment).await.unwrap_err().code,
        "import-none"
    );
    desk.all_sent().await;

    // Summit sees the grant arrive by itself, and reads what was granted.
    let ward = Desk::start(&server, Some(&summit));
    ward.sign_in(&away).await;
    assert!(ward.work.patients().await.unwrap().is_empty());
    until("the terminal listens", || async {
        ward.heard(Topic::Requests, Instant::now() - Duration::from_secs(60)) > 0
    })
    .await;
    let before = Instant::now();
    let read = everything() & !mask(&[Section::PastProblems]);
    let second = server
        .grant(
            &patient,
            &summit,
            read,
            mask(&[Section::Encounters, Section::Medications]),
            NAME,
        )
        .await;
    until("the grant arrives", || async {
        ward.heard(Topic::Patients, before) > 0
    })
    .await;
    println!("granted, then heard after {} ms", before.elapsed().as_millis());
    let rows = ward.work.patients().await.unwrap();
    assert!(rows[0].fresh);
    let commitment = second.commitment.to_string();
    let start = Instant::now();
    let chart = ward
        .work
        .open_chart(&commitment, "Emergency, patient confused")
        .await
        .unwrap();
    println!(
        "chart of {} records opened in {} ms",
        chart.sections.iter().map(|s| s.entries.len()).sum::<usize>(),
        start.elapsed().as_millis()
    );
    assert!(!ward.work.patients().await.unwrap()[0].fresh);
    assert_eq!(titles(&chart, Section::Allergies), ["Penicillin"]);
    assert_eq!(
        titles(&chart, Section::Medications),
        ["Apixaban 5 mg tablet", "Ramipril 5 mg tablet"]
    );
    assert_eq!(section(&chart, Section::PastProblems).state, SectionState::Withheld);
    assert_eq!(section(&chart, Section::VitalSigns).state, SectionState::Empty);
    let potassium = &section(&chart, Section::Results).entries[1];
    assert_eq!(potassium.value.as_ref().unwrap().number, 5.3);
    for entry in chart.sections.iter().flat_map(|s| &s.entries) {
        assert_eq!(
            (entry.signature, entry.source.institution.as_str()),
            (SignatureState::Verified, "Harbour Hospital")
        );
        assert_eq!(entry.source.author, "Dr Amara Diallo");
    }

    // She writes; what she may not write is refused and kept.
    ward.work.save_draft(&commitment, note("Seen at 03:10")).await.unwrap();
    ward.work
        .write_note(&commitment, "Seen at 03:10, K+ 5.3")
        .await
        .unwrap();
    assert_eq!(
        ward.work.draft(&commitment).await.unwrap(),
        None,
        "written, so no draft any more"
    );
    ward.work.write_prescription(&commitment, calcium()).await.unwrap();
    let jobs: Vec<String> = ward.port.jobs.lock().unwrap().iter().map(|j| j.0.clone()).collect();
    assert_eq!(jobs, ["Sign in", "Sign prescription"], "the PIN is asked for again");
    let refused = ward
        .work
        .import_preview(&commitment, &STANDARD.encode(SUMMARY))
        .await
        .unwrap();
    assert!(refused.warnings.iter().any(|w| w.code == "import-section-not-writable"));
    ward.all_sent().await;
    let chart = ward.work.open_chart(&commitment, "Check").await.unwrap();
    let own = &section(&chart, Section::Encounters).entries[0];
    assert_eq!(
        (own.title.as_str(), own.detail.as_str(), own.signature),
        ("Encounter note", "Seen at 03:10, K+ 5.3", SignatureState::Verified)
    );
    let signed = section(&chart, Section::Medications)
        .entries
        .iter()
        .find(|e| e.kind == "MedicationRequest")
        .unwrap();
    assert_eq!(
        (signed.by_key, signed.signature, signed.source.author.as_str()),
        (SignedWith::Signature, SignatureState::Verified, "Dr Lena Brandt")
    );

    // Home sees both.
    let chart = desk
        .work
        .open_chart(&first.commitment.to_string(), "Follow-up")
        .await
        .unwrap();
    assert_eq!(titles(&chart, Section::Encounters), ["Encounter note"]);
    assert_eq!(section(&chart, Section::Medications).entries.len(), 3);

    // The patient revokes Summit: the open chart closes, the next read is refused.
    let before = Instant::now();
    patient.revoke(&server.stage, &second).await.unwrap();
    until("the chart closes", || async {
        ward.work.chart().await.unwrap().is_none()
    })
    .await;
    println!("revoked, then closed after {} ms", before.elapsed().as_millis());
    assert_eq!(ward.snapshot().await.notice.unwrap().code, "grant-revoked");
    assert_eq!(
        ward.work.open_chart(&commitment, "Once more").await.unwrap_err().code,
        "grant-revoked"
    );
    until("the list says so", || async {
        ward.work.patients().await.unwrap()[0].state == GrantState::Revoked
    })
    .await;
    assert_eq!(desk.work.patients().await.unwrap()[0].state, GrantState::Live);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_card_covers_at_once_and_nothing_typed_is_lost() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let nurse = SoftCard::of(&server.card(&harbour, "Nurse Kofi Mensah").await, "1003");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.work.save_draft(&commitment, note("Patient rep")).await.unwrap();

    let start = Instant::now();
    desk.port.pull();
    let took = start.elapsed();
    println!("removal covered after {} µs", took.as_micros());
    assert!(took < Duration::from_millis(100));
    let covered = desk.snapshot().await;
    assert_eq!((covered.phase, covered.covered), (PhaseName::Locked, true));
    assert_eq!(covered.user.unwrap().holder, "Dr Amara Diallo");
    assert_eq!(covered.lock.unwrap().reason, "card-removed");
    assert!(desk.heard(Topic::Snapshot, start) > 0);
    assert!(desk.work.chart().await.unwrap().is_none(), "no plaintext stays");
    assert_eq!(desk.work.patients().await.unwrap_err().code, "sign-in-required");
    assert_eq!(desk.work.draft(&commitment).await.unwrap_err().code, "sign-in-required");
    // The window hands over the last letters a moment later; sealing needs no secret.
    desk.work
        .save_draft(&commitment, note("Patient reports nausea"))
        .await
        .unwrap();

    // Another card is another user.
    desk.sign_in(&nurse).await;
    let other = desk.snapshot().await;
    assert_eq!(
        (other.phase, other.covered, other.user.unwrap().holder.as_str()),
        (PhaseName::Open, false, "Nurse Kofi Mensah")
    );
    assert_eq!(desk.work.draft(&commitment).await.unwrap(), None);
    assert!(desk.work.chart().await.unwrap().is_none());
    desk.port.pull();
    assert!(desk.snapshot().await.covered);

    // The same card resumes.
    desk.sign_in(&doctor).await;
    assert!(!desk.snapshot().await.covered);
    assert_eq!(
        desk.work.draft(&commitment).await.unwrap().unwrap().text,
        "Patient reports nausea"
    );
    desk.work.lock().await.unwrap();
    let locked = desk.snapshot().await;
    assert_eq!(
        (locked.phase, locked.covered, locked.user),
        (PhaseName::CardPresent, false, None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_service_that_ends_is_told_until_it_is_back() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.work.save_draft(&commitment, note("Half a no")).await.unwrap();

    desk.port.service_down();
    let covered = desk.snapshot().await;
    assert_eq!((covered.phase, covered.covered), (PhaseName::Locked, true));
    assert_eq!(covered.notice.unwrap().code, "card-service-down");
    desk.work.save_draft(&commitment, note("Half a note")).await.unwrap();
    desk.work.lock().await.unwrap();
    let locked = desk.snapshot().await;
    assert_eq!((locked.phase, locked.covered), (PhaseName::Locked, false));
    assert_eq!(locked.notice.unwrap().code, "card-service-down", "it is still down");
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "card-absent");
    assert_eq!(desk.snapshot().await.notice.unwrap().code, "card-service-down");

    desk.port.service_up();
    assert_eq!(desk.snapshot().await.notice, None);
    desk.sign_in(&doctor).await;
    assert_eq!(desk.work.draft(&commitment).await.unwrap().unwrap().text, "Half a note");
}

fn calcium() -> Prescription {
    Prescription {
        medication: "Calcium gluconate 10 %".into(),
        dose: "10 ml slowly i.v.".into(),
        quantity: "1 ampoule".into(),
        reason: "Hyperkalaemia".into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_cards_nobody_signs_in_or_signs() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let nurse = SoftCard::of(&server.card(&harbour, "Nurse Kofi Mensah").await, "1003");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    let shown = || async { desk.snapshot().await.notice.map(|n| n.code) };
    desk.port.insert(&doctor);
    until("the card is read", || async { desk.snapshot().await.card.is_some() }).await;
    desk.port.insert_into(OTHER_READER, &nurse);
    assert_eq!(shown().await.as_deref(), Some("card-two"));
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "card-two");
    assert!(desk.port.jobs.lock().unwrap().is_empty(), "no PIN was asked for");
    desk.port.pull_from(OTHER_READER);
    assert_eq!(shown().await, None);
    desk.work.sign_in().await.unwrap();

    // The second card ends no session, but nothing is signed while it is there.
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.port.insert_into(OTHER_READER, &nurse);
    let open = desk.snapshot().await;
    assert_eq!(
        (open.phase, open.notice.unwrap().code.as_str()),
        (PhaseName::Open, "card-two")
    );
    let refused = desk.work.write_prescription(&commitment, calcium()).await.unwrap_err();
    assert_eq!(refused.code, "card-two");
    assert!(desk.work.outbox().await.unwrap().is_empty());
    desk.port.pull_from(OTHER_READER);
    assert_eq!(shown().await, None);
    desk.work.write_prescription(&commitment, calcium()).await.unwrap();

    // Pulling the signed-in one covers; the one that stays is another user.
    desk.port.insert_into(OTHER_READER, &nurse);
    desk.port.pull();
    until("the other card is read", || async {
        desk.snapshot().await.card.is_some()
    })
    .await;
    let covered = desk.snapshot().await;
    assert_eq!((covered.phase, covered.covered), (PhaseName::CardPresent, true));
    assert_eq!((covered.notice, covered.card.unwrap().serial.as_str()), (None, "1003"));
    desk.work.sign_in().await.unwrap();
    assert_eq!(desk.snapshot().await.user.unwrap().holder, "Nurse Kofi Mensah");
    assert!(desk.work.chart().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_pulled_while_it_signs_a_prescription_sends_nothing_and_loses_nothing() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let draft = Draft {
        kind: DraftKind::Prescription,
        text: String::new(),
        fields: [("medication".to_owned(), "Calcium gluconate 10 %".to_owned())].into(),
    };
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.work.save_draft(&commitment, draft.clone()).await.unwrap();

    // The answer of the card comes, but too late.
    *desk.port.pull_in_window.lock().unwrap() = true;
    let told = desk.work.write_prescription(&commitment, calcium()).await.unwrap_err();
    assert_eq!(told.code, "card-removed");
    assert!(desk.snapshot().await.covered);
    desk.sign_in(&doctor).await;
    assert!(desk.work.outbox().await.unwrap().is_empty(), "nothing was signed");
    assert_eq!(desk.work.draft(&commitment).await.unwrap(), Some(draft.clone()));

    // The card goes in the middle of the command.
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    *desk.port.fails.lock().unwrap() = Some(Notice::of(&wardkey_hsm::CardError::Pulled));
    let told = desk.work.write_prescription(&commitment, calcium()).await.unwrap_err();
    assert_eq!(told.code, "card-pulled");
    assert!(desk.work.outbox().await.unwrap().is_empty());
    assert_eq!(desk.work.draft(&commitment).await.unwrap(), Some(draft));
    desk.work.write_prescription(&commitment, calcium()).await.unwrap();
    assert_eq!(desk.work.draft(&commitment).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_fails_or_comes_too_late_opens_nothing() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let card = server.card(&harbour, "Dr Amara Diallo").await;
    let (doctor, stranger) = (SoftCard::of(&card, "1001"), SoftCard::blank("666"));
    let desk = Desk::start(&server, Some(&harbour));
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "card-absent");

    desk.port.insert(&doctor);
    let wrong = Notice::of(&wardkey_hsm::CardError::WrongPin { tries_left: 2 });
    *desk.port.fails.lock().unwrap() = Some(wrong);
    let told = desk.work.sign_in().await.unwrap_err();
    assert_eq!(told.code, "pin-wrong");
    assert!(told.message.contains("2 tries left"));
    assert_eq!(desk.snapshot().await.phase, PhaseName::CardPresent);

    *desk.port.pull_in_window.lock().unwrap() = true;
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "card-removed");
    let state = desk.snapshot().await;
    assert_eq!(
        (state.phase, state.covered, state.user),
        (PhaseName::Locked, false, None)
    );
    assert_eq!(desk.work.patients().await.unwrap_err().code, "sign-in-required");

    desk.port.insert(&stranger);
    until("the card is read", || async { desk.snapshot().await.card.is_some() }).await;
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "pin-default");
    desk.port.pull();

    harbour.revoke(&server.stage, &card).await.unwrap();
    desk.port.insert(&doctor);
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "device-revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_card_is_covered_while_it_is_signed_in() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let card = server.card(&harbour, "Dr Amara Diallo").await;
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&SoftCard::of(&card, "1001")).await;
    desk.work.patients().await.unwrap();
    harbour.revoke(&server.stage, &card).await.unwrap();
    until("the terminal is covered", || async {
        let _ = desk.work.patients().await;
        desk.snapshot().await.covered
    })
    .await;
    assert_eq!(desk.snapshot().await.lock.unwrap().reason, "device-revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_while_the_gateway_is_down_arrives_once() {
    let mut server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    server.down().await;
    desk.work.write_note(&commitment, "First, offline").await.unwrap();
    desk.work.write_note(&commitment, "Second, offline").await.unwrap();
    until("offline is shown", || async {
        desk.snapshot().await.outbox.waiting == 2
    })
    .await;
    assert_eq!(desk.work.patients().await.unwrap().len(), 1, "the list of before stays");
    let rows = desk.work.outbox().await.unwrap();
    assert!(rows.iter().all(|r| r.patient == NAME && r.state != OutboxState::Sent));
    server.up().await;
    desk.all_sent().await;
    let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    let mut notes: Vec<&str> = section(&chart, Section::Encounters)
        .entries
        .iter()
        .map(|e| e.detail.as_str())
        .collect();
    notes.sort_unstable();
    assert_eq!(notes, ["First, offline", "Second, offline"]);

    // The workstation ends and starts again with something waiting: sent after the next sign-in, once.
    server.down().await;
    desk.work
        .write_note(&commitment, "Third, before a crash")
        .await
        .unwrap();
    let Desk { folder, work, port, .. } = desk;
    port.pull();
    let settings = server.settings(folder.path(), Some(&harbour));
    drop((work, port));
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.up().await;
    let desk = Desk::with(folder, settings);
    assert_eq!(desk.snapshot().await.outbox.waiting, 1);
    desk.sign_in(&doctor).await;
    desk.all_sent().await;
    let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    assert_eq!(section(&chart, Section::Encounters).entries.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_altered_in_the_store_is_shown_as_invalid() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&doctor).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.work.write_note(&commitment, "Stop apixaban").await.unwrap();
    desk.all_sent().await;
    let store = rusqlite::Connection::open(server.folder.path().join("store.sqlite")).unwrap();
    let document: String = store
        .query_row("SELECT document FROM records", [], |row| row.get(0))
        .unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&document).unwrap();
    let time = record["header"]["time"].as_u64().unwrap();
    record["header"]["time"] = (time + 1).into();
    store
        .execute("UPDATE records SET document = ?1", [record.to_string()])
        .unwrap();
    let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    let entry = &section(&chart, Section::Encounters).entries[0];
    assert_eq!((entry.signature, entry.detail.as_str()), (SignatureState::Invalid, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_gateway_than_the_known_one_is_refused() {
    let (first, second) = (Server::start().await, Server::start().await);
    let harbour = Hospital::open(&first.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&first.card(&harbour, "Dr Amara Diallo").await, "1001");
    let desk = Desk::start(&first, Some(&harbour));
    desk.sign_in(&doctor).await;
    let Desk { folder, work, port, .. } = desk;
    drop((work, port));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let settings = second.settings(folder.path(), Some(&harbour));
    let desk = Desk::with(folder, settings);
    desk.port.insert(&doctor);
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "network-changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lasts_as_long_as_the_card_stays_verified_and_no_longer() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
    let folder = tempfile::tempdir().unwrap();
    // 60 of these seconds are slack for clocks, so each delegation holds for 14 seconds from now.
    let settings = wardkey_desk::Settings {
        session_seconds: 74,
        ..server.settings(folder.path(), Some(&harbour))
    };
    let desk = Desk::with(folder, settings);
    desk.sign_in(&doctor).await;
    tokio::time::sleep(Duration::from_secs(17)).await;
    desk.work
        .open_chart(&given.commitment.to_string(), "Ward round")
        .await
        .unwrap();
    assert_eq!(desk.snapshot().await.phase, PhaseName::Open);
    assert_eq!(desk.port.jobs.lock().unwrap().len(), 1, "renewed without a PIN");
    // Another program made the card forget its PIN.
    desk.port.forget();
    until("the session ends", || async { desk.snapshot().await.covered }).await;
    let state = desk.snapshot().await;
    assert_eq!(
        (state.phase, state.lock.unwrap().reason.as_str()),
        (PhaseName::CardPresent, "session-ended")
    );
    desk.work.sign_in().await.unwrap();
    assert!(!desk.snapshot().await.covered);
}
