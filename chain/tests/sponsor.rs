//! Bad days of the sponsor: stuck transactions, the fee cap, others who were faster, kills, and no money.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
use common::anvil::{Anvil, RICH_ADDRESS, system_now};
use common::{Ledger, START, World, genesis, key};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wardkey_chain::{Chain as _, Refusal, Rpc, RpcSettings};
use wardkey_core::action::SignedAction;
use wardkey_core::fault::Coded as _;
use wardkey_core::typed::structs;

/// A chain that mines only when told to, with a sponsor's clock that the test turns.
struct Stage {
    world: World,
    settings: RpcSettings,
    clock: Arc<AtomicU64>,
}

impl Stage {
    fn new(change: impl FnOnce(&mut RpcSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(genesis().chain_id, START - 100, &[]);
        let mut settings = anvil.deployed(dir.path(), genesis());
        settings.sponsor.wait = 1;
        settings.sponsor.replace_after = 30;
        change(&mut settings);
        anvil.stay_at(START);
        let clock = Arc::new(AtomicU64::new(system_now()));
        let ledger = Ledger::Rpc(Box::new(open(&settings, &clock)), anvil);
        let world = World {
            dir,
            time: Arc::new(AtomicU64::new(START)),
            ledger,
            operator: key("operator"),
            gateway: key("gateway"),
        };
        let stage = Self { world, settings, clock };
        stage.anvil().ask("evm_setAutomine", &json!([false]));
        stage
    }

    fn rpc(&self) -> &Rpc {
        match &self.world.ledger {
            Ledger::Rpc(rpc, _) => rpc,
            Ledger::Embedded(_) => unreachable!(),
        }
    }

    fn anvil(&self) -> &Anvil {
        match &self.world.ledger {
            Ledger::Rpc(_, anvil) => anvil,
            Ledger::Embedded(_) => unreachable!(),
        }
    }

    /// The gateway is killed and started again.
    fn restarted(self) -> Self {
        let Ledger::Rpc(rpc, anvil) = self.world.ledger else {
            unreachable!()
        };
        drop(rpc);
        let ledger = Ledger::Rpc(Box::new(open(&self.settings, &self.clock)), anvil);
        let world = World { ledger, ..self.world };
        Self { world, ..self }
    }

    fn registration(&self) -> SignedAction {
        let (master, message) = World::registration("Harbour Hospital");
        let signature = self.world.sign(&master, &message);
        SignedAction::one(message, signature)
    }

    fn count(&self) -> u64 {
        number(
            &self
                .anvil()
                .ask("eth_getTransactionCount", &json!([RICH_ADDRESS, "latest"])),
        )
    }

    fn later(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
        self.rpc().tend().unwrap();
    }

    /// Most wei a unit of gas that the one waiting transaction pays.
    fn offered(&self) -> u64 {
        let pool = self.anvil().ask("txpool_content", &json!([]));
        let own = pool["pending"].as_object().unwrap().values().next().unwrap();
        let waiting = own.as_object().unwrap();
        assert_eq!(waiting.len(), 1, "one transaction, whatever it was replaced by");
        number(&waiting.values().next().unwrap()["maxFeePerGas"])
    }

    fn mine(&self) {
        self.anvil().ask("evm_mine", &json!([]));
    }
}

fn open(settings: &RpcSettings, clock: &Arc<AtomicU64>) -> Rpc {
    let clock = clock.clone();
    Rpc::open(settings.clone(), Arc::new(move || clock.load(Ordering::SeqCst))).unwrap()
}

fn number(hex: &Value) -> u64 {
    u64::from_str_radix(&hex.as_str().unwrap()[2..], 16).unwrap()
}

#[test]
fn a_stuck_transaction_is_replaced_and_arrives_once() {
    let stage = Stage::new(|_| {});
    let (action, before) = (stage.registration(), stage.count());
    assert_eq!(stage.rpc().submit(&action).unwrap_err().code(), "chain-pending");
    let first = stage.offered();
    stage.later(29);
    assert_eq!(stage.offered(), first, "not yet");
    stage.later(2);
    let second = stage.offered();
    assert!(second * 8 >= first * 9, "{first} {second}");
    assert_eq!(stage.rpc().submit(&action).unwrap_err().code(), "chain-pending");
    stage.mine();
    let receipt = stage.rpc().submit(&action).unwrap();
    assert_eq!(stage.count(), before + 1);
    assert_eq!(
        stage.rpc().submit(&action).unwrap(),
        receipt,
        "again is the first time's success"
    );
    stage.later(1);
    assert_eq!((stage.count(), stage.rpc().sponsor().pending), (before + 1, 0));
}

#[test]
fn the_cap_is_never_passed() {
    let stage = Stage::new(|settings| settings.sponsor.max_fee_gwei = 3);
    let action = stage.registration();
    assert_eq!(stage.rpc().submit(&action).unwrap_err().code(), "chain-pending");
    for _ in 0..6 {
        stage.later(31);
        assert!(stage.offered() <= 3_000_000_000);
    }
    assert!(stage.rpc().sponsor().at_the_cap);
    stage.anvil().ask("anvil_dropAllTransactions", &json!([]));
    stage
        .anvil()
        .ask("anvil_setNextBlockBaseFeePerGas", &json!(["0x12a05f200"]));
    stage.mine();
    let (other, message) = World::registration("Summit Clinic");
    let other = SignedAction::one(message.clone(), stage.world.sign(&other, &message));
    assert_eq!(stage.rpc().submit(&other).unwrap_err().code(), "chain-fee-cap");
}

#[test]
fn a_stranger_may_have_been_faster() {
    let stage = Stage::new(|_| {});
    let (action, before) = (stage.registration(), stage.count());
    assert_eq!(stage.rpc().submit(&action).unwrap_err().code(), "chain-pending");
    let pool = stage.anvil().ask("txpool_content", &json!([]));
    let own = pool["pending"].as_object().unwrap().values().next().unwrap();
    let input = own.as_object().unwrap().values().next().unwrap()["input"].clone();
    stage.anvil().ask("anvil_dropAllTransactions", &json!([]));
    let contract = format!("0x{}", hex::encode(stage.settings.network.domain.contract));
    let accounts = stage.anvil().ask("eth_accounts", &json!([]));
    let foreign = json!([{ "from": accounts[1], "to": contract, "data": input, "gas": "0xf4240" }]);
    let foreign = stage.anvil().ask("eth_sendTransaction", &foreign);
    stage.mine();
    let receipt = stage.rpc().submit(&action).unwrap();
    assert_eq!(json!(format!("0x{}", hex::encode(receipt.tx.0))), foreign);
    assert_eq!(stage.count(), before, "nothing was paid");
}

#[test]
fn a_kill_loses_nothing_and_sends_nothing_twice() {
    let stage = Stage::new(|_| {});
    let (action, before) = (stage.registration(), stage.count());
    assert_eq!(stage.rpc().submit(&action).unwrap_err().code(), "chain-pending");
    // As if the kill had come between writing it down and sending it.
    stage.anvil().ask("anvil_dropAllTransactions", &json!([]));
    let stage = stage.restarted();
    stage.later(0);
    stage.offered();
    let stage = stage.restarted();
    stage.later(0);
    stage.offered();
    stage.mine();
    stage.rpc().submit(&action).unwrap();
    stage.mine();
    assert_eq!(stage.count(), before + 1);
}

#[test]
fn a_refusal_costs_nothing() {
    let stage = Stage::new(|_| {});
    let (_, message) = World::registration("Harbour Hospital");
    let forged = SignedAction::one(message.clone(), stage.world.sign(&key("stranger"), &message));
    let before = stage.count();
    assert_eq!(common::refusal(stage.rpc().submit(&forged)), Refusal::BadSignature);
    stage.mine();
    assert_eq!((stage.count(), stage.rpc().sponsor().pending), (before, 0));
}

#[test]
fn a_low_balance_is_told_and_the_key_file_is_private() {
    let stage = Stage::new(|_| {});
    stage.later(0);
    assert!(!stage.rpc().sponsor().low);
    stage
        .anvil()
        .ask("anvil_setBalance", &json!([RICH_ADDRESS, "0x2540be400"]));
    stage.later(0);
    let status = stage.rpc().sponsor();
    assert_eq!((status.low, status.balance_gwei), (true, Some(10)));
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(&stage.settings.sponsor.key, open).unwrap();
    let error = Rpc::open(stage.settings.clone(), Arc::new(system_now)).err().unwrap();
    assert_eq!(error.code(), "chain-sponsor");
}

#[test]
fn actions_at_once_have_numbers_of_their_own() {
    let stage = Stage::new(|settings| settings.sponsor.wait = 20);
    stage.anvil().ask("evm_setIntervalMining", &json!([1]));
    let before = stage.count();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let stage = &stage;
            scope.spawn(move || {
                let (master, message) = World::registration(&format!("Hospital {n}"));
                let message = structs::RegisterInstitution {
                    deadline: u64::MAX,
                    ..message
                };
                let signature = stage.world.sign(&master, &message);
                stage.rpc().submit(&SignedAction::one(message, signature)).unwrap();
            });
        }
    });
    assert_eq!(
        (stage.count(), stage.rpc().institutions().unwrap().len()),
        (before + 8, 8)
    );
}
