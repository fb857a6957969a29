//! Bad days with nodes: gone, behind, on a fork, lying; and with the chain itself: replaced blocks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
use common::anvil::{Anvil, system_now};
use common::proxy::{Lie, Proxy};
use common::{Hospital, LATER, Ledger, START, World, genesis, key};
use serde_json::{Value, json};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use wardkey_chain::{Chain as _, ChainError, Finality, Follower, Projection, Rpc, RpcSettings};
use wardkey_core::fault::Coded as _;
use wardkey_core::id::Commitment;
use wardkey_core::permission::{ChainView as _, GrantStatus, InstitutionStatus};
use wardkey_core::typed::structs;

const COMMITMENT: Commitment = Commitment([0xc0; 32]);

/// A world on a new anvil, and the settings of its ledger.
fn world(change: impl FnOnce(&mut RpcSettings)) -> (World, RpcSettings) {
    let dir = tempfile::tempdir().unwrap();
    let anvil = Anvil::start(genesis().chain_id, START - 100, &[]);
    let mut settings = anvil.deployed(dir.path(), genesis());
    change(&mut settings);
    let ledger = Rpc::open(settings.clone(), Arc::new(system_now)).unwrap();
    anvil.stay_at(START);
    let world = World {
        dir,
        time: Arc::new(AtomicU64::new(START)),
        ledger: Ledger::Rpc(Box::new(ledger), anvil),
        operator: key("operator"),
        gateway: key("gateway"),
    };
    (world, settings)
}

fn anvil(world: &World) -> &Anvil {
    match &world.ledger {
        Ledger::Rpc(_, anvil) => anvil,
        Ledger::Embedded(_) => unreachable!(),
    }
}

/// The same contract through other endpoints.
fn through(settings: &RpcSettings, endpoints: &[String], quorum: usize) -> Result<Rpc, ChainError> {
    let settings = RpcSettings {
        endpoints: endpoints.to_vec(),
        quorum,
        ..settings.clone()
    };
    Rpc::open(settings, Arc::new(system_now))
}

fn grant(world: &World) {
    let (commitment, deadline) = (COMMITMENT.0.into(), LATER);
    world
        .act_by_key(&key("one-time"), structs::Grant { commitment, deadline })
        .unwrap();
}

fn revoke(world: &World) {
    let (commitment, deadline) = (COMMITMENT.0.into(), LATER);
    world
        .act_by_key(&key("one-time"), structs::Revoke { commitment, deadline })
        .unwrap();
}

/// A projection that follows.
struct Followed {
    follower: Follower,
    projection: RwLock<Projection>,
}

impl Followed {
    fn of(world: &World) -> Self {
        let (follower, projection) =
            Follower::open(&world.dir.path().join("projection.sqlite"), &*world.ledger).unwrap();
        Self {
            follower,
            projection: RwLock::new(projection),
        }
    }

    fn look(&mut self, world: &World) -> Result<usize, ChainError> {
        Ok(self.follower.look(&*world.ledger, &self.projection)?.1.len())
    }

    fn grant(&self) -> GrantStatus {
        self.projection
            .read()
            .unwrap()
            .grant(&COMMITMENT, &key("one-time").public())
    }

    fn standing(&self, hospital: &Hospital) -> InstitutionStatus {
        self.projection.read().unwrap().institution(&hospital.id)
    }

    fn sample(&self, world: &World) -> Result<(), ChainError> {
        let mut next = 0u64;
        let random = || {
            next += 1;
            next
        };
        self.follower.sample(&*world.ledger, &self.projection, random)
    }
}

#[test]
fn what_permits_counts_once_final_and_what_takes_away_at_once() {
    let (world, _) = world(|settings| settings.finality = Finality::Confirmations(3));
    let mut followed = Followed::of(&world);
    let hospital = world.accredited("Harbour Hospital");
    grant(&world);
    followed.look(&world).unwrap();
    assert_eq!(followed.grant(), GrantStatus::Unknown, "not final");
    assert_eq!(followed.standing(&hospital), InstitutionStatus::Unknown);
    anvil(&world).ask("anvil_mine", &json!(["0x3"]));
    followed.look(&world).unwrap();
    assert_eq!(followed.grant(), GrantStatus::Live);
    assert_eq!(followed.standing(&hospital), InstitutionStatus::Accredited);
    revoke(&world);
    world.set_accredited(hospital.id, false);
    assert_eq!(followed.look(&world).unwrap(), 2, "told at once");
    assert_eq!(followed.grant(), GrantStatus::Revoked);
    assert_eq!(followed.standing(&hospital), InstitutionStatus::NotAccredited);
    world.set_accredited(hospital.id, true);
    followed.look(&world).unwrap();
    assert_eq!(
        followed.standing(&hospital),
        InstitutionStatus::NotAccredited,
        "again, but not final"
    );
    anvil(&world).ask("anvil_mine", &json!(["0x3"]));
    followed.look(&world).unwrap();
    assert_eq!(followed.standing(&hospital), InstitutionStatus::Accredited);
    for _ in 0..4 {
        followed.sample(&world).unwrap();
    }
}

#[test]
fn a_shallow_reorganisation_is_followed_and_a_deep_one_stops() {
    let (world, _) = world(|settings| settings.finality = Finality::Confirmations(3));
    let mut followed = Followed::of(&world);
    grant(&world);
    anvil(&world).ask("anvil_mine", &json!(["0x3"]));
    revoke(&world);
    followed.look(&world).unwrap();
    assert_eq!(followed.grant(), GrantStatus::Revoked);
    anvil(&world).ask("anvil_reorg", &json!([1, []]));
    followed.look(&world).unwrap();
    assert_eq!(
        followed.grant(),
        GrantStatus::Live,
        "the chain took the revocation back"
    );

    anvil(&world).ask("anvil_reorg", &json!([6, []]));
    let error = followed.look(&world).unwrap_err();
    assert_eq!(error.code(), "chain-reorganised");
    followed.follower.forget(&followed.projection).unwrap();
    assert_eq!(followed.grant(), GrantStatus::Unknown, "nothing that was known counts");
    followed.look(&world).unwrap();
    assert_eq!(followed.grant(), GrantStatus::Unknown, "nor does the chain know it");
}

#[test]
fn a_restart_goes_on_where_it_was_and_an_altered_file_is_found() {
    let (world, _) = world(|_| {});
    let mut followed = Followed::of(&world);
    world.accredited("Harbour Hospital");
    grant(&world);
    followed.look(&world).unwrap();
    let place = followed.projection.read().unwrap().place();
    drop(followed);
    let mut followed = Followed::of(&world);
    assert_eq!(followed.projection.read().unwrap().place(), place);
    assert_eq!(
        (followed.grant(), followed.look(&world).unwrap()),
        (GrantStatus::Live, 0)
    );
    revoke(&world);
    followed.look(&world).unwrap();
    for _ in 0..8 {
        followed.sample(&world).unwrap();
    }
    drop(followed);

    let file = rusqlite::Connection::open(world.dir.path().join("projection.sqlite")).unwrap();
    let altered = file
        .execute("DELETE FROM log WHERE id = (SELECT max(id) FROM log)", [])
        .unwrap();
    assert_eq!(altered, 1);
    drop(file);
    let mut followed = Followed::of(&world);
    followed.look(&world).unwrap();
    assert_eq!(
        followed.grant(),
        GrantStatus::Live,
        "the revocation was removed from the file"
    );
    let found = (0..64).find_map(|_| followed.sample(&world).err()).unwrap();
    assert_eq!(found.code(), "chain-diverged");
}

#[test]
fn a_node_that_is_gone_is_an_error_and_another_one_takes_over() {
    let (mut world, settings) = world(|_| {});
    let dead = "http://127.0.0.1:1".to_owned();
    let both = through(&settings, &[dead.clone(), anvil(&world).url()], 1).unwrap();
    both.head().unwrap();
    assert!(both.endpoints()[0].trouble.is_some() && both.endpoints()[1].trouble.is_none());
    assert_eq!(
        through(&settings, &[dead], 1).err().unwrap().code(),
        "chain-other-deployment"
    );
    if let Ledger::Rpc(_, anvil) = &mut world.ledger {
        anvil.kill();
    }
    assert_eq!(world.ledger.head().unwrap_err().code(), "chain-unreachable");
    assert_eq!(both.head().unwrap_err().code(), "chain-unreachable");
}

#[test]
fn receipts_without_a_log_do_not_prove_themselves() {
    let (world, settings) = world(|_| {});
    grant(&world);
    let hide = Lie {
        call: |_| {},
        answer: |call, answer| {
            if call["method"] == "eth_getBlockReceipts" {
                for receipt in answer.as_array_mut().unwrap() {
                    receipt["logs"] = json!([]);
                }
            }
        },
    };
    let liar = Proxy::before(anvil(&world).port, hide);
    let alone = through(&settings, &[liar.url()], 1).unwrap();
    assert_eq!(alone.events_since(0).unwrap_err().code(), "chain-unproven");
    let both = through(&settings, &[liar.url(), anvil(&world).url()], 1).unwrap();
    assert_eq!(both.events_since(0).unwrap(), world.ledger.events_since(0).unwrap());
    assert!(both.endpoints()[0].trouble.is_some(), "the liar is named");
}

#[test]
fn a_header_with_another_bloom_or_root_is_not_its_hash() {
    let (world, settings) = world(|_| {});
    grant(&world);
    let hide = Lie {
        call: |_| {},
        answer: |call, answer| {
            if call["method"] == "eth_getBlockByNumber" {
                answer["logsBloom"] = json!(format!("0x{}", "00".repeat(256)));
            }
        },
    };
    let liar = Proxy::before(anvil(&world).port, hide);
    let alone = through(&settings, &[liar.url()], 1).unwrap();
    assert_eq!(alone.events_since(0).unwrap_err().code(), "chain-unproven");
}

/// A node that says that everything is zero.
fn zeros(call: &Value, answer: &mut Value) {
    if call["method"] == "eth_call" {
        *answer = json!(format!("0x{}", "00".repeat(32)));
    }
}

#[test]
fn a_false_answer_of_the_contract_is_outvoted_or_refused() {
    let (world, settings) = world(|_| {});
    let honest = anvil(&world).url();
    let gateway = world.gateway.public().id().into();
    let lie = || Lie {
        call: |_| {},
        answer: zeros,
    };
    let liar = Proxy::before(anvil(&world).port, lie());
    let two = through(&settings, &[liar.url(), honest.clone()], 1).unwrap();
    assert_eq!(two.is_gateway(&gateway).unwrap_err().code(), "chain-disagreement");
    let three = through(&settings, &[liar.url(), honest.clone(), honest], 2).unwrap();
    assert!(three.is_gateway(&gateway).unwrap());
    assert!(three.endpoints()[0].trouble.is_some());

    let mut followed = Followed::of(&world);
    followed.look(&world).unwrap();
    let alone = through(&settings, &[liar.url()], 1).unwrap();
    let found = followed
        .follower
        .sample(&alone, &followed.projection, || 0)
        .unwrap_err();
    assert_eq!(
        found.code(),
        "chain-diverged",
        "a lone liar contradicts the proved events"
    );
}

#[test]
fn a_node_that_lags_is_not_followed() {
    let (world, settings) = world(|_| {});
    grant(&world);
    let lag = Lie {
        call: |call| {
            if call["params"][0] == "latest" {
                call["params"][0] = json!("0x1");
            }
        },
        answer: |_, _| {},
    };
    let slow = Proxy::before(anvil(&world).port, lag);
    let both = through(&settings, &[slow.url(), anvil(&world).url()], 1).unwrap();
    assert_eq!(both.head().unwrap(), world.ledger.head().unwrap());
    let mut followed = Followed::of(&world);
    followed.look(&world).unwrap();
    let alone = through(&settings, &[slow.url()], 1).unwrap();
    let error = followed.follower.look(&alone, &followed.projection).err().unwrap();
    assert_eq!(error.code(), "chain-behind");
    assert_eq!(followed.grant(), GrantStatus::Live);
}

#[test]
fn two_forks_are_a_disagreement() {
    let (world, settings) = world(|_| {});
    let dir = tempfile::tempdir().unwrap();
    let other = Anvil::start(genesis().chain_id, START - 90, &[]);
    other.deployed(dir.path(), genesis());
    other.stay_at(START);
    let both = through(&settings, &[anvil(&world).url(), other.url()], 1).unwrap();
    assert_eq!(both.head().unwrap_err().code(), "chain-disagreement");
    other.ask("evm_mine", &json!([]));
    assert_eq!(
        both.head().unwrap_err().code(),
        "chain-disagreement",
        "at another height too"
    );
}

#[test]
fn another_contract_or_chain_is_refused() {
    let (world, settings) = world(|_| {});
    let refused = |change: fn(&mut RpcSettings)| {
        let mut settings = settings.clone();
        change(&mut settings);
        Rpc::open(settings, Arc::new(system_now)).err().unwrap().code()
    };
    assert_eq!(
        refused(|s| s.network.gateway = key("other").public()),
        "chain-other-deployment"
    );
    assert_eq!(refused(|s| s.network.domain.salt[0] ^= 1), "chain-other-deployment");
    assert_eq!(refused(|s| s.network.domain.contract[0] ^= 1), "chain-other-deployment");
    assert_eq!(refused(|s| s.network.domain.chain_id += 1), "chain-other-deployment");
    let contract = format!("0x{}", hex::encode(settings.network.domain.contract));
    anvil(&world).ask("anvil_setCode", &json!([contract, "0x6001"]));
    assert_eq!(refused(|_| {}), "chain-other-deployment");
}

#[test]
fn actions_are_read_back_from_their_transactions() {
    let (world, _) = world(|_| {});
    let hospital = world.registered("Harbour Hospital");
    world
        .set_masters(
            &hospital,
            &[&hospital.master, &key("second")],
            1,
            &[&hospital.master, &key("second")],
        )
        .unwrap();
    let actions = world.ledger.institution_actions(&hospital.id).unwrap();
    assert_eq!(
        actions.iter().map(|a| a.action.kind()).collect::<Vec<_>>(),
        ["RegisterInstitution", "SetMasters"]
    );
    let card = key("card");
    let approval = world.approval(&hospital, &card.public(), 3, START + 900);
    let signed = world.proved(&hospital, &card, approval);
    world.submit(&signed).unwrap();
    assert_eq!(
        world
            .ledger
            .device_approval(&common::device_id(&card.public()))
            .unwrap(),
        Some(signed)
    );
}
