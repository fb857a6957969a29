//! Several master keys at the workstation: two-person approval, further cards, a lost card, suspensions.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};
use support::{Desk, Server, SoftCard, everything, until};
use wardkey_desk::view::{DeviceStatus, MasterStatus, ProposalKind, ProposalRow, ProposalState};
use wardkey_gateway::bench::actors::{Hospital, Patient};
use wardkey_gateway::operator::Order;

type SoftMaster = Arc<Mutex<SoftCard>>;

async fn sign_in(desk: &Desk, card: &SoftMaster) {
    desk.swap(card).await;
    desk.work.master_sign_in().await.unwrap();
}

/// A blank card becomes a further master key (or takes one's place): it signs first, then the `accepting` card.
async fn add(desk: &Desk, accepting: &SoftMaster, serial: &str, replaces: Option<&str>, threshold: u8) -> SoftMaster {
    let card = SoftCard::blank(serial);
    desk.open_it().await;
    desk.swap(&card).await;
    desk.work.prepare_master().await.unwrap();
    let offered = desk.work.offer_master(replaces, threshold).await.unwrap();
    sign_in(desk, accepting).await;
    let seen = desk.work.masters().await.unwrap().offered.unwrap();
    assert_eq!(seen, offered, "both holders see the same words");
    assert_eq!((seen.words.len(), seen.card.as_str()), (6, serial));
    desk.work.accept_master().await.unwrap();
    card
}

/// Harbour Hospital with three master cards, two of which must sign, each holder at a terminal.
struct Three {
    server: Server,
    harbour: Hospital,
    cards: [SoftMaster; 3],
    first: Desk,
    second: Desk,
}

impl Three {
    async fn set() -> Self {
        let server = Server::start().await;
        let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
        let one = server.master(&harbour).await;
        let first = Desk::start(&server, Some(&harbour));
        let two = add(&first, &one, "9002", None, 1).await;
        let three = add(&first, &one, "9003", None, 2).await;
        let second = Desk::start(&server, Some(&harbour));
        sign_in(&second, &two).await;
        Self {
            server,
            harbour,
            cards: [one, two, three],
            first,
            second,
        }
    }

    /// A doctor's card asks for approval at the first terminal, whose master then signs in again.
    async fn request(&self, holder: &str, serial: &str) -> (SoftMaster, String) {
        let card = SoftCard::blank(serial);
        self.first.open_it().await;
        self.first.swap(&card).await;
        self.first.work.prepare_card(holder, "Doctor").await.unwrap();
        let requested = self.first.work.request_device().await.unwrap();
        sign_in(&self.first, &self.cards[0]).await;
        (card, requested.request)
    }

    async fn only(&self, desk: &Desk) -> ProposalRow {
        let rows = desk.work.proposals().await.unwrap();
        let mut open = rows.into_iter().filter(|p| p.state == ProposalState::Open);
        let only = open.next().unwrap();
        assert!(open.next().is_none());
        only
    }
}

fn year() -> u64 {
    wardkey_desk::clock::now() + 365 * 86_400
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_waits_for_the_second_person() {
    let three = Three::set().await;
    let (doctor, request) = three.request("Dr Amara Diallo", "1001").await;
    let words = three.first.work.requests().await.unwrap()[0].words.clone();
    three.first.work.approve(&request, 3, year()).await.unwrap();
    assert!(
        three.first.work.requests().await.unwrap().is_empty(),
        "it waits among the proposals now"
    );
    assert!(three.second.work.requests().await.unwrap().is_empty());
    let own = three.only(&three.first).await;
    assert_eq!((own.signatures.len(), own.signatures[0].own, own.needed), (1, true, 2));
    let seen = three.only(&three.second).await;
    assert_eq!(
        (seen.kind, seen.holder.as_str(), seen.rights, seen.signatures[0].own),
        (ProposalKind::Approve, "Dr Amara Diallo", 3, false)
    );
    assert_eq!(seen.words, words, "the words of the request");
    assert!(seen.evidence.is_some());
    assert!(seen.deadline > wardkey_desk::clock::now() + 86_400);

    let ward = Desk::start(&three.server, Some(&three.harbour));
    ward.port.insert(&doctor);
    until("the card is read", || async { ward.snapshot().await.card.is_some() }).await;
    assert_eq!(ward.work.sign_in().await.unwrap_err().code, "device-unknown");
    three.second.work.cosign(&seen.proposal).await.unwrap();
    ward.work.sign_in().await.unwrap();
    assert_eq!(
        three.second.work.devices().await.unwrap()[0].status,
        DeviceStatus::Active
    );
    assert_eq!(
        three.second.work.proposals().await.unwrap()[0].state,
        ProposalState::Done
    );
    assert_eq!(
        three.second.work.cosign(&seen.proposal).await.unwrap_err().code,
        "proposal-unknown"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_is_withdrawn_or_its_request_was_altered() {
    let three = Three::set().await;
    let (_, request) = three.request("Dr Amara Diallo", "1001").await;
    three.first.work.approve(&request, 3, year()).await.unwrap();
    let seen = three.only(&three.second).await;
    let store = three.server.store();
    let swap = |from: &str, to: &str| {
        let sql = format!("UPDATE requests SET document = replace(document, '{from}', '{to}')");
        store.execute(&sql, []).unwrap();
    };
    swap("Diallo", "Mallory");
    let refused = three.second.work.cosign(&seen.proposal).await.unwrap_err();
    assert_eq!(
        refused.code, "request-unknown",
        "no request with that certificate waits"
    );
    swap("Mallory", "Diallo");
    three
        .second
        .work
        .withdraw(&seen.proposal, "Not known here")
        .await
        .unwrap();
    let row = three.first.work.proposals().await.unwrap().remove(0);
    assert_eq!(
        (row.state, row.reason.as_str()),
        (ProposalState::Withdrawn, "Not known here")
    );
    assert_eq!(
        three.first.work.requests().await.unwrap().len(),
        1,
        "the request waits again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_master_card_is_replaced_by_the_two_others() {
    let three = Three::set().await;
    let list = three.first.work.masters().await.unwrap();
    assert_eq!((list.keys.len(), list.threshold), (3, 2));
    assert!(list.keys[0].own && !list.keys[2].own);
    let lost = list.keys[2].key.clone();
    let new = add(&three.first, &three.cards[0], "9004", Some(&lost), 2).await;
    let seen = three.only(&three.second).await;
    assert_eq!(
        (seen.kind, seen.needed, seen.masters.len()),
        (ProposalKind::Masters, 3, 3)
    );
    assert_eq!(seen.signatures.len(), 2, "the first master's and the new key's");
    three.second.work.cosign(&seen.proposal).await.unwrap();

    let third = Desk::start(&three.server, Some(&three.harbour));
    sign_in(&third, &new).await;
    assert!(third.work.masters().await.unwrap().keys[2].own);
    third.swap(&three.cards[2]).await;
    third.work.master_sign_in().await.unwrap();
    let nobody = third.snapshot().await.master.unwrap();
    assert_eq!(nobody.status, MasterStatus::Unregistered, "the lost card opens nothing");

    // It still has the key of before: the move is due, and takes it away.
    let due = three.second.work.key_state().await.unwrap().due;
    assert_eq!(due, [lost[..8].to_owned()]);
    three.second.work.move_key().await.unwrap();
    assert!(three.second.work.key_state().await.unwrap().due.is_empty());
    sign_in(&third, &new).await;
    assert_eq!(third.work.key_state().await.unwrap().missing, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_master_key_is_replaced_by_a_new_card() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let old = server.master(&harbour).await;
    let desk = Desk::start(&server, Some(&harbour));
    sign_in(&desk, &old).await;
    let key = desk.work.masters().await.unwrap().keys[0].key.clone();
    assert_eq!(
        desk.work.change_masters(Some(&key), 1).await.unwrap_err().code,
        "masters-bad-list"
    );
    assert_eq!(
        desk.work.change_masters(None, 2).await.unwrap_err().code,
        "masters-bad-threshold"
    );
    let new = add(&desk, &old, "9002", Some(&key), 1).await;
    assert_eq!(desk.work.requests().await.unwrap_err().code, "session-master-replaced");
    sign_in(&desk, &new).await;
    let doctor = SoftCard::blank("1001");
    desk.open_it().await;
    desk.swap(&doctor).await;
    desk.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    let requested = desk.work.request_device().await.unwrap();
    sign_in(&desk, &new).await;
    desk.work.approve(&requested.request, 3, year()).await.unwrap();
    desk.swap(&doctor).await;
    desk.work.sign_in().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_removed_and_the_threshold_changed_by_two() {
    let three = Three::set().await;
    let gone = three.first.work.masters().await.unwrap().keys[2].key.clone();
    three.first.work.change_masters(Some(&gone), 1).await.unwrap();
    let seen = three.only(&three.second).await;
    assert_eq!((seen.masters.len(), seen.threshold, seen.needed), (2, 1, 2));
    three.second.work.cosign(&seen.proposal).await.unwrap();
    let list = three.second.work.masters().await.unwrap();
    assert_eq!((list.keys.len(), list.threshold), (2, 1));
    assert_eq!(
        three.first.work.change_masters(Some(&gone), 1).await.unwrap_err().code,
        "master-unknown"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_for_new_cards_and_for_the_list_of_its_time() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let one = server.master(&harbour).await;
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let desk = Desk::start(&server, Some(&harbour));
    for known in [&one, &doctor] {
        desk.swap(known).await;
        assert_eq!(desk.work.offer_master(None, 1).await.unwrap_err().code, "master-known");
    }
    sign_in(&desk, &one).await;
    assert_eq!(desk.work.accept_master().await.unwrap_err().code, "master-none-offered");
    let late = SoftCard::blank("9002");
    desk.open_it().await;
    desk.swap(&late).await;
    desk.work.prepare_master().await.unwrap();
    assert_eq!(
        desk.work.offer_master(None, 2).await.unwrap_err().code,
        "masters-bad-threshold"
    );
    assert_eq!(
        desk.work.offer_master(Some("00"), 1).await.unwrap_err().code,
        "master-unknown"
    );
    desk.work.offer_master(None, 1).await.unwrap();
    let other = Desk::start(&server, Some(&harbour));
    add(&other, &one, "9003", None, 1).await;
    sign_in(&desk, &one).await;
    assert_eq!(desk.work.masters().await.unwrap().offered, None);
    assert_eq!(desk.work.accept_master().await.unwrap_err().code, "master-offer-old");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_card_is_covered_and_two_masters_let_it_act_again() {
    let three = Three::set().await;
    let (doctor, request) = three.request("Dr Amara Diallo", "1001").await;
    three.first.work.approve(&request, 3, year()).await.unwrap();
    let proposal = three.only(&three.second).await.proposal;
    three.second.work.cosign(&proposal).await.unwrap();
    let ward = Desk::start(&three.server, Some(&three.harbour));
    ward.sign_in(&doctor).await;
    let device = three.second.work.devices().await.unwrap()[0].device.clone();
    three.second.work.set_suspension(&device, true).await.unwrap();
    assert_eq!(
        three.second.work.devices().await.unwrap()[0].status,
        DeviceStatus::Suspended
    );
    until("the terminal is covered", || async { ward.snapshot().await.covered }).await;
    assert_eq!(ward.snapshot().await.lock.unwrap().reason, "device-suspended");
    assert_eq!(ward.work.sign_in().await.unwrap_err().code, "device-suspended");

    three.second.work.set_suspension(&device, false).await.unwrap();
    assert_eq!(
        ward.work.sign_in().await.unwrap_err().code,
        "device-suspended",
        "one signature is not enough"
    );
    let seen = three.only(&three.first).await;
    assert_eq!(
        (seen.kind, seen.holder.as_str()),
        (ProposalKind::Resume, "Dr Amara Diallo")
    );
    three.first.work.cosign(&seen.proposal).await.unwrap();
    ward.work.sign_in().await.unwrap();
    assert!(!ward.snapshot().await.covered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_suspension_stops_the_institution_until_it_is_lifted() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let doctor = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server
        .grant(&patient, &harbour, everything(), everything(), "Mira Okonjo")
        .await;
    let commitment = given.commitment.to_string();
    let ward = Desk::start(&server, Some(&harbour));
    ward.sign_in(&doctor).await;
    ward.work.open_chart(&commitment, "Ward round").await.unwrap();
    let institution = harbour.id;
    harbour
        .order(&server.stage, Order::Suspend { institution })
        .await
        .unwrap();
    let read = ward.work.open_chart(&commitment, "Ward round").await.unwrap_err();
    assert_eq!(read.code, "institution-suspended");
    let master = server.master(&harbour).await;
    let office = Desk::start(&server, Some(&harbour));
    sign_in(&office, &master).await;
    assert_eq!(office.snapshot().await.master.unwrap().status, MasterStatus::Suspended);

    harbour
        .order(&server.stage, Order::Accredit { institution })
        .await
        .unwrap();
    ward.work.open_chart(&commitment, "Ward round").await.unwrap();
    ward.work.write_note(&commitment, "Back again").await.unwrap();
    ward.all_sent().await;
    office.work.requests().await.unwrap();
    assert_eq!(office.snapshot().await.master.unwrap().status, MasterStatus::Accredited);
}
