//! The contract on a real chain, over JSON-RPC.
//!
//! What is trusted of a node, and what is checked (decision 21): the hash of the newest block and the contract's answers to views
//! are taken on the word of `quorum` nodes; everything else proves itself against that hash (see [`proof`]). Calls block.

mod account;
mod action;
mod deploy;
mod fees;
mod nodes;
mod outbox;
mod proof;
mod sponsor;
mod worker;

pub use account::{SponsorKey, SponsorStatus};
pub use deploy::{Deployed, PROXY, PROXY_CODE, Plan, code_of, deploy};
pub use nodes::Endpoint;

use crate::abi;
use crate::embedded::Clock;
use crate::error::ChainError;
use crate::event::Event;
use crate::ledger::{Block, Chain, Head, Network, Receipt, When};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolEvent as _;
use nodes::{Nodes, Place};
use serde::Serialize;
use serde_json::{Value, json};
use sponsor::Sponsor;
use std::path::PathBuf;
use std::time::Duration;
use wardkey_core::action::SignedAction;
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::key::PublicKey;

/// From when a block counts as final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// When the nodes say so (`finalized`).
    Tag,
    /// At once: chains whose blocks are never replaced (QBFT).
    Latest,
    /// When so many blocks follow it.
    Confirmations(u64),
}

/// How to reach a chain and its contract.
#[derive(Clone, Debug)]
pub struct RpcSettings {
    /// URLs of JSON-RPC endpoints.
    pub endpoints: Vec<String>,
    /// How many of them must say the same.
    pub quorum: usize,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// The deployment: with the operator's and the gateway's key that it was made with.
    pub network: Network,
    /// Block of the deployment.
    pub deployed_block: u64,
    /// From when a block counts as final.
    pub finality: Finality,
    /// Whether a block's hash is Keccak-256 of its header, as on Ethereum. QBFT leaves its seals out.
    pub header_hash: bool,
    /// Who pays.
    pub sponsor: SponsorSettings,
}

/// How transactions are paid.
#[derive(Clone, Debug)]
pub struct SponsorSettings {
    /// File of the account's key, mode 600.
    pub key: PathBuf,
    /// File of what is not yet final on the chain.
    pub outbox: PathBuf,
    /// Most to be paid a unit of gas, gwei.
    pub max_fee_gwei: u64,
    /// Seconds after which a transaction that is in no block is replaced by one that pays more.
    pub replace_after: u64,
    /// Longest wait of [`Chain::submit`] for a block, seconds.
    pub wait: u64,
    /// Balance under which a warning is given, gwei.
    pub low_balance_gwei: u64,
}

/// A chain over JSON-RPC.
pub struct Rpc {
    nodes: Nodes,
    settings: RpcSettings,
    sponsor: Sponsor,
}

impl Rpc {
    /// Connects, and compares the contract with the one that this program was built with.
    ///
    /// # Errors
    /// [`ChainError::OtherDeployment`] if it is another; others when no node answers or the sponsor's files cannot be used.
    pub fn open(settings: RpcSettings, clock: Clock) -> Result<Self, ChainError> {
        let domain = settings.network.domain;
        let nodes = Nodes::connect(&settings.endpoints, settings.quorum, settings.timeout, domain.chain_id)?;
        let sponsor = Sponsor::open(settings.sponsor.clone(), domain, clock)?;
        let rpc = Self {
            nodes,
            settings,
            sponsor,
        };
        rpc.verify()?;
        Ok(rpc)
    }

    /// See [`verify`].
    ///
    /// # Errors
    /// [`ChainError::OtherDeployment`].
    pub fn verify(&self) -> Result<(), ChainError> {
        verify(&self.nodes, &self.settings.network).map(drop)
    }

    /// The sponsor's account, its balance and what is on its way, as of the last [`Chain::tend`].
    #[must_use]
    pub fn sponsor(&self) -> SponsorStatus {
        self.sponsor.status()
    }

    /// How each endpoint did last.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.nodes.endpoints()
    }

    fn contract(&self) -> Address {
        Address::from(self.settings.network.domain.contract)
    }

    /// The contract's logs with these topics, oldest first.
    fn logs(&self, topics: &Value) -> Result<Vec<Place>, ChainError> {
        let filter = json!([{ "address": self.contract(), "fromBlock": hex_of(self.settings.deployed_block), "toBlock": "latest", "topics": topics }]);
        nodes::places(&self.nodes.agree("eth_getLogs", &filter)?)
    }

    /// The action that made a log: decoded from its transaction, and compared with the digest in the log.
    fn action_of(&self, place: &Place) -> Result<SignedAction, ChainError> {
        let digest = place.log.topics().get(1).copied().unwrap_or_default();
        action::behind(&self.nodes, &self.settings.network.domain, place.tx, digest)
    }
}

impl Chain for Rpc {
    fn network(&self) -> Network {
        self.settings.network
    }

    fn submit(&self, action: &SignedAction) -> Result<Receipt, ChainError> {
        self.sponsor.submit(self, action)
    }

    fn head(&self) -> Result<Head, ChainError> {
        self.nodes.head().map(|header| proof::place(&header))
    }

    fn finalized(&self, head: &Head) -> Result<u64, ChainError> {
        match self.settings.finality {
            Finality::Latest => Ok(head.number),
            Finality::Confirmations(count) => Ok(head.number.saturating_sub(count)),
            Finality::Tag => self.nodes.number("finalized"),
        }
    }

    fn first(&self) -> u64 {
        self.settings.deployed_block
    }

    fn own(&self) -> bool {
        false
    }

    fn blocks(&self, first: u64, last: u64) -> Result<Vec<Block>, ChainError> {
        let anchor = self.nodes.hash_at(last)?;
        let asked = proof::Asked {
            contract: self.contract(),
            first,
            last,
            anchor,
            header_hash: self.settings.header_hash,
        };
        self.nodes
            .first_that_proves(|node| proof::blocks(&self.nodes, node, &asked))
    }

    fn call(&self, data: Vec<u8>, when: When) -> Result<Bytes, ChainError> {
        let head = match when {
            When::Block(head) => head,
            When::Newest | When::Time(_) => self.head()?,
        };
        let call = json!({ "to": self.contract(), "data": Bytes::from(data) });
        let block = json!({ "blockHash": B256::from(head.hash.0) });
        let parameters = match when {
            When::Time(time) => json!([call, block, {}, { "time": hex_of(time) }]),
            When::Newest | When::Block(_) => json!([call, block]),
        };
        nodes::bytes(&self.nodes.agree("eth_call", &parameters)?)
    }

    fn device_key(&self, id: &DeviceId) -> Result<Option<PublicKey>, ChainError> {
        let logs = self.logs(&json!([
            abi::DeviceApproved::SIGNATURE_HASH,
            null,
            null,
            B256::from(id.0)
        ]))?;
        let Some(place) = logs.last() else { return Ok(None) };
        match Event::decode(&place.log)? {
            (_, Event::DeviceApproved { key, .. }) if DeviceId::from(key.id()) == *id => Ok(Some(key)),
            _ => Err(ChainError::Unproven("a device's approval is of another key".into())),
        }
    }

    fn institution_actions(&self, id: &InstitutionId) -> Result<Vec<SignedAction>, ChainError> {
        let making = [
            abi::InstitutionRegistered::SIGNATURE_HASH,
            abi::AgreementRotated::SIGNATURE_HASH,
            abi::MastersSet::SIGNATURE_HASH,
        ];
        let logs = self.logs(&json!([making, null, B256::from(id.0)]))?;
        // Each of them but the registration has a number of its own: none was left out.
        let expected = self.institution(id)?.map_or(0, |known| known.nonce + 1);
        if logs.len() as u64 != expected {
            return Err(ChainError::Unproven("an institution's history has gaps".into()));
        }
        logs.iter().map(|place| self.action_of(place)).collect()
    }

    fn device_approval(&self, id: &DeviceId) -> Result<Option<SignedAction>, ChainError> {
        let logs = self.logs(&json!([
            abi::DeviceApproved::SIGNATURE_HASH,
            null,
            null,
            B256::from(id.0)
        ]))?;
        logs.last().map(|place| self.action_of(place)).transpose()
    }

    fn tend(&self) -> Result<(), ChainError> {
        self.sponsor.tend(self)
    }
}

/// Compares address and code of the contract with what this program makes of the deployment's keys and salt: a constructor value
/// or an instruction that differs makes another address.
fn verify(nodes: &Nodes, network: &Network) -> Result<Plan, ChainError> {
    let plan = Plan::of(&network.operator, &network.gateway, &network.domain.salt)?;
    if plan.contract.into_array() != network.domain.contract {
        return Err(ChainError::OtherDeployment(format!(
            "the contract of these keys and this salt is at {}",
            plan.contract
        )));
    }
    let expected = code_of(&plan, network.domain.chain_id)?;
    let there = nodes.agree("eth_getCode", &json!([plan.contract, "latest"]))?;
    match there.as_str() {
        Some(code) if code == expected.to_string() => Ok(plan),
        Some("0x") => Err(ChainError::OtherDeployment(format!(
            "there is no contract at {}",
            plan.contract
        ))),
        _ => Err(ChainError::OtherDeployment(format!(
            "the code at {} is another",
            plan.contract
        ))),
    }
}

/// What a chain says of a deployment, for showing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The contract's address; its code is this program's.
    pub contract: Address,
    /// Block of the deployment.
    pub deployed_block: u64,
    /// Number of the newest block.
    pub head: u64,
    /// The sponsor's balance, if asked for.
    pub balance_gwei: Option<u64>,
    /// How each endpoint did.
    pub endpoints: Vec<Endpoint>,
}

/// Looks at a deployment. All endpoints that answer must agree.
///
/// # Errors
/// [`ChainError::OtherDeployment`] if the contract is another; others when no node answers.
pub fn inspect(endpoints: &[String], network: &Network, sponsor: Option<Address>) -> Result<Inspection, ChainError> {
    let nodes = Nodes::connect(endpoints, 1, Duration::from_secs(20), network.domain.chain_id)?;
    let plan = verify(&nodes, network)?;
    let missing = || ChainError::OtherDeployment("the contract has no event of its deployment".into());
    let deployed_block = deploy::found(&nodes, &plan)?.ok_or_else(missing)?;
    let balance = |address| nodes.agree("eth_getBalance", &json!([address, "latest"]));
    let balance = sponsor.map(balance).transpose()?;
    Ok(Inspection {
        contract: plan.contract,
        deployed_block,
        head: nodes.head()?.inner.number,
        balance_gwei: balance.as_ref().and_then(fees::wei).map(fees::in_gwei),
        endpoints: nodes.endpoints(),
    })
}

/// A digest as the chain writes it.
const fn digest(word: B256) -> Digest {
    Digest(word.0)
}

/// A number as JSON-RPC writes it.
fn hex_of(number: u64) -> String {
    format!("{number:#x}")
}
