//! The projection's file: the contract's logs of all final blocks, and how far that goes. One SQLite transaction per step holds
//! the logs and the place together.

use crate::abi;
use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::ledger::{Block, Head, Network};
use crate::mirror::Mirror;
use alloy_primitives::{B256, LogData};
use alloy_sol_types::SolEvent as _;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;
use wardkey_core::id::Digest;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS place (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    network BLOB NOT NULL,       -- chain id, contract and salt
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY,
    block INTEGER NOT NULL,
    place INTEGER NOT NULL,
    time INTEGER NOT NULL,
    of_grant INTEGER NOT NULL,   -- 1: Granted or Revoked
    topics BLOB NOT NULL,
    data BLOB NOT NULL
) STRICT;
";

/// Opens the file, making it if it is not there. A power failure may lose the last steps, never half of one.
pub fn open(path: &Path) -> Result<Connection, ChainError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// Forgets everything.
pub fn clear(connection: &Connection) -> Result<(), ChainError> {
    Ok(connection.execute_batch("BEGIN; DELETE FROM log; DELETE FROM place; COMMIT;")?)
}

/// What the file knows of this network; `None` if nothing.
pub fn load(connection: &Connection, network: &Network) -> Result<Option<(Mirror, Head)>, ChainError> {
    let place = "SELECT number, hash, time FROM place WHERE network = ?1";
    let head = connection
        .query_row(place, [network_name(network)], |row| {
            Ok(Head {
                number: row.get::<_, i64>(0)?.cast_unsigned(),
                hash: Digest(row.get(1)?),
                time: row.get::<_, i64>(2)?.cast_unsigned(),
            })
        })
        .optional()?;
    let Some(head) = head else { return Ok(None) };
    let mut mirror = Mirror::default();
    let mut find = connection.prepare("SELECT block, place, time, topics, data FROM log ORDER BY id")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (block, index) = (row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
        let time = row.get::<_, i64>(2)?.cast_unsigned();
        let log = log(row.get_ref(3)?.as_blob().unwrap_or_default(), row.get(4)?);
        match grant(&log) {
            Some((commitment, key, revoked)) => mirror.apply_grant((block, index, time), commitment, &key, revoked),
            None => {
                let (digest, event) = Event::decode(&log)?;
                mirror.apply(&Logged {
                    block,
                    index,
                    time,
                    digest,
                    event,
                });
            }
        }
    }
    Ok(Some((mirror, head)))
}

/// Adds final blocks and moves the place to the last of them.
pub fn add(connection: &mut Connection, network: &Network, blocks: &[Block]) -> Result<(), ChainError> {
    let Some(last) = blocks.last() else { return Ok(()) };
    let transaction = connection.transaction()?;
    {
        let mut add = transaction.prepare_cached(
            "INSERT INTO log (block, place, time, of_grant, topics, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for block in blocks {
            for (index, log) in (0u32..).zip(&block.logs) {
                let topics: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
                add.execute(params![
                    block.head.number.cast_signed(),
                    index,
                    block.head.time.cast_signed(),
                    grant(log).is_some(),
                    topics,
                    &log.data.data[..]
                ])?;
            }
        }
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO place (one, network, number, hash, time) VALUES (1, ?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                network_name(network),
                last.head.number.cast_signed(),
                last.head.hash.0,
                last.head.time.cast_signed()
            ])?;
    }
    Ok(transaction.commit()?)
}

/// A grant on the chain: commitment and one-time key.
type Named = ([u8; 32], [u8; 65]);

/// A grant or revocation at or after a random place among all logs: commitment and one-time key.
pub fn any_grant(connection: &Connection, random: u64) -> Result<Option<Named>, ChainError> {
    let most: Option<i64> = connection.query_row("SELECT max(id) FROM log", [], |row| row.get(0))?;
    let Some(most) = most.map(i64::cast_unsigned).filter(|most| *most > 0) else {
        return Ok(None);
    };
    let find = "SELECT topics, data FROM log WHERE id >= ?1 AND of_grant = 1 ORDER BY id LIMIT 1";
    let row = connection
        .query_row(find, [(random % most + 1).cast_signed()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    Ok(row.and_then(|(topics, data)| {
        let (commitment, key, _) = grant(&log(&topics, data))?;
        Some((commitment, key))
    }))
}

fn log(topics: &[u8], data: Vec<u8>) -> alloy_primitives::Log {
    let topics = topics.chunks_exact(32).map(B256::from_slice).collect();
    alloy_primitives::Log {
        address: alloy_primitives::Address::ZERO,
        data: LogData::new_unchecked(topics, data.into()),
    }
}

/// Commitment, one-time key and whether it is revoked, of a log of that kind. The key was judged when the log came.
fn grant(log: &alloy_primitives::Log) -> Option<([u8; 32], [u8; 65], bool)> {
    let [signature, _, commitment] = log.topics() else {
        return None;
    };
    let revoked = *signature == abi::Revoked::SIGNATURE_HASH;
    if !revoked && *signature != abi::Granted::SIGNATURE_HASH {
        return None;
    }
    let mut key = [4; 65];
    key.get_mut(1..)?.copy_from_slice(log.data.data.get(..64)?);
    Some((commitment.0, key, revoked))
}

fn network_name(network: &Network) -> Vec<u8> {
    let domain = &network.domain;
    [domain.chain_id.to_be_bytes().as_slice(), &domain.contract, &domain.salt].concat()
}
