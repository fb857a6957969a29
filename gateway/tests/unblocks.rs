//! A terminal asks for a PUK, IT finds the request by its words and answers, sealed to the terminal.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Scene, done, refused};
use wardkey_core::hpke::{Sealed, open, seal};
use wardkey_core::id::InstitutionId;
use wardkey_core::key::SoftKey;
use wardkey_core::unblock::{UnblockRequest, unblock_context};
use wardkey_gateway::bench::stage::{Ask, Reply};

fn request(scene: &Scene, key: &SoftKey) -> UnblockRequest {
    UnblockRequest {
        institution: scene.harbour.id,
        device: scene.doctor.certificate.device_id(),
        card: "30112233".to_owned(),
        terminal: "Ward 3".to_owned(),
        key: key.public(),
        time: scene.place.now(),
    }
}

async fn ask(scene: &Scene, request: &UnblockRequest) -> Reply {
    let body = serde_json::to_value(request).unwrap();
    scene.stage.ask(Ask::post("/v1/unblocks", &body)).await.unwrap()
}

async fn get(scene: &Scene, target: String) -> Reply {
    scene.stage.ask(Ask::get(target)).await.unwrap()
}

#[tokio::test]
async fn the_puk_reaches_the_terminal_that_asked_and_only_sealed() {
    let scene = Scene::set().await;
    let (key, domain) = (SoftKey::generate().unwrap(), scene.stage.gateway.domain());
    let asked = request(&scene, &key);
    let id = asked.digest();
    assert_eq!(done(&ask(&scene, &asked).await)["request"], id.to_string());

    let start = hex::encode(&id.0[..8]);
    let found = done(&get(&scene, format!("/v1/unblocks?start={start}")).await);
    let told: UnblockRequest = serde_json::from_value(found.clone()).unwrap();
    assert_eq!((told.digest(), found.get("answer")), (id, None));

    let answer = |puk: &[u8]| {
        let sealed = seal(&told.key, &unblock_context(domain, &id), puk).unwrap();
        Ask::put(
            format!("/v1/unblocks/{id}/answer"),
            &serde_json::to_value(sealed).unwrap(),
        )
    };
    done(&scene.stage.ask(answer(b"11223344")).await.unwrap());
    done(&scene.stage.ask(answer(b"99999999")).await.unwrap());
    let whole = done(&get(&scene, format!("/v1/unblocks/{id}")).await);
    let sealed: Sealed = serde_json::from_value(whole["answer"].clone()).unwrap();
    let puk = open(&key, &unblock_context(domain, &id), &sealed).unwrap();
    assert_eq!(puk.as_slice(), b"11223344", "the first answer stays");

    scene.place.later(901);
    refused(&get(&scene, format!("/v1/unblocks/{id}")).await, 404, "unblock-unknown");
    refused(
        &scene.stage.ask(answer(b"11223344")).await.unwrap(),
        404,
        "unblock-unknown",
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_not_kept() {
    let scene = Scene::set().await;
    let good = request(&scene, &SoftKey::generate().unwrap());
    let refusals: [(UnblockRequest, u16, &str); 4] = [
        (
            UnblockRequest {
                institution: InstitutionId([9; 32]),
                ..good.clone()
            },
            404,
            "institution-unknown",
        ),
        (
            UnblockRequest {
                card: String::new(),
                ..good.clone()
            },
            400,
            "body-malformed",
        ),
        (
            UnblockRequest {
                terminal: "x".repeat(200),
                ..good.clone()
            },
            400,
            "body-malformed",
        ),
        (
            UnblockRequest {
                time: good.time - 2000,
                ..good.clone()
            },
            401,
            "request-time",
        ),
    ];
    for (asked, status, code) in refusals {
        refused(&ask(&scene, &asked).await, status, code);
    }
    refused(
        &get(&scene, format!("/v1/unblocks?start={}", "00".repeat(8))).await,
        404,
        "unblock-unknown",
    );
    done(&ask(&scene, &good).await);
    let large: Value = json!({ "enc": "A".repeat(400), "ct": "AA" });
    let target = format!("/v1/unblocks/{}/answer", good.digest());
    refused(
        &scene.stage.ask(Ask::put(target, &large)).await.unwrap(),
        413,
        "body-too-large",
    );
}
