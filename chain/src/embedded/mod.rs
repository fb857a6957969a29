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
use crate::call::{coordinates, must_carry_no_more};
use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::ledger::{Asked, Chain, Head, Network, Receipt, Verdict};
use crate::view::{CheckpointState, Device, GrantState, Institution};
use alloy_primitives::{Address, B256, TxKind};
use alloy_sol_types::{SolCall, SolEvent as _};
use evm::{Message, Setting};
use genesis::Block0;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{BlockRow, State};
use wardkey_core::action::SignedAction;
use wardkey_core::id::{Commitment, DeviceId, Digest, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::{Denial, GrantStatus};

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

    /// Calls a view as of the newest block, at `time` or, if that is `None`, now.
    fn view<C: SolCall>(&self, call: &C, time: Option<u64>) -> Result<C::Return, ChainError> {
        let mut reader = lock(&self.reader);
        let snapshot = reader.transaction()?;
        let head = head(&snapshot)?;
        let setting = Setting {
            spec: &self.genesis.spec,
            chain_id: self.genesis.chain_id,
            number: head.number,
            time: time.unwrap_or_else(|| (self.clock)().max(head.time)),
        };
        let to = TxKind::Call(Address::from(self.genesis.domain().contract));
        let message = Message {
            from: Address::ZERO,
            nonce: 0,
            to,
            data: call.abi_encode(),
        };
        let done = evm::run(State(&snapshot), setting, message)?;
        C::abi_decode_returns(&done.output)
            .map_err(|e| ChainError::Corrupt(format!("a view's answer cannot be read: {e}")))
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
        if let Some(block) = store::block_of(&transaction, &append::identity(&digest, action))? {
            let logs = store::logs(&transaction, block.number, block.number)?;
            let events = logs
                .iter()
                .map(|row| append::logged(row).map(|l| l.event))
                .collect::<Result<_, _>>()?;
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
        let block = head(&lock(&self.reader))?;
        Ok(Head {
            number: block.number,
            hash: Digest(block.hash),
            time: block.time,
        })
    }

    fn institution(&self, id: &InstitutionId) -> Result<Option<Institution>, ChainError> {
        Institution::from_view(*id, self.view(&abi::institutionCall { id: id.0.into() }, None)?)
    }

    fn institutions(&self) -> Result<Vec<Institution>, ChainError> {
        let count = self.view(&abi::institutionCountCall {}, None)?;
        let mut all = Vec::new();
        for number in 1..=count {
            let id = InstitutionId(self.view(&abi::institutionAtCall { number }, None)?.0);
            all.extend(self.institution(&id)?);
        }
        Ok(all)
    }

    fn device(&self, id: &DeviceId) -> Result<Option<Device>, ChainError> {
        let kept = self.view(&abi::deviceCall { id: id.0.into() }, None)?;
        if kept.institution.is_zero() {
            return Ok(None);
        }
        let row = store::newest_log(&lock(&self.reader), &abi::DeviceApproved::SIGNATURE_HASH, &id.0)?;
        let Some((_, Event::DeviceApproved { key, .. })) = row.map(|row| Event::decode(&row.log)).transpose()? else {
            return Err(ChainError::Corrupt("an approved device has no approval event".into()));
        };
        Ok(Some(Device {
            id: *id,
            key,
            institution: InstitutionId(kept.institution.0),
            rights: kept.rights,
            not_after: kept.notAfter,
            revoked: kept.revoked,
            suspended: kept.suspended,
            nonce: kept.nonce,
            certificate: Digest(kept.certificate.0),
        }))
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

    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> Result<GrantState, ChainError> {
        let (x, y) = coordinates(key);
        let kept = self.view(
            &abi::grantStatusCall {
                commitment: commitment.0.into(),
                keyX: x,
                keyY: y,
            },
            None,
        )?;
        let status = match kept.status {
            0 => GrantStatus::Unknown,
            1 => GrantStatus::Live,
            _ => GrantStatus::Revoked,
        };
        Ok(GrantState {
            status,
            since: kept.since,
        })
    }

    fn checkpoint(&self) -> Result<Option<CheckpointState>, ChainError> {
        let kept = self.view(&abi::checkpointCall {}, None)?;
        let state = CheckpointState {
            size: kept.size,
            root: kept.root.0,
            block: kept.number,
            time: kept.time,
        };
        Ok((state.block != 0).then_some(state))
    }

    fn is_gateway(&self, id: &GatewayId) -> Result<bool, ChainError> {
        self.view(&abi::isGatewayCall { gateway: id.0.into() }, None)
    }

    fn operator_nonce(&self) -> Result<u64, ChainError> {
        self.view(&abi::operatorNonceCall {}, None)
    }

    fn permission(&self, asked: &Asked<'_>) -> Result<Verdict, ChainError> {
        let call = abi::permissionCall {
            document: asked.document.to_vec().into(),
            patientSignature: asked.signature.to_vec().into(),
            patientKey: asked.key.to_vec().into(),
            device_: asked.request.device.0.into(),
            section: asked.request.section,
            right: asked.request.right,
        };
        match self.view(&call, Some(asked.request.now))? {
            0 => Ok(Verdict::Granted),
            code => Denial::from_number(code)
                .map(Verdict::Denied)
                .ok_or_else(|| ChainError::Corrupt(format!("the contract answered the unknown code {code}"))),
        }
    }

    fn events_since(&self, block: u64) -> Result<Vec<Logged>, ChainError> {
        let rows = store::logs(&lock(&self.reader), block.saturating_add(1), i64::MAX.cast_unsigned())?;
        rows.iter().map(append::logged).collect()
    }
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
