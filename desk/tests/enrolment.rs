//! From two blank cards to a doctor who signs in: master key, registration, request, approval, poster.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};
use support::{Desk, Server, SoftCard};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::id::InstitutionId;
use wardkey_core::key::SoftKey;
use wardkey_core::masters::{MasterKey, Masters};
use wardkey_core::typed::structs::SetMasters;
use wardkey_desk::view::{CardDeviceStatus, DeviceStatus, EvidenceVerdict, MasterStatus, PhaseName};
use wardkey_gateway::operator::Order;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_and_its_first_doctor() {
    let server = Server::start().await;
    let (master, doctor) = (SoftCard::blank("9001"), SoftCard::blank("1001"));
    let desk = Desk::start(&server, None);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&steps);
    desk.work
        .on_progress(move |p| sink.lock().unwrap().push(p.step.clone()));
    assert_eq!(desk.work.poster().await.unwrap_err().code, "institution-not-set");

    // IT's card.
    desk.swap(&master).await;
    assert_eq!(desk.work.prepare_master().await.unwrap_err().code, "it-card-none");
    let it = desk.it().await;
    steps.lock().unwrap().clear();
    desk.port.jobs.lock().unwrap().clear();

    // The master key.
    desk.swap(&master).await;
    assert_eq!(
        desk.work
            .register_institution("Harbour Hospital", "NL")
            .await
            .unwrap_err()
            .code,
        "pin-default"
    );
    desk.work.prepare_master().await.unwrap();
    assert_eq!(steps.lock().unwrap().last().unwrap(), "done");
    assert_eq!(desk.snapshot().await.master.unwrap().status, MasterStatus::Unregistered);
    assert_eq!(
        desk.work
            .register_institution("Harbour Hospital", "Netherlands")
            .await
            .unwrap_err()
            .code,
        "name-invalid"
    );
    desk.work.register_institution("Harbour Hospital", "nl").await.unwrap();
    let shown = desk.snapshot().await;
    let view = shown.master.unwrap();
    assert_eq!(
        (view.name.as_str(), view.status, shown.institution.as_str()),
        ("Harbour Hospital", MasterStatus::Registered, "Harbour Hospital")
    );
    assert_eq!(shown.phase, PhaseName::CardPresent);
    assert_eq!(
        desk.work
            .register_institution("Harbour Hospital", "NL")
            .await
            .unwrap_err()
            .code,
        "institution-registered"
    );
    let id = view.id.parse().unwrap();
    server
        .stage
        .gateway
        .blocking(move |g| g.obey(Order::Accredit { institution: id }))
        .await
        .map_err(|p| p.fault)
        .unwrap();
    assert!(desk.work.requests().await.unwrap().is_empty());
    assert_eq!(desk.snapshot().await.master.unwrap().status, MasterStatus::Accredited);

    // The doctor's card.
    desk.swap(&doctor).await;
    assert_eq!(
        desk.work
            .prepare_card("Dr Amara Diallo", "Doctor")
            .await
            .unwrap_err()
            .code,
        "it-card-locked",
        "the master key's sign-in has locked it"
    );
    desk.unlock(&it).await;
    desk.swap(&doctor).await;
    assert_eq!(desk.snapshot().await.master, None, "the master key went with its card");
    assert_eq!(desk.work.requests().await.unwrap_err().code, "master-required");
    assert_eq!(
        desk.work.prepare_card(" ", "Doctor").await.unwrap_err().code,
        "holder-empty"
    );
    assert_eq!(desk.work.request_device().await.unwrap_err().code, "holder-empty");
    desk.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    assert_eq!(
        desk.work
            .prepare_card("Dr Amara Diallo", "Doctor")
            .await
            .unwrap_err()
            .code,
        "pin-not-factory"
    );
    let requested = desk.work.request_device().await.unwrap();
    let status = desk.work.card_status().await.unwrap().unwrap();
    assert!(status.prepared);
    assert_eq!(status.device.unwrap().status, CardDeviceStatus::Waiting);
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "device-unknown");

    // Approval.
    desk.swap(&master).await;
    desk.work.master_sign_in().await.unwrap();
    let rows = desk.work.requests().await.unwrap();
    assert_eq!(
        (rows.len(), &rows[0].words, rows[0].holder.as_str()),
        (1, &requested.words, "Dr Amara Diallo")
    );
    assert_eq!(rows[0].evidence.verdict, EvidenceVerdict::None);
    let (year, request) = (wardkey_desk::clock::now() + 365 * 86_400, &requested.request);
    assert_eq!(
        desk.work.approve(request, 0, year).await.unwrap_err().code,
        "rights-invalid"
    );
    assert_eq!(
        desk.work.approve(&"0".repeat(64), 3, year).await.unwrap_err().code,
        "request-unknown"
    );
    desk.work.approve(request, 3, year).await.unwrap();
    assert!(desk.work.requests().await.unwrap().is_empty());
    let devices = desk.work.devices().await.unwrap();
    assert_eq!((devices.len(), devices[0].status), (1, DeviceStatus::Active));
    let jobs: Vec<String> = desk.port.jobs.lock().unwrap().iter().map(|j| j.0.clone()).collect();
    assert_eq!(
        jobs,
        [
            "Choose the master card's PIN",
            "Register institution",
            "IT's card",
            "Choose a PIN, Dr Amara Diallo",
            "Request approval",
            "Master key",
            "Approve card"
        ],
        "one PIN for each thing a person does"
    );

    // The doctor signs in: the institution's key was sealed to the card.
    desk.swap(&doctor).await;
    desk.work.sign_in().await.unwrap();
    assert_eq!(desk.snapshot().await.user.unwrap().holder, "Dr Amara Diallo");
    assert!(desk.work.patients().await.unwrap().is_empty());

    // The poster, by the registry's name.
    let files = desk.work.save_poster().await.unwrap();
    assert!(std::fs::read(&files.pdf).unwrap().starts_with(b"%PDF"));
    assert!(files.png.ends_with("poster-harbour-hospital.png"));
    let poster = desk.work.poster().await.unwrap();
    assert!(poster.link.contains("&n=Harbour%20Hospital") && poster.link.contains(&view.id));

    // Revoked.
    desk.swap(&master).await;
    desk.work.master_sign_in().await.unwrap();
    let device = desk.work.devices().await.unwrap()[0].device.clone();
    desk.work.revoke_device(&device, "Lost").await.unwrap();
    assert_eq!(desk.work.devices().await.unwrap()[0].status, DeviceStatus::Revoked);
    desk.swap(&doctor).await;
    assert_eq!(desk.work.sign_in().await.unwrap_err().code, "device-revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_closed_while_choosing_the_pin_loses_no_keys() {
    let server = Server::start().await;
    let card = SoftCard::blank("1001");
    let desk = Desk::start(&server, None);
    desk.it().await;
    desk.swap(&card).await;
    *desk.port.fails.lock().unwrap() = Some(wardkey_desk::Notice::of(&wardkey_hsm::CardError::Cancelled));
    assert_eq!(
        desk.work
            .prepare_card("Nurse Kofi Mensah", "Nurse")
            .await
            .unwrap_err()
            .code,
        "pin-cancelled"
    );
    let made = card.lock().unwrap().keys[&wardkey_hsm::Slot::Authentication].public();
    desk.swap(&card).await;
    desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap();
    assert_eq!(
        card.lock().unwrap().keys[&wardkey_hsm::Slot::Authentication].public(),
        made
    );
    assert!(!card.lock().unwrap().factory_pin);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_pulled_while_it_is_prepared_is_never_given_out_with_the_factory_secrets() {
    let server = Server::start().await;
    let card = SoftCard::blank("1001");
    let desk = Desk::start(&server, None);
    desk.it().await;
    desk.swap(&card).await;
    *desk.port.pull_in_preparation.lock().unwrap() = true;
    let broken_off = desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap_err();
    assert_eq!(broken_off.code, "card-pulled");
    assert!(card.lock().unwrap().factory_secrets);
    assert_eq!(
        desk.port.jobs.lock().unwrap().len(),
        1,
        "only IT's card: no PIN was chosen"
    );

    desk.swap(&card).await;
    desk.work.prepare_card("Nurse Kofi Mensah", "Nurse").await.unwrap();
    let done = card.lock().unwrap();
    assert_eq!((done.factory_secrets, done.factory_pin), (false, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_key_that_was_replaced_is_signed_out() {
    let server = Server::start().await;
    let master = SoftCard::blank("9001");
    let desk = Desk::start(&server, None);
    desk.it().await;
    desk.swap(&master).await;
    desk.work.prepare_master().await.unwrap();
    desk.work.register_institution("Harbour Hospital", "NL").await.unwrap();
    assert!(desk.work.requests().await.unwrap().is_empty());

    let new = SoftKey::generate().unwrap();
    let id: InstitutionId = desk.snapshot().await.master.unwrap().id.parse().unwrap();
    let only = MasterKey {
        key: new.public(),
        wrap: new.public(),
    };
    let action: Action = SetMasters {
        institution: id.0.into(),
        keys: Masters::new(vec![only], 1).unwrap().bytes().into(),
        threshold: 1,
        nonce: 0,
        deadline: wardkey_desk::clock::now() + 600,
    }
    .into();
    let preimage = action.preimage(server.stage.gateway.domain());
    let old = master.lock().unwrap().keys[&wardkey_hsm::Slot::Signature]
        .sign(&preimage)
        .unwrap();
    let rotation = SignedAction {
        signatures: vec![old, new.sign(&preimage).unwrap()],
        ..SignedAction::one(action, old)
    };
    let reply = server.stage.submit(&rotation).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.code());
    assert_eq!(desk.work.requests().await.unwrap_err().code, "session-master-replaced");
    assert_eq!(desk.snapshot().await.master, None);
    assert_eq!(desk.work.requests().await.unwrap_err().code, "master-required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_altered_cannot_be_approved_and_one_can_be_refused() {
    let server = Server::start().await;
    let (master, doctor) = (SoftCard::blank("9001"), SoftCard::blank("1001"));
    let desk = Desk::start(&server, None);
    let it = desk.it().await;
    desk.swap(&master).await;
    desk.work.prepare_master().await.unwrap();
    desk.work.register_institution("Harbour Hospital", "NL").await.unwrap();
    desk.unlock(&it).await;
    desk.swap(&doctor).await;
    desk.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    let requested = desk.work.request_device().await.unwrap();
    desk.swap(&master).await;
    desk.work.master_sign_in().await.unwrap();
    let store = rusqlite::Connection::open(server.folder.path().join("store.sqlite")).unwrap();
    store
        .execute(
            "UPDATE requests SET document = replace(document, 'Diallo', 'Mallory')",
            [],
        )
        .unwrap();
    let rows = desk.work.requests().await.unwrap();
    assert_eq!(rows[0].evidence.verdict, EvidenceVerdict::Invalid);
    assert_ne!(
        rows[0].words, requested.words,
        "the words differ from those that IT sees"
    );
    let year = wardkey_desk::clock::now() + 365 * 86_400;
    assert_eq!(
        desk.work.approve(&rows[0].request, 3, year).await.unwrap_err().code,
        "request-invalid"
    );
    store
        .execute(
            "UPDATE requests SET document = replace(document, 'Mallory', 'Diallo')",
            [],
        )
        .unwrap();
    desk.work
        .refuse(&requested.request, "Card of a person who left")
        .await
        .unwrap();
    assert!(
        desk.work.requests().await.unwrap().is_empty(),
        "refused, so it waits no more"
    );
}
