//! One run of the EVM over the stored state.

use super::store::State;
use crate::error::{ChainError, Refusal};
use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use revm::context::result::{EVMError, ExecutionResult};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::primitives::hardfork::SpecId;
use revm::state::EvmState;
use revm::{Context, ExecuteEvm as _, MainBuilder as _, MainContext as _};
use std::str::FromStr as _;

/// Gas limit of every run: the most that one transaction may have (EIP-7825).
const GAS_LIMIT: u64 = 1 << 24;

/// Where and when a run takes place.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub spec: &'a str,
    pub chain_id: u64,
    pub number: u64,
    pub time: u64,
}

/// What is run. Gas costs nothing here.
#[derive(Clone, Debug)]
pub struct Message {
    pub from: Address,
    pub nonce: u64,
    pub to: TxKind,
    pub data: Vec<u8>,
}

/// A run that succeeded.
#[derive(Debug)]
pub struct Done {
    pub output: Bytes,
    pub logs: Vec<Log>,
    pub gas: u64,
    pub state: EvmState,
}

/// Runs a message; changes nothing.
///
/// # Errors
/// [`ChainError::Refused`] with the contract's error, or what failed below.
pub fn run(state: State<'_>, setting: Setting<'_>, message: Message) -> Result<Done, ChainError> {
    let spec = SpecId::from_str(setting.spec)
        .map_err(|_| ChainError::Corrupt(format!("unknown EVM rules {}", setting.spec)))?;
    let block = BlockEnv {
        number: U256::from(setting.number),
        timestamp: U256::from(setting.time),
        gas_limit: GAS_LIMIT,
        ..BlockEnv::default()
    };
    let tx = TxEnv {
        caller: message.from,
        gas_limit: GAS_LIMIT,
        kind: message.to,
        data: message.data.into(),
        nonce: message.nonce,
        chain_id: Some(setting.chain_id),
        ..TxEnv::default()
    };
    let mut evm = Context::mainnet()
        .with_ref_db(state)
        .with_cfg(CfgEnv::new_with_spec(spec).with_chain_id(setting.chain_id))
        .with_block(block)
        .build_mainnet();
    let outcome = evm.transact(tx).map_err(|e| match e {
        EVMError::Database(e) => e.into(),
        other => ChainError::Machine(other.to_string()),
    })?;
    match outcome.result {
        ExecutionResult::Success { gas, logs, output, .. } => Ok(Done {
            output: output.into_data(),
            logs,
            gas: gas.tx_gas_used(),
            state: outcome.state,
        }),
        ExecutionResult::Revert { output, .. } => Err(match Refusal::decode(&output) {
            Some(refusal) => refusal.into(),
            None => ChainError::Machine(format!("reverted with {output}")),
        }),
        ExecutionResult::Halt { reason, .. } => Err(ChainError::Machine(format!("halted: {reason:?}"))),
    }
}
