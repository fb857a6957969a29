//! The contract in an in-process EVM with durable storage in one SQLite file: one block per action.
//!
//! State, block, receipt, logs and the raw signed action are one SQLite transaction, written through to the disk before
//! [`Chain::submit`] returns. Blocks are chained by hash, and [`Embedded::verify`] replays everything.

mod append;
mod evm;
#[cfg(test)]
mod full_disk;
mod genesis;
mod replay;
mod store;

pub use genesis::Genesis;

use crate::abi;
use crate::call::{identity, must_carry_no_more};
use crate::error::ChainError;
use crate::event::Event;
use crate::ledger::{Block, Chain, Head, Network, Receipt, When};
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_sol_types::SolEvent as _;
use evm::{Message, Setting};
use genesis::Block0;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{BlockRow, State};
use wardkey_core::action::SignedAction;
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::key::PublicKey;

/// Seconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// An embedded ledger.
pub struct Embedded {
    genesis: Block0,
    clock: Clock,
    writer: Mutex<Connection>,
    /// Views do not wait for writes: SQLite's WAL shows a reader the last complete block.
    reader: Mutex<Connection>,
}

impl Embedded {
    /// Opens a ledger; makes it and deploys the contract if the file does not exist. In an existing ledger the salt and
    /// the first gateway are those it was made with.
    ///
    /// # Errors
    /// [`ChainError::OtherGenesis`] if the chain id or the operator differ from the file's; [`ChainError::Storage`];
    /// [`ChainError::Corrupt`].
    pub fn open(path: &Path, genesis: Genesis, clock: Clock) -> Result<Self, ChainError> {
        let mut writer = store::open(path)?;
        let kept = begin(&mut writer, genesis, clock())?;
        if kept.format != genesis::FORMAT {
            return Err(ChainError::OtherGenesis("version of this program"));
        }
        if kept.chain_id != genesis.chain_id {
            return Err(ChainError::OtherGenesis("chain id"));
        }
        if kept.operator != genesis.operator {
            return Err(ChainError::OtherGenesis("operator key"));
        }
        let reader = store::open_for_reading(path)?;
        Ok(Self {
            genesis: kept,
            clock,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// Replays every action from genesis; returns the number of the newest block.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] with the first difference between what is stored and what the actions make.
    pub fn verify(&self) -> Result<u64, ChainError> {
        let mut reader = lock(&self.reader);
        let snapshot = reader.transaction()?;
        replay::verify(&snapshot)
    }
}

impl Chain for Embedded {
    fn network(&self) -> Network {
        Network {
            domain: self.genesis.domain(),
            operator: self.genesis.operator,
            gateway: self.genesis.gateway,
        }
    }

    fn submit(&self, action: &SignedAction) -> Result<Receipt, ChainError> {
        must_carry_no_more(action)?;
        let digest = action.action.digest(&self.genesis.domain());
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(block) = store::block_of(&transaction, &identity(&digest, action))? {
            let logs = store::logs(&transaction, block.number, block.number)?;
            let event = |row: &store::LogRow| Event::decode(&row.log).map(|(_, event)| event);
            let events = logs.iter().map(event).collect::<Result<_, _>>()?;
            return Ok(receipt(&block, events));
        }
        let events = append::act(&transaction, &self.genesis, action, (self.clock)())?;
        let block = head(&transaction)?;
        transaction.commit()?;
        tracing::debug!(
            block = block.number,
            kind = action.action.kind(),
            gas = block.gas,
            "action on chain"
        );
        Ok(receipt(&block, events))
    }

    fn head(&self) -> Result<Head, ChainError> {
        Ok(place(&head(&lock(&self.reader))?))
    }

    fn finalized(&self, head: &Head) -> Result<u64, ChainError> {
        Ok(head.number)
    }

    fn first(&self) -> u64 {
        0
    }

    fn own(&self) -> bool {
        true
    }

    fn blocks(&self, first: u64, last: u64) -> Result<Vec<Block>, ChainError> {
        let mut reader = lock(&self.reader);
        let snapshot = reader.transaction()?;
        let mut logs = store::logs(&snapshot, first, last)?.into_iter().peekable();
        let mut blocks = Vec::new();
        for row in store::blocks(&snapshot, first, last)? {
            let own = std::iter::from_fn(|| logs.next_if(|log| log.block == row.number));
            blocks.push(Block {
                head: place(&row),
                parent: Digest(row.parent),
                logs: own.map(|row| row.log).collect(),
            });
        }
        Ok(blocks)
    }

    fn call(&self, data: Vec<u8>, when: When) -> Result<Bytes, ChainError> {
        let mut reader = lock(&self.reader);
        let snapshot = reader.transaction()?;
        let head = place(&head(&snapshot)?);
        let time = match when {
            When::Time(time) => time,
            When::Block(asked) if asked != head => return Err(ChainError::Moved),
            When::Newest | When::Block(_) => (self.clock)().max(head.time),
        };
        let setting = Setting {
            spec: &self.genesis.spec,
            chain_id: self.genesis.chain_id,
            number: head.number,
            time,
        };
        let message = Message {
            from: Address::ZERO,
            nonce: 0,
            to: TxKind::Call(Address::from(self.genesis.domain().contract)),
            data,
        };
        Ok(evm::run(State(&snapshot), setting, message)?.output)
    }

    fn device_key(&self, id: &DeviceId) -> Result<Option<PublicKey>, ChainError> {
        let row = store::newest_log(&lock(&self.reader), &abi::DeviceApproved::SIGNATURE_HASH, &id.0)?;
        match row.map(|row| Event::decode(&row.log)).transpose()? {
            Some((_, Event::DeviceApproved { key, .. })) => Ok(Some(key)),
            _ => Ok(None),
        }
    }

    fn institution_actions(&self, id: &InstitutionId) -> Result<Vec<SignedAction>, ChainError> {
        const MAKING: [B256; 3] = [
            abi::InstitutionRegistered::SIGNATURE_HASH,
            abi::AgreementRotated::SIGNATURE_HASH,
            abi::MastersSet::SIGNATURE_HASH,
        ];
        let raw = store::raw_actions(&lock(&self.reader), &MAKING, &id.0)?;
        raw.iter().map(|raw| action(raw)).collect()
    }

    fn device_approval(&self, id: &DeviceId) -> Result<Option<SignedAction>, ChainError> {
        let mut reader = lock(&self.reader);
        let snapshot = reader.transaction()?;
        let Some(row) = store::newest_log(&snapshot, &abi::DeviceApproved::SIGNATURE_HASH, &id.0)? else {
            return Ok(None);
        };
        let block = store::block(&snapshot, row.block)?;
        block.map(|block| action(&block.raw)).transpose()
    }
}

/// The code that an account has after a call to a contract on an otherwise empty chain; the call makes that account.
pub fn result_of_call(
    chain_id: u64,
    (to, code): (Address, &Bytes),
    data: Vec<u8>,
    made: Address,
) -> Result<Bytes, ChainError> {
    let empty = store::open_in_memory()?;
    store::write_code(&empty, &to, code)?;
    let setting = Setting {
        spec: genesis::SPEC,
        chain_id,
        number: 1,
        time: 1,
    };
    let message = Message {
        from: Address::ZERO,
        nonce: 0,
        to: TxKind::Call(to),
        data,
    };
    let done = evm::run(State(&empty), setting, message)?;
    let account = done.state.get(&made).and_then(|account| account.info.code.as_ref());
    account
        .map(|code| code.original_bytes())
        .ok_or_else(|| ChainError::Machine("the deployment makes no contract at the expected address".into()))
}

/// Reads block 0, or makes the first blocks.
fn begin(writer: &mut Connection, genesis: Genesis, time: u64) -> Result<Block0, ChainError> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let kept = match store::block(&transaction, 0)? {
        Some(block) => {
            serde_json::from_str(&block.raw).map_err(|e| ChainError::Corrupt(format!("block 0 cannot be read: {e}")))?
        }
        None => {
            let new = Block0::from(genesis);
            append::first_blocks(&transaction, &new, time)?;
            tracing::info!(chain = new.chain_id, contract = %hex::encode(new.domain().contract), "contract deployed");
            new
        }
    };
    transaction.commit()?;
    Ok(kept)
}

/// A block's signed action.
fn action(raw: &str) -> Result<SignedAction, ChainError> {
    serde_json::from_str(raw).map_err(|e| ChainError::Corrupt(format!("a kept action cannot be read: {e}")))
}

fn head(connection: &Connection) -> Result<BlockRow, ChainError> {
    store::newest(connection)?.ok_or_else(|| ChainError::Corrupt("there is no block".into()))
}

const fn place(block: &BlockRow) -> Head {
    Head {
        number: block.number,
        hash: Digest(block.hash),
        time: block.time,
    }
}

const fn receipt(block: &BlockRow, events: Vec<Event>) -> Receipt {
    Receipt {
        tx: Digest(block.tx),
        block: block.number,
        gas: block.gas,
        digest: Digest(block.digest),
        events,
    }
}

/// A thread that panicked left no half-written block: its SQLite transaction was rolled back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
