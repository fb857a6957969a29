//! Several master keys: sessions, co-signed proposals, suspensions, agreement epochs.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Scene, done, refused};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::delegation::PrincipalKind;
use wardkey_core::device::DeviceRequest;
use wardkey_core::id::KeyId;
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::masters::{MasterKey, Masters};
use wardkey_core::typed::structs;
use wardkey_gateway::bench::actors::{Card, Session};
use wardkey_gateway::bench::stage::{Ask, Reply};

/// Harbour Hospital with three master keys, two of which must sign; each has a session.
struct Three {
    scene: Scene,
    keys: Vec<SoftKey>,
    sessions: Vec<Session>,
}

fn list(keys: &[&PublicKey], threshold: u8) -> Masters {
    let entry = |key: &&PublicKey| MasterKey {
        key: **key,
        wrap: **key,
    };
    Masters::new(keys.iter().map(entry).collect(), threshold).unwrap()
}

impl Three {
    async fn set() -> Self {
        let scene = Scene::set().await;
        let first = SoftKey::from_bytes(&scene.harbour.master.to_bytes()).unwrap();
        let keys = vec![first, SoftKey::generate().unwrap(), SoftKey::generate().unwrap()];
        let three = Self {
            scene,
            keys,
            sessions: vec![],
        };
        let all: Vec<_> = three.keys.iter().map(SoftKey::public).collect();
        let change = three.change(&all.iter().collect::<Vec<_>>(), 2, 0);
        done(
            &three
                .scene
                .stage
                .submit(&three.signed(change, &[0, 1, 2]))
                .await
                .unwrap(),
        );
        let mut sessions = Vec::new();
        for key in &three.keys {
            sessions.push(three.sign_in(key).await.unwrap());
        }
        Self { sessions, ..three }
    }

    async fn sign_in(&self, key: &SoftKey) -> anyhow::Result<Session> {
        let id = KeyId(self.scene.harbour.id.0);
        self.scene.stage.delegate(key, PrincipalKind::Master, id).await
    }

    fn change(&self, keys: &[&PublicKey], threshold: u8, nonce: u64) -> structs::SetMasters {
        structs::SetMasters {
            institution: self.scene.harbour.id.0.into(),
            keys: list(keys, threshold).bytes().into(),
            threshold,
            nonce,
            deadline: self.scene.place.now() + 600,
        }
    }

    fn signed(&self, action: impl Into<Action>, by: &[usize]) -> SignedAction {
        let action = action.into();
        let preimage = action.preimage(self.scene.stage.gateway.domain());
        SignedAction {
            signatures: by.iter().map(|n| self.keys[*n].sign(&preimage).unwrap()).collect(),
            action,
            keys: vec![],
            proof: None,
        }
    }

    /// A new card's request, and its approval by some of the masters.
    async fn approval(&self, holder: &str, by: &[usize]) -> (Card, SignedAction) {
        let card = Card::new(self.scene.harbour.id, holder).unwrap();
        let request = card.request(&self.scene.stage).await.unwrap();
        let approval = self
            .scene
            .harbour
            .approval(&self.scene.stage, &request, 3)
            .await
            .unwrap();
        let proof = Proof {
            message: DeviceRequest::typed(&request.certificate, &request.challenge, request.deadline),
            signature: request.signature,
        };
        let signed = SignedAction {
            proof: Some(proof),
            ..self.signed(approval, by)
        };
        (card, signed)
    }

    fn path(&self) -> String {
        format!("/v1/institutions/{}/proposals", self.scene.harbour.id)
    }

    async fn propose(&self, who: usize, action: &SignedAction, wraps: Value) -> Reply {
        let body = json!({ "action": action, "wraps": wraps });
        let signer = self.sessions[who].signer();
        self.scene
            .stage
            .signed(signer, Ask::post(self.path(), &body))
            .await
            .unwrap()
    }

    async fn sign(&self, session: usize, proposal: &str, action: &SignedAction, key: &SoftKey) -> Reply {
        let signature = key
            .sign(&action.action.preimage(self.scene.stage.gateway.domain()))
            .unwrap();
        let path = format!("{}/{proposal}/signatures", self.path());
        let ask = Ask::post(path, &json!({ "signature": signature }));
        self.scene
            .stage
            .signed(self.sessions[session].signer(), ask)
            .await
            .unwrap()
    }

    async fn list(&self, who: usize) -> Vec<Value> {
        let ask = Ask::get(self.path());
        let reply = self.scene.stage.signed(self.sessions[who].signer(), ask).await.unwrap();
        done(&reply).as_array().unwrap().clone()
    }

    async fn device(&self, card: &Card) -> Reply {
        let path = format!("/v1/devices/{}", card.certificate.device_id());
        self.scene.stage.ask(Ask::get(path)).await.unwrap()
    }
}

#[tokio::test]
async fn any_current_master_signs_in_and_a_removed_one_is_out_at_once() {
    let three = Three::set().await;
    let requests = Ask::get(format!("/v1/institutions/{}/requests", three.scene.harbour.id));
    for session in &three.sessions {
        done(
            &three
                .scene
                .stage
                .signed(session.signer(), requests.clone())
                .await
                .unwrap(),
        );
    }
    let two = [three.keys[1].public(), three.keys[2].public()];
    let change = three.change(&two.iter().collect::<Vec<_>>(), 1, 1);
    done(&three.scene.stage.submit(&three.signed(change, &[1, 2])).await.unwrap());
    let reply = three
        .scene
        .stage
        .signed(three.sessions[0].signer(), requests.clone())
        .await
        .unwrap();
    refused(&reply, 401, "session-master-replaced");
    assert!(three.sign_in(&three.keys[0]).await.is_err());
    done(
        &three
            .scene
            .stage
            .signed(three.sessions[1].signer(), requests)
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn the_second_signature_carries_an_approval_out_with_its_wrap() {
    let three = Three::set().await;
    let (card, approval) = three.approval("Dr. New", &[2]).await;
    let agreement = three.scene.harbour.agreement.public();
    let recipient = card.agreement.public().id();
    let wrap = json!({ "recipient": recipient, "epoch": 1, "key": agreement, "enc": "AAAA", "ct": "BBBB" });
    let first = done(&three.propose(2, &approval, json!([wrap])).await);
    assert_eq!(first["state"], "open");
    let proposal = first["proposal"].as_str().unwrap().to_owned();
    refused(&three.device(&card).await, 404, "device-unknown");

    let shown = &three.list(0).await[0];
    assert_eq!(
        (&shown["state"], &shown["type"]),
        (&json!("open"), &json!("ApproveDevice"))
    );
    assert_eq!(shown["proposer"], json!(three.keys[2].public()));
    assert_eq!(shown["signatures"][0]["key"], json!(three.keys[2].public()));
    assert_eq!(
        shown["proposal"],
        json!(approval.action.digest(three.scene.stage.gateway.domain()))
    );

    // The same master again changes nothing; a stranger's signature is none.
    assert_eq!(
        done(&three.sign(2, &proposal, &approval, &three.keys[2]).await)["state"],
        "open"
    );
    let stranger = SoftKey::generate().unwrap();
    refused(
        &three.sign(0, &proposal, &approval, &stranger).await,
        403,
        "action-bad-signature",
    );

    let second = done(&three.sign(0, &proposal, &approval, &three.keys[0]).await);
    assert_eq!(second["state"], "done", "{second}");
    done(&three.device(&card).await);
    let wraps = format!("/v1/institutions/{}/wraps/{recipient}", three.scene.harbour.id);
    assert_eq!(done(&three.scene.stage.ask(Ask::get(wraps)).await.unwrap())["epoch"], 1);
    assert_eq!(three.list(1).await[0]["state"], "done");
    refused(
        &three.sign(1, &proposal, &approval, &three.keys[1]).await,
        409,
        "proposal-ended",
    );
    three.scene.place.later(86_401);
    let session = three.sign_in(&three.keys[1]).await.unwrap();
    let reply = three
        .scene
        .stage
        .signed(session.signer(), Ask::get(three.path()))
        .await
        .unwrap();
    assert_eq!(done(&reply), json!([]), "what ended is dropped after a day");
}

#[tokio::test]
async fn one_signature_alone_does_not_approve_whatever_way_it_comes() {
    let three = Three::set().await;
    let (card, approval) = three.approval("Dr. New", &[0]).await;
    refused(
        &three.scene.stage.submit(&approval).await.unwrap(),
        409,
        "action-signature-count",
    );
    let twice = SignedAction {
        signatures: [approval.signatures.clone(), approval.signatures.clone()].concat(),
        ..approval.clone()
    };
    refused(
        &three.scene.stage.submit(&twice).await.unwrap(),
        403,
        "action-bad-signature",
    );
    assert_eq!(done(&three.propose(0, &twice, json!([])).await)["state"], "open");
    refused(&three.device(&card).await, 404, "device-unknown");
}

#[tokio::test]
async fn proposals_that_are_none_are_refused() {
    let three = Three::set().await;
    let (_, approval) = three.approval("Dr. New", &[0]).await;
    let unsigned = SignedAction {
        signatures: vec![],
        ..approval.clone()
    };
    refused(
        &three.propose(0, &unsigned, json!([])).await,
        403,
        "action-bad-signature",
    );
    let revocation = structs::RevokeDevice {
        institution: three.scene.harbour.id.0.into(),
        device: [1; 32].into(),
        deadline: three.scene.place.now() + 600,
    };
    let revocation = three.signed(revocation, &[0]);
    refused(&three.propose(0, &revocation, json!([])).await, 400, "proposal-kind");
    let unproved = SignedAction {
        proof: None,
        ..approval.clone()
    };
    refused(&three.propose(0, &unproved, json!([])).await, 400, "action-malformed");
    let foreign = three.scene.summit.sign_in(&three.scene.stage).await.unwrap();
    let body = json!({ "action": approval });
    let reply = three
        .scene
        .stage
        .signed(foreign.signer(), Ask::post(three.path(), &body))
        .await
        .unwrap();
    refused(&reply, 403, "wrong-signer");
    let doctor = three.scene.session.signer();
    let reply = three.scene.stage.signed(doctor, Ask::get(three.path())).await.unwrap();
    refused(&reply, 403, "wrong-signer");
    let wraps: Vec<_> = (0..9)
        .map(|_| json!({ "recipient": KeyId([1; 32]), "epoch": 1, "key": three.keys[0].public(), "enc": "", "ct": "" }))
        .collect();
    refused(&three.propose(0, &approval, json!(wraps)).await, 413, "body-too-large");
}

#[tokio::test]
async fn a_proposal_is_withdrawn_with_a_reason() {
    let three = Three::set().await;
    let (_, approval) = three.approval("Dr. New", &[0]).await;
    let proposal = done(&three.propose(0, &approval, json!([])).await)["proposal"].clone();
    let proposal = proposal.as_str().unwrap();
    let path = format!("{}/{proposal}/withdrawal", three.path());
    let withdraw = Ask::post(&path, &json!({ "reason": "left the hospital" }));
    done(
        &three
            .scene
            .stage
            .signed(three.sessions[1].signer(), withdraw.clone())
            .await
            .unwrap(),
    );
    let shown = &three.list(2).await[0];
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("withdrawn"), &json!("left the hospital"))
    );
    assert_eq!(shown["by"], json!(three.keys[1].public()));
    let again = three
        .scene
        .stage
        .signed(three.sessions[0].signer(), withdraw)
        .await
        .unwrap();
    refused(&again, 409, "proposal-ended");
    refused(
        &three.sign(1, proposal, &approval, &three.keys[1]).await,
        409,
        "proposal-ended",
    );
    let unknown = Ask::post(
        format!("{}/{}/withdrawal", three.path(), KeyId([9; 32])),
        &json!({ "reason": "" }),
    );
    let reply = three
        .scene
        .stage
        .signed(three.sessions[0].signer(), unknown)
        .await
        .unwrap();
    refused(&reply, 404, "proposal-unknown");
}

#[tokio::test]
async fn what_the_chain_would_refuse_is_shown_as_stale() {
    let three = Three::set().await;
    let (_, late) = three.approval("Dr. Late", &[0]).await;
    let (_, older) = three.approval("Dr. Older", &[0]).await;
    let proposal = done(&three.propose(0, &late, json!([])).await)["proposal"].clone();
    let all: Vec<_> = three.keys.iter().map(SoftKey::public).collect();
    let change = three.change(&all.iter().collect::<Vec<_>>(), 1, 1);
    done(&three.scene.stage.submit(&three.signed(change, &[0, 1])).await.unwrap());
    refused(&three.propose(0, &older, json!([])).await, 409, "masters-changed");
    let key = &three.keys[1];
    refused(
        &three.sign(1, proposal.as_str().unwrap(), &late, key).await,
        409,
        "masters-changed",
    );
    let shown = &three.list(0).await[0];
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("stale"), &json!("masters-changed"))
    );
}

#[tokio::test]
async fn a_change_of_masters_gathers_old_and_new_signatures_and_survives_a_restart() {
    let three = Three::set().await;
    let new = SoftKey::generate().unwrap();
    let keys = [three.keys[1].public(), three.keys[2].public(), new.public()];
    let change = three.change(&keys.iter().collect::<Vec<_>>(), 2, 1);
    let signed = three.signed(change, &[2]);
    let proposal = done(&three.propose(2, &signed, json!([])).await)["proposal"].clone();
    let proposal = proposal.as_str().unwrap();
    // The new key is nobody yet: its signature comes in a master's session.
    assert_eq!(done(&three.sign(2, proposal, &signed, &new).await)["state"], "open");
    let three = Three {
        scene: three.scene.restarted(|_| ()),
        ..three
    };
    assert_eq!(three.list(1).await[0]["signatures"].as_array().unwrap().len(), 2);
    assert_eq!(
        done(&three.sign(1, proposal, &signed, &three.keys[1]).await)["state"],
        "done"
    );
    three.sign_in(&new).await.unwrap();
    assert!(
        three.sign_in(&three.keys[0]).await.is_err(),
        "the lost key opens nothing more"
    );
}

#[tokio::test]
async fn one_master_suspends_a_card_and_two_let_it_act_again() {
    let three = Three::set().await;
    let scene = &three.scene;
    done(&scene.read("2").await);
    let device = scene.doctor.certificate.device_id();
    let set = |suspended: bool, nonce: u32| structs::SetSuspension {
        institution: scene.harbour.id.0.into(),
        device: device.0.into(),
        suspended,
        masters: 2,
        nonce,
        deadline: scene.place.now() + 600,
    };
    done(&scene.stage.submit(&three.signed(set(true, 1), &[1])).await.unwrap());
    refused(&scene.read("2").await, 403, "device-suspended");
    refused(&scene.write(&[scene.record(2, "x")]).await, 403, "device-suspended");
    let grants = scene
        .stage
        .signed(scene.session.signer(), Ask::get("/v1/grants"))
        .await
        .unwrap();
    refused(&grants, 403, "device-suspended");
    assert!(scene.doctor.sign_in(&scene.stage).await.is_err());
    assert_eq!(done(&three.device(&scene.doctor).await)["status"], "suspended");

    let resume = three.signed(set(false, 2), &[1]);
    refused(
        &scene.stage.submit(&resume).await.unwrap(),
        409,
        "action-signature-count",
    );
    let proposal = done(&three.propose(1, &resume, json!([])).await)["proposal"].clone();
    done(&three.sign(0, proposal.as_str().unwrap(), &resume, &three.keys[0]).await);
    done(&scene.read("2").await);
}

#[tokio::test]
async fn wraps_and_older_keys_go_by_the_chains_epoch() {
    let three = Three::set().await;
    let scene = &three.scene;
    let (stage, id) = (&scene.stage, scene.harbour.id);
    let (old, new) = (scene.harbour.agreement.public(), SoftKey::generate().unwrap().public());
    let foreign = SoftKey::generate().unwrap().public();
    let recipient = scene.doctor.agreement.public().id();
    let target = format!("/v1/institutions/{id}/wraps/{recipient}");
    let master = three.sessions[2].signer();
    // Two masters prepare the same epoch: neither takes the other's place.
    for (epoch, key, ct) in [(1, old, "AAAA"), (2, new, "BBBB"), (2, foreign, "CCCC")] {
        let wrap = json!({ "epoch": epoch, "key": key, "enc": "AAAA", "ct": ct });
        done(&stage.signed(master, Ask::put(&target, &wrap)).await.unwrap());
    }
    let older = json!({ "epoch": 1, "next": new, "enc": "AAAA", "ct": "DDDD" });
    let epochs = format!("/v1/institutions/{id}/epochs");
    done(
        &stage
            .signed(master, Ask::put(format!("{epochs}/1"), &older))
            .await
            .unwrap(),
    );
    let early = json!({ "epoch": 2, "next": new, "enc": "AAAA", "ct": "DDDD" });
    let reply = stage
        .signed(master, Ask::put(format!("{epochs}/2"), &early))
        .await
        .unwrap();
    refused(&reply, 400, "body-malformed");
    let ct = |reply: Reply| done(&reply)["ct"].clone();
    assert_eq!(
        ct(stage.ask(Ask::get(&target)).await.unwrap()),
        "AAAA",
        "the move is only prepared"
    );
    refused(
        &stage.ask(Ask::get(format!("{target}?epoch=2"))).await.unwrap(),
        404,
        "wrap-none",
    );

    let rotation = structs::RotateAgreement {
        institution: id.0.into(),
        epoch: 2,
        agreementX: new.x().into(),
        agreementY: new.y().into(),
        nonce: 1,
        deadline: scene.place.now() + 600,
    };
    done(&stage.submit(&three.signed(rotation, &[2])).await.unwrap());
    assert_eq!(ct(stage.ask(Ask::get(&target)).await.unwrap()), "BBBB");
    assert_eq!(
        ct(stage.ask(Ask::get(format!("{target}?epoch=1"))).await.unwrap()),
        "AAAA"
    );
    refused(
        &stage.ask(Ask::get(format!("{target}?epoch=3"))).await.unwrap(),
        404,
        "wrap-none",
    );
    assert_eq!(done(&stage.ask(Ask::get(&epochs)).await.unwrap()), json!([older]));
    let all = Ask::get(format!("/v1/institutions/{id}/wraps"));
    assert_eq!(
        done(&stage.signed(master, all.clone()).await.unwrap()),
        json!([recipient])
    );
    refused(
        &stage.signed(scene.session.signer(), all).await.unwrap(),
        403,
        "wrong-signer",
    );
}
