//! Deploying the contract at an address that follows from its code, the keys and the salt alone (CREATE2, EIP-1014).

use super::account::SponsorKey;
use super::fees::{Market, gwei, wei};
use super::nodes::{Nodes, places};
use crate::abi;
use crate::artefact::artefact;
use crate::embedded::result_of_call;
use crate::error::ChainError;
use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, bytes, keccak256};
use alloy_sol_types::SolEvent as _;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wardkey_core::key::PublicKey;

/// The deterministic deployment proxy; the same on every chain.
pub const PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// What it does: CREATE2 with the first 32 bytes as salt and the rest as creation code.
pub const PROXY_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);
/// Its sender, whose key nobody has: the transaction's signature was chosen first.
const PROXY_SENDER: Address = address!("3fAB184622Dc19b6109349B94811493BF45362fB");
/// Its transaction.
const PROXY_TRANSACTION: Bytes = bytes!(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222"
);
/// What that transaction costs, wei: 100 000 gas at 100 gwei.
const PROXY_COST: u128 = 10_000_000_000_000_000;

/// A deployment: what is sent, and where the contract will be.
pub struct Plan {
    /// The contract's address.
    pub contract: Address,
    /// The proxy's call data: salt and creation code.
    pub data: Bytes,
}

/// A contract on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Deployed {
    /// Its address.
    pub contract: Address,
    /// Block of the deployment.
    pub block: u64,
    /// Whether it was there already.
    pub before: bool,
}

impl Plan {
    /// Of the built-in contract with these keys and this salt.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] if the built-in artefact is broken.
    pub fn of(operator: &PublicKey, gateway: &PublicKey, salt: &[u8; 32]) -> Result<Self, ChainError> {
        let code = artefact()?.init_code(operator, gateway, salt);
        let contract = PROXY.create2(B256::from(*salt), keccak256(&code));
        let data = [salt.as_slice(), &code].concat().into();
        Ok(Self { contract, data })
    }
}

/// The code that the deployment leaves on a chain, immutable values included: it is run here.
///
/// # Errors
/// [`ChainError::Machine`].
pub fn code_of(plan: &Plan, chain_id: u64) -> Result<Bytes, ChainError> {
    result_of_call(chain_id, (PROXY, &PROXY_CODE), plan.data.to_vec(), plan.contract)
}

/// Deploys, unless it is there already.
///
/// # Errors
/// [`ChainError::Sponsor`] if the account cannot pay; [`ChainError::Pending`] if no block took it in time; others when no node
/// answers.
pub fn deploy(
    endpoints: &[String],
    chain_id: u64,
    plan: &Plan,
    key: &SponsorKey,
    max_fee_gwei: u64,
    wait: Duration,
) -> Result<Deployed, ChainError> {
    let nodes = Nodes::connect(endpoints, 1, Duration::from_secs(20), chain_id)?;
    let until = Instant::now() + wait;
    if let Some(block) = found(&nodes, plan)? {
        let contract = plan.contract;
        return Ok(Deployed {
            contract,
            block,
            before: true,
        });
    }
    let payer = Payer {
        nodes: &nodes,
        key,
        cap: gwei(max_fee_gwei),
        until,
    };
    payer.make_proxy()?;
    payer.pay(TxKind::Call(PROXY), U256::ZERO, plan.data.clone())?;
    match found(&nodes, plan)? {
        Some(block) => Ok(Deployed {
            contract: plan.contract,
            block,
            before: false,
        }),
        None => Err(ChainError::Machine("the deployment left no contract".into())),
    }
}

/// The block in which the contract set its first gateway; `None` if it is not there.
pub(super) fn found(nodes: &Nodes, plan: &Plan) -> Result<Option<u64>, ChainError> {
    let topics = json!([abi::GatewaySet::SIGNATURE_HASH, B256::ZERO]);
    let filter = json!([{ "address": plan.contract, "fromBlock": "0x0", "toBlock": "latest", "topics": topics }]);
    Ok(places(&nodes.agree("eth_getLogs", &filter)?)?
        .first()
        .map(|place| place.block))
}

struct Payer<'a> {
    nodes: &'a Nodes,
    key: &'a SponsorKey,
    cap: u128,
    until: Instant,
}

impl Payer<'_> {
    /// Makes the proxy by its known transaction where the chain has none.
    fn make_proxy(&self) -> Result<(), ChainError> {
        let code = self.nodes.agree("eth_getCode", &json!([PROXY, "latest"]))?;
        if code.as_str() == Some(PROXY_CODE.to_string().as_str()) {
            return Ok(());
        }
        self.pay(TxKind::Call(PROXY_SENDER), U256::from(PROXY_COST), Bytes::new())?;
        self.nodes
            .tell("eth_sendRawTransaction", &json!([PROXY_TRANSACTION]))
            .map_err(|error| {
                ChainError::Sponsor(format!(
                    "the chain has no deployment proxy and does not take its transaction (EIP-155 only?): {error}"
                ))
            })?;
        self.await_receipt(keccak256(&PROXY_TRANSACTION))
    }

    fn pay(&self, to: TxKind, value: U256, input: Bytes) -> Result<(), ChainError> {
        let from = self.key.address();
        let call = json!({ "from": from, "to": to.to(), "value": value, "data": input });
        let gas = self.nodes.any("eth_estimateGas", &json!([call]))?;
        let gas = wei(&gas).and_then(|gas| u64::try_from(gas).ok()).unwrap_or(0);
        let nonce = self.nodes.agree("eth_getTransactionCount", &json!([from, "latest"]))?;
        let fees = Market::ask(self.nodes)?.fees(self.cap)?;
        let (hash, raw) = self.key.sign(TxEip1559 {
            chain_id: self.nodes.chain_id(),
            nonce: wei(&nonce).and_then(|nonce| u64::try_from(nonce).ok()).unwrap_or(0),
            gas_limit: gas + gas / 10,
            max_fee_per_gas: fees.most,
            max_priority_fee_per_gas: fees.tip,
            to,
            value,
            access_list: alloy::eips::eip2930::AccessList::default(),
            input,
        })?;
        let sent = self.nodes.tell("eth_sendRawTransaction", &json!([raw]));
        sent.map_err(|error| ChainError::Sponsor(error.to_string()))?;
        self.await_receipt(hash)
    }

    fn await_receipt(&self, hash: B256) -> Result<(), ChainError> {
        loop {
            let receipt = self.nodes.any("eth_getTransactionReceipt", &json!([hash]))?;
            match receipt.get("status").and_then(Value::as_str) {
                Some("0x1") => return Ok(()),
                Some(_) => return Err(ChainError::Machine(format!("transaction {hash} failed"))),
                None if Instant::now() >= self.until => return Err(ChainError::Pending),
                None => std::thread::sleep(Duration::from_millis(250)),
            }
        }
    }
}
