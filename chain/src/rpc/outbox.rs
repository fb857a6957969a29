//! Transactions that are not yet final, in a file: written before they are sent, so that a killed gateway sends nothing twice and
//! loses nothing.

use super::fees::Fees;
use crate::error::ChainError;
use alloy_primitives::{B256, Bytes};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::path::Path;
use wardkey_core::action::SignedAction;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS pending (
    nonce INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,  -- of the action with its one-time key
    action TEXT NOT NULL,           -- the signed action as JSON
    gas INTEGER NOT NULL,
    most BLOB NOT NULL,             -- wei a unit of gas, of the last attempt
    tip BLOB NOT NULL,
    at INTEGER NOT NULL,            -- seconds since 1970, of the last attempt
    raw BLOB NOT NULL               -- the signed transaction of the last attempt
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (nonce INTEGER NOT NULL, hash BLOB PRIMARY KEY) STRICT;
";

/// A transaction on its way.
pub struct Pending {
    pub nonce: u64,
    pub identity: [u8; 32],
    pub action: SignedAction,
    pub gas: u64,
    pub fees: Fees,
    pub at: u64,
    pub raw: Bytes,
}

/// Opens the file, making it if it is not there.
pub fn open(path: &Path) -> Result<Connection, ChainError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// Writes a transaction, or the next attempt at it, through to the disk.
pub fn put(connection: &mut Connection, pending: &Pending, hash: B256) -> Result<(), ChainError> {
    let action = serde_json::to_string(&pending.action).map_err(|e| ChainError::Machine(e.to_string()))?;
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT OR REPLACE INTO pending (nonce, identity, action, gas, most, tip, at, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            pending.nonce.cast_signed(),
            pending.identity,
            action,
            pending.gas.cast_signed(),
            pending.fees.most.to_be_bytes(),
            pending.fees.tip.to_be_bytes(),
            pending.at.cast_signed(),
            &pending.raw[..]
        ],
    )?;
    transaction.execute(
        "INSERT OR IGNORE INTO attempt (nonce, hash) VALUES (?1, ?2)",
        params![pending.nonce.cast_signed(), hash.0],
    )?;
    Ok(transaction.commit()?)
}

/// Forgets a transaction.
pub fn remove(connection: &mut Connection, nonce: u64) -> Result<(), ChainError> {
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM pending WHERE nonce = ?1", [nonce.cast_signed()])?;
    transaction.execute("DELETE FROM attempt WHERE nonce = ?1", [nonce.cast_signed()])?;
    Ok(transaction.commit()?)
}

/// All, in the order of their nonces.
pub fn all(connection: &Connection) -> Result<Vec<Pending>, ChainError> {
    let mut find = connection
        .prepare_cached("SELECT nonce, identity, action, gas, most, tip, at, raw FROM pending ORDER BY nonce")?;
    let rows: Vec<_> = find.query_map([], row)?.collect::<Result<_, _>>()?;
    rows.into_iter().map(read).collect()
}

/// The one of an action.
pub fn of(connection: &Connection, identity: &[u8; 32]) -> Result<Option<Pending>, ChainError> {
    let mut find = connection
        .prepare_cached("SELECT nonce, identity, action, gas, most, tip, at, raw FROM pending WHERE identity = ?1")?;
    find.query_row([identity], row).optional()?.map(read).transpose()
}

/// The hashes of all attempts at a transaction.
pub fn attempts(connection: &Connection, nonce: u64) -> Result<Vec<B256>, ChainError> {
    let mut find = connection.prepare_cached("SELECT hash FROM attempt WHERE nonce = ?1")?;
    let rows = find.query_map([nonce.cast_signed()], |row| Ok(B256::from(row.get::<_, [u8; 32]>(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

type Plain = (Pending0, String);

/// A row whose action is not yet read.
struct Pending0 {
    nonce: u64,
    identity: [u8; 32],
    gas: u64,
    fees: Fees,
    at: u64,
    raw: Bytes,
}

fn row(row: &Row<'_>) -> rusqlite::Result<Plain> {
    let plain = Pending0 {
        nonce: row.get::<_, i64>(0)?.cast_unsigned(),
        identity: row.get(1)?,
        gas: row.get::<_, i64>(3)?.cast_unsigned(),
        fees: Fees {
            most: u128::from_be_bytes(row.get(4)?),
            tip: u128::from_be_bytes(row.get(5)?),
        },
        at: row.get::<_, i64>(6)?.cast_unsigned(),
        raw: row.get::<_, Vec<u8>>(7)?.into(),
    };
    Ok((plain, row.get(2)?))
}

fn read((plain, action): Plain) -> Result<Pending, ChainError> {
    let action = serde_json::from_str(&action)
        .map_err(|e| ChainError::Corrupt(format!("an action in the outbox cannot be read: {e}")))?;
    let Pending0 {
        nonce,
        identity,
        gas,
        fees,
        at,
        raw,
    } = plain;
    Ok(Pending {
        nonce,
        identity,
        action,
        gas,
        fees,
        at,
        raw,
    })
}
