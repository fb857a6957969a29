//! Adding a block: run, then state, block, logs and the raw action together in the caller's SQLite transaction.

use super::evm::{self, Done, Message, Setting};
use super::genesis::Block0;
use super::store::{self, BlockRow, Changes, State};
use crate::artefact::artefact;
use crate::call::{call_data, identity};
use crate::error::ChainError;
use crate::event::Event;
use alloy_primitives::{Address, Log, TxKind, keccak256};
use revm::database_interface::DatabaseRef as _;
use rusqlite::Connection;
use wardkey_core::action::SignedAction;

/// What a block holds: the text that is replayed, and the action's names.
struct Content {
    raw: String,
    digest: [u8; 32],
    identity: Option<[u8; 32]>,
}

/// Makes blocks 0 (genesis) and 1 (deployment) in an empty ledger.
pub fn first_blocks(connection: &Connection, genesis: &Block0, time: u64) -> Result<(), ChainError> {
    let init_code = artefact()?.init_code(&genesis.operator, &genesis.gateway, &genesis.salt);
    write_genesis(connection, genesis, time)?;
    deploy(connection, genesis, init_code, time)
}

/// Block 0.
pub fn write_genesis(connection: &Connection, genesis: &Block0, time: u64) -> Result<(), ChainError> {
    let raw = serde_json::to_string(genesis).map_err(|e| ChainError::Machine(e.to_string()))?;
    let tx = keccak256(&raw).0;
    let zero = [0; 32];
    let mut block = BlockRow {
        number: 0,
        hash: zero,
        parent: zero,
        time,
        tx,
        gas: 0,
        digest: zero,
        identity: None,
        raw,
    };
    block.hash = hash(&block, &[], &[]);
    store::write_block(connection, &block, &[])
}

/// Block 1.
pub fn deploy(connection: &Connection, genesis: &Block0, init_code: Vec<u8>, time: u64) -> Result<(), ChainError> {
    let content = Content {
        raw: hex::encode(&init_code),
        digest: [0; 32],
        identity: None,
    };
    let done = add(connection, genesis, TxKind::Create, init_code, time, content)?;
    if done.logs.len() == 1 {
        Ok(())
    } else {
        Err(ChainError::Machine("the deployment did not set the gateway".into()))
    }
}

/// Adds the block of an action; returns its events.
pub fn act(
    connection: &Connection,
    genesis: &Block0,
    action: &SignedAction,
    time: u64,
) -> Result<Vec<Event>, ChainError> {
    let domain = genesis.domain();
    let digest = action.action.digest(&domain);
    let raw = serde_json::to_string(action).map_err(|e| ChainError::Machine(e.to_string()))?;
    let to = TxKind::Call(Address::from(domain.contract));
    let content = Content {
        raw,
        digest: digest.0,
        identity: Some(identity(&digest, action)),
    };
    let done = add(connection, genesis, to, call_data(action)?, time, content)?;
    let events = done.logs.iter().map(Event::decode).collect::<Result<Vec<_>, _>>()?;
    if !events.iter().any(|(of, _)| *of == digest) {
        return Err(ChainError::Machine(
            "the contract took the action without an event".into(),
        ));
    }
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

fn add(
    connection: &Connection,
    genesis: &Block0,
    to: TxKind,
    data: Vec<u8>,
    time: u64,
    content: Content,
) -> Result<Done, ChainError> {
    let parent = store::newest(connection)?.ok_or_else(|| ChainError::Corrupt("there is no block 0".into()))?;
    let (number, time) = (parent.number + 1, time.max(parent.time));
    let from = genesis.sponsor();
    let nonce = State(connection).basic_ref(from)?.map_or(0, |account| account.nonce);
    let tx = transaction_hash(genesis.chain_id, nonce, to, &data);
    let setting = Setting {
        spec: &genesis.spec,
        chain_id: genesis.chain_id,
        number,
        time,
    };
    let done = evm::run(State(connection), setting, Message { from, nonce, to, data })?;

    let changes = Changes::of(&done.state);
    let Content { raw, digest, identity } = content;
    let mut block = BlockRow {
        number,
        hash: [0; 32],
        parent: parent.hash,
        time,
        tx,
        gas: done.gas,
        digest,
        identity,
        raw,
    };
    block.hash = hash(&block, &done.logs, &changes.bytes());
    changes.write(connection)?;
    store::write_block(connection, &block, &done.logs)?;
    Ok(done)
}

/// Keccak-256 over chain id, nonce, target and data. There is no signature: nobody sends transactions to this ledger.
fn transaction_hash(chain_id: u64, nonce: u64, to: TxKind, data: &[u8]) -> [u8; 32] {
    let to = to.to().map_or_else(Vec::new, |address| address.to_vec());
    keccak256(
        [
            &chain_id.to_be_bytes()[..],
            &nonce.to_be_bytes(),
            &[u8::try_from(to.len()).unwrap_or(0)],
            &to,
            data,
        ]
        .concat(),
    )
    .0
}

/// A block's hash covers its parent's hash, its time, the transaction, the raw action, the logs and every change of state.
fn hash(block: &BlockRow, logs: &[Log], changes: &[u8]) -> [u8; 32] {
    let mut events = Vec::new();
    for log in logs {
        events.extend_from_slice(log.address.as_slice());
        log.topics()
            .iter()
            .for_each(|topic| events.extend_from_slice(topic.as_slice()));
        events.extend_from_slice(&(log.data.data.len() as u64).to_be_bytes());
        events.extend_from_slice(&log.data.data);
    }
    let bytes = [
        block.number.to_be_bytes().as_slice(),
        &block.parent,
        &block.time.to_be_bytes(),
        &block.tx,
        &block.gas.to_be_bytes(),
        &block.digest,
        keccak256(&block.raw).as_slice(),
        keccak256(&events).as_slice(),
        keccak256(changes).as_slice(),
    ]
    .concat();
    keccak256(bytes).0
}
