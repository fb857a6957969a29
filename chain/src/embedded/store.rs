//! The ledger's file: one SQLite database. Rows are only ever added, but for accounts' and slots' newest values.

use crate::error::ChainError;
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256};
use revm::bytecode::Bytecode;
use revm::database_interface::{DBErrorMarker, DatabaseRef};
use revm::state::{Account, AccountInfo, EvmState};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use std::path::Path;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS block (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    parent BLOB NOT NULL,
    time INTEGER NOT NULL,
    tx BLOB NOT NULL,
    gas INTEGER NOT NULL,
    digest BLOB NOT NULL,        -- of the action; zero for blocks 0 and 1
    identity BLOB UNIQUE,        -- of the action with its one-time key; null for blocks 0 and 1
    raw TEXT NOT NULL            -- the signed action as JSON; block 0: the genesis; block 1: the creation code
) STRICT;
CREATE TABLE IF NOT EXISTS log (
    block INTEGER NOT NULL,
    place INTEGER NOT NULL,
    address BLOB NOT NULL,
    topic0 BLOB NOT NULL,
    topic1 BLOB,
    topic2 BLOB,
    topic3 BLOB,
    data BLOB NOT NULL,
    PRIMARY KEY (block, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS log_topic3 ON log (topic3) WHERE topic3 IS NOT NULL;
CREATE INDEX IF NOT EXISTS log_topic2 ON log (topic2) WHERE topic2 IS NOT NULL;
CREATE TABLE IF NOT EXISTS account (
    address BLOB PRIMARY KEY,
    nonce INTEGER NOT NULL,
    balance BLOB NOT NULL,
    code_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS code (hash BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slot (
    address BLOB NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (address, key)
) STRICT, WITHOUT ROWID;
";

/// A block's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    pub number: u64,
    pub hash: [u8; 32],
    pub parent: [u8; 32],
    pub time: u64,
    pub tx: [u8; 32],
    pub gas: u64,
    pub digest: [u8; 32],
    pub identity: Option<[u8; 32]>,
    pub raw: String,
}

/// Opens the file for writing, making it if it is not there.
pub fn open(path: &Path) -> Result<Connection, ChainError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    prepare(connection)
}

/// A ledger in memory, for replays.
pub fn open_in_memory() -> Result<Connection, ChainError> {
    prepare(Connection::open_in_memory()?)
}

fn prepare(connection: Connection) -> Result<Connection, ChainError> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// Opens a file that [`open`] made, for reading beside the writer.
pub fn open_for_reading(path: &Path) -> Result<Connection, ChainError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The state as the EVM reads it.
#[derive(Clone, Copy)]
pub struct State<'a>(pub &'a Connection);

/// SQLite's error in the form the EVM carries.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("{0}")]
    Corrupt(&'static str),
}

impl DBErrorMarker for StateError {}

impl From<StateError> for ChainError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Sql(e) => e.into(),
            StateError::Corrupt(what) => Self::Corrupt(what.to_owned()),
        }
    }
}

impl DatabaseRef for State<'_> {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let mut find = self
            .0
            .prepare_cached("SELECT nonce, balance, code_hash FROM account WHERE address = ?1")?;
        let found = find
            .query_row([address.as_slice()], |row| {
                Ok(AccountInfo {
                    nonce: unsigned(row, 0)?,
                    balance: U256::from_be_bytes(row.get::<_, [u8; 32]>(1)?),
                    code_hash: B256::from(row.get::<_, [u8; 32]>(2)?),
                    ..AccountInfo::default()
                })
            })
            .optional()?;
        // `default` brings the empty code with it; the real one is asked for by its hash.
        Ok(found.map(|info| AccountInfo { code: None, ..info }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        let mut find = self.0.prepare_cached("SELECT bytes FROM code WHERE hash = ?1")?;
        match find
            .query_row([hash.as_slice()], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
        {
            Some(bytes) => Ok(Bytecode::new_raw(bytes.into())),
            None if hash == revm::primitives::KECCAK_EMPTY => Ok(Bytecode::default()),
            None => Err(StateError::Corrupt("a contract's code is missing")),
        }
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, StateError> {
        let mut find = self
            .0
            .prepare_cached("SELECT value FROM slot WHERE address = ?1 AND key = ?2")?;
        let value: Option<[u8; 32]> = find
            .query_row(params![address.as_slice(), index.to_be_bytes::<32>()], |row| row.get(0))
            .optional()?;
        Ok(value.map_or(U256::ZERO, U256::from_be_bytes))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        let mut find = self.0.prepare_cached("SELECT hash FROM block WHERE number = ?1")?;
        let hash: Option<[u8; 32]> = find.query_row([signed(number)], |row| row.get(0)).optional()?;
        Ok(hash.map_or(B256::ZERO, B256::from))
    }
}

/// The changes of a run in a fixed order: what is written, and what the block's hash covers.
pub struct Changes<'a>(BTreeMap<Address, &'a Account>);

impl<'a> Changes<'a> {
    /// Leaves out what was only read, and accounts that are empty (EIP-161).
    pub fn of(state: &'a EvmState) -> Self {
        Self(
            state
                .iter()
                .filter(|(_, a)| a.is_touched() && !a.is_empty())
                .map(|(address, a)| (*address, a))
                .collect(),
        )
    }

    /// Bytes that name every change.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (address, account) in &self.0 {
            out.extend_from_slice(address.as_slice());
            out.extend_from_slice(&account.info.nonce.to_be_bytes());
            out.extend_from_slice(&account.info.balance.to_be_bytes::<32>());
            out.extend_from_slice(account.info.code_hash.as_slice());
            let slots: BTreeMap<_, _> = account.changed_storage_slots().collect();
            out.extend_from_slice(&(slots.len() as u64).to_be_bytes());
            for (key, slot) in slots {
                out.extend_from_slice(&key.to_be_bytes::<32>());
                out.extend_from_slice(&slot.present_value.to_be_bytes::<32>());
            }
        }
        out
    }

    /// Writes every change.
    pub fn write(&self, connection: &Connection) -> Result<(), ChainError> {
        for (address, account) in &self.0 {
            write_account(connection, address, account)?;
            for (key, slot) in account.changed_storage_slots() {
                write_slot(connection, address, *key, slot.present_value)?;
            }
        }
        Ok(())
    }
}

fn write_account(connection: &Connection, address: &Address, account: &Account) -> Result<(), ChainError> {
    let info = &account.info;
    connection
        .prepare_cached("INSERT OR REPLACE INTO account (address, nonce, balance, code_hash) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            address.as_slice(),
            signed(info.nonce),
            info.balance.to_be_bytes::<32>(),
            info.code_hash.as_slice()
        ])?;
    if let Some(code) = info
        .code
        .as_ref()
        .filter(|code| account.is_created() && !code.is_empty())
    {
        connection
            .prepare_cached("INSERT OR IGNORE INTO code (hash, bytes) VALUES (?1, ?2)")?
            .execute(params![info.code_hash.as_slice(), code.original_byte_slice()])?;
    }
    Ok(())
}

/// Puts a contract into an empty ledger.
pub fn write_code(connection: &Connection, address: &Address, code: &Bytes) -> Result<(), ChainError> {
    let hash = alloy_primitives::keccak256(code);
    connection.execute(
        "INSERT INTO code (hash, bytes) VALUES (?1, ?2)",
        params![hash.as_slice(), &code[..]],
    )?;
    connection.execute(
        "INSERT INTO account (address, nonce, balance, code_hash) VALUES (?1, 1, ?2, ?3)",
        params![address.as_slice(), [0u8; 32], hash.as_slice()],
    )?;
    Ok(())
}

fn write_slot(connection: &Connection, address: &Address, key: U256, value: U256) -> Result<(), ChainError> {
    let key = key.to_be_bytes::<32>();
    if value.is_zero() {
        connection
            .prepare_cached("DELETE FROM slot WHERE address = ?1 AND key = ?2")?
            .execute(params![address.as_slice(), key])?;
    } else {
        connection
            .prepare_cached("INSERT OR REPLACE INTO slot (address, key, value) VALUES (?1, ?2, ?3)")?
            .execute(params![address.as_slice(), key, value.to_be_bytes::<32>()])?;
    }
    Ok(())
}

/// Adds a block and its logs.
pub fn write_block(connection: &Connection, block: &BlockRow, logs: &[Log]) -> Result<(), ChainError> {
    connection
        .prepare_cached("INSERT INTO block (number, hash, parent, time, tx, gas, digest, identity, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            signed(block.number),
            block.hash,
            block.parent,
            signed(block.time),
            block.tx,
            signed(block.gas),
            block.digest,
            block.identity,
            block.raw
        ])?;
    let mut add = connection.prepare_cached(
        "INSERT INTO log (block, place, address, topic0, topic1, topic2, topic3, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (place, log) in (0u32..).zip(logs) {
        let topic = |n: usize| log.topics().get(n).map(|t| t.0);
        add.execute(params![
            signed(block.number),
            place,
            log.address.as_slice(),
            topic(0),
            topic(1),
            topic(2),
            topic(3),
            &log.data.data[..]
        ])?;
    }
    Ok(())
}

const BLOCK: &str = "SELECT number, hash, parent, time, tx, gas, digest, identity, raw FROM block";

/// The newest block; `None` in a new file.
pub fn newest(connection: &Connection) -> Result<Option<BlockRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!("{BLOCK} ORDER BY number DESC LIMIT 1"))?;
    Ok(find.query_row([], block_row).optional()?)
}

/// The block with this number.
pub fn block(connection: &Connection, number: u64) -> Result<Option<BlockRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!("{BLOCK} WHERE number = ?1"))?;
    Ok(find.query_row([signed(number)], block_row).optional()?)
}

/// The blocks from `first` to `last`, oldest first.
pub fn blocks(connection: &Connection, first: u64, last: u64) -> Result<Vec<BlockRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!("{BLOCK} WHERE number BETWEEN ?1 AND ?2 ORDER BY number"))?;
    let rows = find.query_map([signed(first), signed(last)], block_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The block of the action with this identity.
pub fn block_of(connection: &Connection, identity: &[u8; 32]) -> Result<Option<BlockRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!("{BLOCK} WHERE identity = ?1"))?;
    Ok(find.query_row([identity], block_row).optional()?)
}

fn block_row(row: &Row<'_>) -> rusqlite::Result<BlockRow> {
    Ok(BlockRow {
        number: unsigned(row, 0)?,
        hash: row.get(1)?,
        parent: row.get(2)?,
        time: unsigned(row, 3)?,
        tx: row.get(4)?,
        gas: unsigned(row, 5)?,
        digest: row.get(6)?,
        identity: row.get(7)?,
        raw: row.get(8)?,
    })
}

/// A log's row.
pub struct LogRow {
    pub block: u64,
    pub log: Log,
}

const LOG: &str = "SELECT l.block, l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data FROM log l";

/// Logs of the blocks from `first` to `last`, oldest first.
pub fn logs(connection: &Connection, first: u64, last: u64) -> Result<Vec<LogRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!(
        "{LOG} WHERE l.block BETWEEN ?1 AND ?2 ORDER BY l.block, l.place"
    ))?;
    let rows = find.query_map([signed(first), signed(last)], log_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The newest log with this signature and third indexed value.
pub fn newest_log(connection: &Connection, signature: &B256, topic3: &[u8; 32]) -> Result<Option<LogRow>, ChainError> {
    let mut find = connection.prepare_cached(&format!(
        "{LOG} WHERE l.topic3 = ?2 AND l.topic0 = ?1 ORDER BY l.block DESC, l.place DESC LIMIT 1"
    ))?;
    Ok(find.query_row(params![signature.0, topic3], log_row).optional()?)
}

/// The actions behind the logs with one of these signatures and this second indexed value, oldest first.
pub fn raw_actions(
    connection: &Connection,
    signatures: &[B256; 3],
    topic2: &[u8; 32],
) -> Result<Vec<String>, ChainError> {
    let mut find = connection.prepare_cached(
        "SELECT b.raw FROM log l JOIN block b ON b.number = l.block
         WHERE l.topic2 = ?1 AND l.topic0 IN (?2, ?3, ?4) ORDER BY l.block, l.place",
    )?;
    let [a, b, c] = signatures;
    let rows = find.query_map(params![topic2, a.0, b.0, c.0], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    let mut topics = Vec::with_capacity(4);
    for column in 2..6 {
        topics.extend(row.get::<_, Option<[u8; 32]>>(column)?.map(B256::from));
    }
    let data = LogData::new_unchecked(topics, Bytes::from(row.get::<_, Vec<u8>>(6)?));
    Ok(LogRow {
        block: unsigned(row, 0)?,
        log: Log {
            address: Address::from(row.get::<_, [u8; 20]>(1)?),
            data,
        },
    })
}

/// SQLite's integers are signed; numbers here stay far below 2⁶³, and a larger one would keep its bits.
const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}
