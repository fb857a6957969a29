//! A gateway that lies in its unsigned answers: about keys, names and cards.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Desk, Server, SoftCard, everything, until};
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::seal;
use wardkey_core::key::SoftKey;
use wardkey_core::section::Section;
use wardkey_desk::view::{Chart, Entry, SignatureState};
use wardkey_gateway::bench::actors::{Card, Hospital, Patient};

async fn refused(server: &Server, hospital: &Hospital, card: &Card) -> String {
    let desk = Desk::start(server, Some(hospital));
    desk.port.insert(&SoftCard::of(card, "1001"));
    until("the card is read", || async { desk.snapshot().await.card.is_some() }).await;
    desk.work.sign_in().await.unwrap_err().code
}

async fn asked(server: &Server, path: &str) -> Value {
    let url = format!("http://{}{path}", server.address);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_agreement_key_name_or_history_is_refused() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let summit = Hospital::open(&server.stage, "Summit Clinic").await.unwrap();
    let card = server.card(&harbour, "Dr Amara Diallo").await;
    let address = format!("/v1/institutions/{}", harbour.id);
    let own = SoftKey::generate().unwrap().public();
    let (x, y) = (hex::encode(own.x()), hex::encode(own.y()));

    let at = address.clone();
    server.lie(move |path, answer| {
        if path == at {
            answer["agreement"]["key"] = own.to_string().into();
            answer["actions"][0]["message"]["agreementX"] = x.clone().into();
            answer["actions"][0]["message"]["agreementY"] = y.clone().into();
        }
    });
    assert_eq!(refused(&server, &harbour, &card).await, "institution-unproved");

    let at = address.clone();
    server.lie(move |path, answer| {
        if path == at {
            answer["actions"][0]["message"]["name"] = "Harbour Bank".into();
        }
    });
    assert_eq!(refused(&server, &harbour, &card).await, "institution-unproved");

    let other = asked(&server, &format!("/v1/institutions/{}", summit.id)).await["actions"].clone();
    let at = address.clone();
    server.lie(move |path, answer| {
        if path == at {
            answer["actions"] = other.clone();
        }
    });
    assert_eq!(refused(&server, &harbour, &card).await, "institution-unproved");

    server.lie(move |path, answer| {
        if path == address {
            answer["actions"] = json!([]);
        }
    });
    assert_eq!(refused(&server, &harbour, &card).await, "institution-unproved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_beside_the_signed_history_has_no_weight() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let card = SoftCard::of(&server.card(&harbour, "Dr Amara Diallo").await, "1001");
    server.lie(|path, answer| {
        if path.starts_with("/v1/institutions/") && answer.get("agreement").is_some() {
            answer["name"] = "Harbour Bank".into();
            answer["agreement"]["key"] = SoftKey::generate().unwrap().public().to_string().into();
        }
    });
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&card).await;
    assert_eq!(desk.snapshot().await.user.unwrap().institution, "Harbour Hospital");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrap_of_another_epoch_is_refused() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let card = server.card(&harbour, "Dr Amara Diallo").await;
    let recipient = card.agreement.public();
    let aad = agreement_aad(&harbour.id, 2, &recipient.id());
    let context = agreement_context(server.stage.gateway.domain(), &aad);
    let invented = SoftKey::generate().unwrap();
    let mut wrap = serde_json::to_value(seal(&recipient, &context, invented.to_bytes().as_slice()).unwrap()).unwrap();
    wrap["epoch"] = 2.into();
    wrap["key"] = serde_json::to_value(invented.public()).unwrap();
    server.lie(move |path, answer| {
        if path.contains("/wraps/") {
            *answer = wrap.clone();
        }
    });
    assert_eq!(refused(&server, &harbour, &card).await, "agreement-wrong");
}

/// The encounters' first entry.
fn note(chart: &Chart) -> &Entry {
    let encounters = chart.sections.iter().find(|s| s.section == Section::Encounters);
    &encounters.unwrap().entries[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_card_that_no_institution_approved_is_shown_as_invalid() {
    let server = Server::start().await;
    let harbour = Hospital::open(&server.stage, "Harbour Hospital").await.unwrap();
    let card = server.card(&harbour, "Dr Amara Diallo").await;
    let other = server.card(&harbour, "Dr Lena Brandt").await;
    let patient = Patient::begin(&server.stage).await.unwrap();
    let given = server
        .grant(&patient, &harbour, everything(), everything(), "Mira Okonjo")
        .await;
    let commitment = given.commitment.to_string();
    let desk = Desk::start(&server, Some(&harbour));
    desk.sign_in(&SoftCard::of(&card, "1001")).await;
    desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    desk.work.write_note(&commitment, "Stop apixaban").await.unwrap();
    desk.all_sent().await;

    let device = |card: &Card| format!("/v1/devices/{}", card.device.public().id());
    let foreign = asked(&server, &device(&other)).await["approval"].clone();
    let lies = [Value::Null, foreign];
    for lie in lies {
        let at = device(&card);
        server.lie(move |path, answer| {
            if path == at {
                answer["approval"] = lie.clone();
            }
        });
        let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
        assert_eq!(note(&chart).signature, SignatureState::Invalid);
    }
    let at = device(&card);
    server.lie(move |path, answer| {
        if path == at {
            answer["approval"]["signatures"] = json!(["11".repeat(64)]);
        }
    });
    let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    assert_eq!(note(&chart).signature, SignatureState::Invalid);

    server.lie(|_, _| {});
    let chart = desk.work.open_chart(&commitment, "Ward round").await.unwrap();
    assert_eq!(note(&chart).signature, SignatureState::Verified);
}
