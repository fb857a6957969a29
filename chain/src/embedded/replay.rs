//! Replaying a ledger from its raw actions, so that a tampered file is found.

use super::append;
use super::genesis::Block0;
use super::store;
use crate::error::ChainError;
use rusqlite::Connection;
use rusqlite::types::Value;
use wardkey_core::action::SignedAction;

/// Every table, and the order in which its rows are compared.
const TABLES: [(&str, &str); 5] = [
    ("block", "number"),
    ("log", "block, place"),
    ("account", "address"),
    ("code", "hash"),
    ("slot", "address, key"),
];

/// Runs every raw action again from block 0 in an empty ledger in memory and compares every row.
///
/// # Errors
/// [`ChainError::Corrupt`] with the first difference.
pub fn verify(stored: &Connection) -> Result<u64, ChainError> {
    let fresh = store::open_in_memory()?;
    let mut number = 0;
    let mut genesis = None;
    while let Some(block) = store::block(stored, number)? {
        let again = replay(&fresh, &block, genesis.as_ref());
        let at = |what: String| ChainError::Corrupt(format!("block {number}: {what}"));
        genesis = again.map_err(|e| at(e.to_string()))?.or(genesis);
        if store::block(&fresh, number)?.as_ref() != Some(&block) {
            return Err(at("what is stored is not what its action makes".into()));
        }
        number += 1;
    }
    if number < 2 {
        return Err(ChainError::Corrupt("there is no deployment".into()));
    }
    for (table, order) in TABLES {
        compare(stored, &fresh, table, order)?;
    }
    Ok(number - 1)
}

fn replay(fresh: &Connection, block: &store::BlockRow, genesis: Option<&Block0>) -> Result<Option<Block0>, ChainError> {
    let unreadable = |_| ChainError::Corrupt("its raw action cannot be read".into());
    match (block.number, genesis) {
        (0, _) => {
            let read: Block0 = serde_json::from_str(&block.raw).map_err(unreadable)?;
            append::write_genesis(fresh, &read, block.time)?;
            return Ok(Some(read));
        }
        (1, Some(genesis)) => {
            let code = hex::decode(&block.raw).map_err(|_| ChainError::Corrupt("its code cannot be read".into()))?;
            append::deploy(fresh, genesis, code, block.time)?;
        }
        (_, Some(genesis)) => {
            let action: SignedAction = serde_json::from_str(&block.raw).map_err(unreadable)?;
            append::act(fresh, genesis, &action, block.time)?;
        }
        (_, None) => return Err(ChainError::Corrupt("there is no genesis".into())),
    }
    Ok(None)
}

fn compare(stored: &Connection, fresh: &Connection, table: &str, order: &str) -> Result<(), ChainError> {
    let query = format!("SELECT * FROM {table} ORDER BY {order}");
    let (mut left, mut right) = (stored.prepare(&query)?, fresh.prepare(&query)?);
    let columns = left.column_count();
    let (mut left, mut right) = (left.query([])?, right.query([])?);
    let mut place = 0u64;
    loop {
        let row = |row: Option<&rusqlite::Row<'_>>| -> rusqlite::Result<Option<Vec<Value>>> {
            row.map(|row| (0..columns).map(|n| row.get(n)).collect()).transpose()
        };
        let pair = (row(left.next()?)?, row(right.next()?)?);
        if pair.0 != pair.1 {
            return Err(ChainError::Corrupt(format!(
                "row {place} of table {table} is not what the actions make"
            )));
        }
        if pair.0.is_none() {
            return Ok(());
        }
        place += 1;
    }
}
