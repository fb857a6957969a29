//! The institution's agreement key moves to its next epoch: after a revocation, under running sessions, through crashes.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};
use support::{Cut, Desk, Server, SoftCard, everything, until};
use tempfile::TempDir;
use wardkey_client::WrapView;
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::open;
use wardkey_core::id::KeyId;
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_desk::store::Store;
use wardkey_desk::view::KeyView;
use wardkey_gateway::bench::actors::{Card, Given, Hospital, Patient, Terms};
use wardkey_gateway::bench::stage::Ask;

const NAME: &str = "Mira Okonjo";

/// A hospital with two doctors, one of whom is on the ward with a patient's grant, and the master-key holder's own terminal.
struct Place {
    server: Server,
    harbour: Hospital,
    doctor: Card,
    other: Card,
    patient: Patient,
    given: Given,
    master: Arc<Mutex<SoftCard>>,
}

impl Place {
    async fn open() -> Self {
        let server = Server::start().await;
        let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
        let doctor = server.card(&harbour, "Dr Amara Diallo").await;
        let other = server.card(&harbour, "Dr Lena Brandt").await;
        let patient = Patient::begin(&server.stage).await.unwrap();
        let given = server.grant(&patient, &harbour, everything(), everything(), NAME).await;
        let master = server.master(&harbour).await;
        Self {
            server,
            harbour,
            doctor,
            other,
            patient,
            given,
            master,
        }
    }

    async fn ward(&self) -> Desk {
        let desk = Desk::start(&self.server, Some(&self.harbour));
        desk.sign_in(&SoftCard::of(&self.doctor, "1001")).await;
        desk
    }

    /// The master-key holder's terminal on a data folder of its own, signed in.
    async fn office(&self, folder: TempDir) -> Desk {
        let settings = self.server.settings(folder.path(), Some(&self.harbour));
        let desk = Desk::with(folder, settings);
        desk.port.insert(&self.master);
        until("the card is read", || async { desk.snapshot().await.card.is_some() }).await;
        desk.work.master_sign_in().await.unwrap();
        desk
    }

    /// The program crashes and starts again on the same folder; the key that it had prepared.
    async fn crashed(&self, office: Desk) -> (Desk, PublicKey) {
        let Desk { folder, work, .. } = office;
        drop(work);
        let opened = || {
            Store::open(folder.path(), 0)
                .and_then(|store| store.kept_move(&self.harbour.id))
                .ok()
        };
        until("the old program is gone", || async { opened().is_some() }).await;
        let promised = opened().unwrap().unwrap().key;
        (self.office(folder).await, promised)
    }

    /// The chain's agreement key and its epoch.
    fn agreement(&self) -> (PublicKey, u32) {
        let chain = self.server.stage.gateway.ledger.chain();
        let known = chain.institution(&self.harbour.id).unwrap().unwrap();
        (known.agreement.key, known.agreement.epoch)
    }

    async fn wrap(&self, recipient: &KeyId) -> Option<WrapView> {
        let path = format!("/v1/institutions/{}/wraps/{recipient}", self.harbour.id);
        let reply = self.server.stage.ask(Ask::get(path)).await.unwrap();
        reply.status.is_success().then(|| reply.json().unwrap())
    }

    /// The key that a card opens out of its wrap.
    async fn key_of(&self, nine_d: &SoftKey) -> Option<PublicKey> {
        let recipient = nine_d.public().id();
        let wrap = self.wrap(&recipient).await?;
        let aad = agreement_aad(&self.harbour.id, wrap.epoch, &recipient);
        let context = agreement_context(self.server.stage.gateway.domain(), &aad);
        let plain = open(nine_d, &context, &wrap.sealed).unwrap();
        let key = SoftKey::from_bytes(plain.as_slice().try_into().unwrap()).unwrap();
        Some(key.public())
    }

    async fn grant_in_epoch(&self, name: &str) -> Given {
        let now = self.server.stage.gateway.clock.now();
        let terms = Terms {
            read: everything(),
            write: everything(),
            not_before: now - 1,
            expiry: now + 86_400,
        };
        let patient = Patient::begin(&self.server.stage).await.unwrap();
        self.server
            .grant_to(&patient, &self.harbour, self.agreement(), terms, name)
            .await
    }

    async fn revoke_other(&self) {
        self.harbour.revoke(&self.server.stage, &self.other).await.unwrap();
    }
}

fn view(epoch: u32, due: &[&str], missing: u32, pending: bool) -> KeyView {
    KeyView {
        epoch,
        due: due.iter().map(|s| (*s).to_owned()).collect(),
        missing,
        pending,
    }
}

async fn reads_and_writes(ward: &Desk, given: &Given, text: &str) {
    let commitment = given.commitment.to_string();
    ward.work.open_chart(&commitment, "Ward round").await.unwrap();
    ward.work.write_note(&commitment, text).await.unwrap();
    ward.all_sent().await;
    let chart = ward.work.open_chart(&commitment, "Ward round").await.unwrap();
    let mut notes = chart
        .sections
        .iter()
        .flat_map(|s| &s.entries)
        .map(|e| e.detail.as_str());
    assert!(notes.any(|note| note == text), "{text} is read again");
}

async fn names(desk: &Desk) -> Vec<String> {
    let mut names: Vec<_> = desk
        .work
        .patients()
        .await
        .unwrap()
        .into_iter()
        .map(|r| r.name)
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_revocation_the_key_moves_under_a_running_ward() {
    let place = Place::open().await;
    let ward = place.ward().await;
    reads_and_writes(&ward, &place.given, "Before").await;
    let office = place.office(tempfile::tempdir().unwrap()).await;
    assert_eq!(office.work.key_state().await.unwrap(), view(1, &[], 0, false));
    place.revoke_other().await;
    assert_eq!(
        office.work.key_state().await.unwrap(),
        view(1, &["Dr Lena Brandt"], 0, false)
    );

    let steps = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&steps);
    office
        .work
        .on_progress(move |p| sink.lock().unwrap().push(p.step.clone()));
    let (moving, reading) = tokio::join!(
        office.work.move_key(),
        reads_and_writes(&ward, &place.given, "Meanwhile")
    );
    moving.unwrap();
    let () = reading;
    for step in ["collecting", "sealing", "uploading", "rotating", "done"] {
        assert!(steps.lock().unwrap().iter().any(|s| s == step), "{step}");
    }
    assert_eq!(office.work.key_state().await.unwrap(), view(2, &[], 0, false));
    let (key, epoch) = place.agreement();
    assert_eq!(epoch, 2);
    assert_ne!(key, place.harbour.agreement.public());
    assert_eq!(place.key_of(&place.doctor.agreement).await, Some(key));
    assert_eq!(place.key_of(&place.harbour.wrap).await, Some(key));
    assert_eq!(
        place.key_of(&place.other.agreement).await,
        None,
        "the revoked card does not get it"
    );

    // The running session takes the new key up by itself: the PIN window opened once, for the sign-in.
    place.grant_in_epoch("Jonas Petersen").await;
    until("the new key is taken up", || async {
        names(&ward).await == ["Jonas Petersen", NAME]
    })
    .await;
    assert_eq!(ward.port.jobs.lock().unwrap().len(), 1);
    reads_and_writes(&ward, &place.given, "After").await;

    // A new sign-in opens both epochs' grants.
    let fresh = place.ward().await;
    assert_eq!(names(&fresh).await, ["Jonas Petersen", NAME]);
    reads_and_writes(&fresh, &place.given, "Old grant, new sign-in").await;
    assert_eq!(place.patient.id, place.given.document.patient);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_forgot_its_pin_goes_on_with_the_old_key_until_the_next_sign_in() {
    let place = Place::open().await;
    let ward = place.ward().await;
    ward.port.forget();
    let office = place.office(tempfile::tempdir().unwrap()).await;
    office.work.move_key().await.unwrap();
    place.grant_in_epoch("Jonas Petersen").await;
    until("both grants are listed", || async {
        ward.work.patients().await.unwrap().len() == 2
    })
    .await;
    assert_eq!(names(&ward).await, ["", NAME], "the new one cannot be opened yet");
    reads_and_writes(&ward, &place.given, "Still").await;
    ward.port.pull();
    ward.sign_in(&SoftCard::of(&place.doctor, "1001")).await;
    assert_eq!(names(&ward).await, ["Jonas Petersen", NAME]);
}

/// Requests that change something in a move with one doctor: the older key, two wraps, the rotation.
const STEPS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_at_any_step_it_is_finished_with_the_same_key() {
    for (after, handled) in (0..STEPS).flat_map(|n| [(n, false), (n, true)]) {
        let what = format!("step {after}, handled: {handled}");
        let place = Place::open().await;
        place.revoke_other().await;
        let ward = place.ward().await;
        let office = place.office(tempfile::tempdir().unwrap()).await;
        *place.server.cuts.lock().unwrap() = Some(Cut { after, handled });
        office.work.move_key().await.unwrap_err();
        let taken = handled && after + 1 == STEPS;
        assert_eq!(place.agreement().1, if taken { 2 } else { 1 }, "{what}");
        reads_and_writes(&ward, &place.given, "Between").await;

        let (office, promised) = place.crashed(office).await;
        let state = office.work.key_state().await.unwrap();
        assert_eq!(state.pending, !taken, "{what}");
        office.work.move_key().await.unwrap();
        assert_eq!(office.work.key_state().await.unwrap(), view(2, &[], 0, false), "{what}");
        assert_eq!(place.agreement(), (promised, 2), "{what}: one key for the epoch");
        assert_eq!(place.key_of(&place.doctor.agreement).await, Some(promised), "{what}");
        assert_eq!(names(&place.ward().await).await, [NAME], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_approved_in_the_middle_gets_the_new_key() {
    let place = Place::open().await;
    let office = place.office(tempfile::tempdir().unwrap()).await;
    *place.server.cuts.lock().unwrap() = Some(Cut {
        after: 2,
        handled: true,
    });
    office.work.move_key().await.unwrap_err();
    let late = place.server.card(&place.harbour, "Dr Late").await;
    office.work.move_key().await.unwrap();
    let key = place.agreement().0;
    assert_eq!(place.key_of(&late.agreement).await, Some(key));

    // Approved with the key of before by somebody who had not heard of the move: it is given the key later.
    let later = place.harbour.card(&place.server.stage, "Dr Later", 3).await.unwrap();
    assert_eq!(office.work.key_state().await.unwrap(), view(2, &[], 1, false));
    office.work.give_key().await.unwrap();
    assert_eq!(place.key_of(&later.agreement).await, Some(key));
    assert_eq!(office.work.key_state().await.unwrap(), view(2, &[], 0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_revoked_in_the_middle_makes_the_prepared_key_void() {
    let place = Place::open().await;
    let office = place.office(tempfile::tempdir().unwrap()).await;
    *place.server.cuts.lock().unwrap() = Some(Cut {
        after: 4,
        handled: false,
    });
    office.work.move_key().await.unwrap_err();
    place.revoke_other().await;
    let (office, void) = place.crashed(office).await;
    office.work.move_key().await.unwrap();
    let (key, epoch) = place.agreement();
    assert_eq!(epoch, 2);
    assert_ne!(key, void, "the revoked card has the prepared one");
    assert_eq!(place.key_of(&place.other.agreement).await, None);
    assert_eq!(office.work.key_state().await.unwrap(), view(2, &[], 0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_master_card_stops_the_move_and_nothing_is_lost() {
    let place = Place::open().await;
    let office = place.office(tempfile::tempdir().unwrap()).await;
    let port = office.port.clone();
    office.work.on_progress(move |p| {
        if p.step == "uploading" && p.done == 1 {
            port.pull();
        }
    });
    assert_eq!(office.work.move_key().await.unwrap_err().code, "master-required");
    assert_eq!(place.agreement().1, 1);
    let (office, promised) = place.crashed(office).await;
    office.work.move_key().await.unwrap();
    assert_eq!(place.agreement(), (promised, 2));
}
