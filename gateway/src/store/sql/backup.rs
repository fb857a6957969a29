//! A backup in no database's own format, so that what one wrote another can take in. One line for each row, streamed.

use super::tables::{DOCUMENT, FINGERPRINT, LEAF, LOG, RECORDS, TABLES, Table};
use super::{Connection, Database, Row, Step, Value, migrate, values};
use crate::log::Scribe;
use crate::store::StoreError;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use tlog_tiles::tlog::{Hash, node_hash, record_hash};
use wardkey_core::fault::Coded;
use wardkey_core::id::{Digest, GatewayId};
use wardkey_core::key::sha256;
use wardkey_core::record::Record;

/// The version of the format.
const FORMAT: u32 = 1;
/// Longest line, bytes: the largest record, twice.
const LONGEST: usize = 128 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Version of the schema.
    pub schema: u32,
    /// The deployment's domain separator (protocol §2).
    pub separator: Digest,
    /// The gateway's key id.
    pub gateway: GatewayId,
    /// Leaves in the log.
    pub size: u64,
    /// The log's root.
    pub root: Digest,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// SHA-256 of the file with the rows.
    pub sha256: Digest,
}

/// Why a backup was not made or not taken in.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files.
    #[error("failed to read or write the backup: {0}")]
    Io(#[from] std::io::Error),
    /// Not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// The database has data already.
    #[error("the data store is not empty")]
    NotEmpty,
    /// Another version's.
    #[error("the backup is of format {0}, which this program does not know")]
    Format(u32),
    /// The chain has seen more of the log than the backup holds.
    #[error(
        "the backup's log has {size} lines, but the checkpoint on the chain has {published}: what came after the backup is lost"
    )]
    Shorter {
        /// In the backup.
        size: u64,
        /// On the chain.
        published: u64,
    },
}

impl Coded for BackupError {
    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Io(_) => "backup-io",
            Self::Damaged(_) => "backup-damaged",
            Self::NotEmpty => "backup-not-empty",
            Self::Format(_) => "backup-format",
            Self::Shorter { .. } => "backup-shorter",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Store(error) => error.action(),
            Self::Io(_) => "Check the folder, its rights and the room on the disk.",
            Self::Damaged(_) => "Take another backup; nothing was changed.",
            Self::NotEmpty => "Name an empty data folder or database; nothing was changed.",
            Self::Format(_) => "Use the version of the program that made it.",
            Self::Shorter { .. } => "Look for a newer backup; nothing was changed.",
        }
    }
}

/// The end of a Merkle tree that only grows: its complete subtrees, largest first.
#[derive(Debug, Default)]
struct Peaks {
    size: u64,
    peaks: Vec<(u32, Hash)>,
}

impl Peaks {
    /// Appends a leaf; gives every hash that it completes, in the order of `tlog_tiles`' numbers.
    fn append(&mut self, leaf: &Digest) -> Vec<Hash> {
        let (mut level, mut hash) = (0, record_hash(&leaf.0));
        let mut made = vec![hash];
        while let Some((_, left)) = self.peaks.pop_if(|(other, _)| *other == level) {
            hash = node_hash(left, hash);
            level += 1;
            made.push(hash);
        }
        self.peaks.push((level, hash));
        self.size += 1;
        made
    }

    fn root(&self) -> Digest {
        let hashes = self.peaks.iter().rev().map(|(_, hash)| *hash);
        Digest(
            hashes
                .reduce(|right, left| node_hash(left, right))
                .map_or_else(|| sha256(&[]), |hash| hash.0),
        )
    }
}

fn to_json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => number.into(),
        Value::Bytes(bytes) => format!("x{}", hex::encode(bytes)).into(),
        Value::Text(text) => format!("t{text}").into(),
    }
}

/// A value of a row that was read.
enum Held {
    Null,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
}

impl Held {
    fn read(json: Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::Null),
            Json::Number(number) => number.as_i64().map(Self::Int),
            Json::String(mut text) if text.starts_with('t') => Some(Self::Text(text.split_off(1))),
            Json::String(text) => hex::decode(text.strip_prefix('x')?).ok().map(Self::Bytes),
            _ => None,
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// Writes one state of the whole store, while gateways go on. `progress` hears each table's name and rows.
///
/// # Errors
/// [`BackupError`].
pub fn back_up<D: Database>(
    database: &D,
    to: &mut impl Write,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<Manifest, BackupError> {
    let link = database.connect()?;
    let c: &dyn Connection = &link;
    let newest = D::STEPS.last().map_or(0, |(version, _)| *version);
    if c.version()? != newest {
        return Err(
            StoreError::Failed("start the gateway once, so that the schema is brought up to date".into()).into(),
        );
    }
    c.step(Step::BeginReading)?;
    let (separator, gateway) = c
        .one("SELECT separator, gateway FROM network", &[], |row| {
            Ok((Digest(row.array(0)?), GatewayId(row.array(1)?)))
        })?
        .ok_or(StoreError::Foreign)?;
    let (mut sum, mut peaks, mut rows) = (Context::new(&SHA256), Peaks::default(), BTreeMap::new());
    for table in TABLES {
        let count = write_table(c, table, to, &mut sum, &mut peaks)?;
        progress(table.name, count);
        rows.insert(table.name.to_owned(), count);
    }
    c.step(Step::Rollback)?;
    to.flush()?;
    Ok(Manifest {
        format: FORMAT,
        schema: newest,
        separator,
        gateway,
        size: peaks.size,
        root: peaks.root(),
        rows,
        sha256: digest(sum),
    })
}

fn digest(sum: Context) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(sum.finish().as_ref());
    Digest(out)
}

fn write_table(
    c: &dyn Connection,
    table: &Table,
    to: &mut impl Write,
    sum: &mut Context,
    peaks: &mut Peaks,
) -> Result<u64, BackupError> {
    let columns = table.insert.matches('$').count();
    let (mut count, mut failed) = (0, None);
    let read = c.each(table.select, &[], &mut |row| {
        let mut line = vec![Json::from(table.name)];
        for column in 0..columns {
            line.push(to_json(row.value(column)?));
        }
        if table.name == LOG {
            peaks.append(&Digest(row.array(LEAF)?));
        }
        let mut bytes = serde_json::to_vec(&line).map_err(|e| StoreError::Failed(e.to_string()))?;
        bytes.push(b'\n');
        sum.update(&bytes);
        count += 1;
        to.write_all(&bytes).map_err(|error| {
            let said = StoreError::Failed(error.to_string());
            failed = Some(error);
            said
        })
    });
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(read.map(|()| count)?),
    }
}

/// Takes a row of a table: its values, and the hashes that it has among them.
type TakeRow<'a> = dyn FnMut(&Table, &[Held], &[Hash]) -> Result<(), BackupError> + 'a;

/// Reads rows one after the other, and checks on the way whatever can be checked.
struct Reading<'a> {
    manifest: &'a Manifest,
    sum: Context,
    peaks: Peaks,
    rows: BTreeMap<String, u64>,
}

impl<'a> Reading<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        Self {
            manifest,
            sum: Context::new(&SHA256),
            peaks: Peaks::default(),
            rows: TABLES.iter().map(|table| (table.name.to_owned(), 0)).collect(),
        }
    }

    /// Every row, with the hashes that a row of the log completes.
    fn all(mut self, from: &mut impl BufRead, take: &mut TakeRow<'_>) -> Result<(), BackupError> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = std::io::Read::take(&mut *from, LONGEST as u64).read_until(b'\n', &mut line)?;
            if read == 0 {
                return self.must_be_whole();
            }
            self.sum.update(&line);
            let (table, row) = row_of(&line)?;
            let completed = self.look_at(table, &row)?;
            take(table, &row, &completed)?;
        }
    }

    fn look_at(&mut self, table: &Table, row: &[Held]) -> Result<Vec<Hash>, BackupError> {
        if let Some(count) = self.rows.get_mut(table.name) {
            *count += 1;
        }
        if table.name == RECORDS {
            must_be_a_record(row)?;
        }
        if table.name != LOG {
            return Ok(Vec::new());
        }
        let place = i64::try_from(self.peaks.size).ok();
        match (row.first(), row.get(LEAF)) {
            (Some(Held::Int(leaf)), Some(Held::Bytes(hash))) if Some(*leaf) == place => {
                let leaf: [u8; 32] = hash.as_slice().try_into().map_err(|_| BackupError::Damaged("a leaf"))?;
                Ok(self.peaks.append(&Digest(leaf)))
            }
            _ => Err(BackupError::Damaged("the log has a gap")),
        }
    }

    fn must_be_whole(self) -> Result<(), BackupError> {
        let manifest = self.manifest;
        if (self.peaks.size, self.peaks.root()) != (manifest.size, manifest.root) {
            return Err(BackupError::Damaged("the log's root is another one"));
        }
        if self.rows != manifest.rows {
            return Err(BackupError::Damaged("rows are missing or too many"));
        }
        if digest(self.sum) != manifest.sha256 {
            return Err(BackupError::Damaged("its SHA-256 is another one"));
        }
        Ok(())
    }
}

fn row_of(line: &[u8]) -> Result<(&'static Table, Vec<Held>), BackupError> {
    let damaged = || BackupError::Damaged("a line cannot be read");
    let mut values: std::vec::IntoIter<Json> = serde_json::from_slice::<Vec<Json>>(line)
        .map_err(|_| damaged())?
        .into_iter();
    let name = values.next().ok_or_else(damaged)?;
    let table = TABLES.iter().find(|table| name == table.name).ok_or_else(damaged)?;
    let row: Vec<Held> = values.map(Held::read).collect::<Option<_>>().ok_or_else(damaged)?;
    if row.len() == table.insert.matches('$').count() {
        Ok((table, row))
    } else {
        Err(damaged())
    }
}

/// That its envelope can be read, and is the one that was stored.
fn must_be_a_record(row: &[Held]) -> Result<(), BackupError> {
    if let (Some(Held::Text(document)), Some(Held::Bytes(fingerprint))) = (row.get(DOCUMENT), row.get(FINGERPRINT)) {
        let record: Record = serde_json::from_str(document).map_err(|_| BackupError::Damaged("a record's envelope"))?;
        if record.fingerprint().as_slice() == fingerprint {
            return Ok(());
        }
    }
    Err(BackupError::Damaged("a record is not the one that was stored"))
}

/// Checks a backup: every row, the log's root, every record's envelope, the SHA-256.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Format`].
pub fn verify_backup(manifest: &Manifest, from: &mut impl BufRead) -> Result<(), BackupError> {
    if manifest.format != FORMAT {
        return Err(BackupError::Format(manifest.format));
    }
    Reading::new(manifest).all(from, &mut |_, _, _| Ok(()))
}

/// Takes a backup into an empty database, in one transaction: all of it or nothing.
///
/// # Errors
/// [`BackupError`].
pub fn restore<D: Database>(
    database: &D,
    scribe: &Scribe,
    manifest: &Manifest,
    from: &mut impl BufRead,
) -> Result<(), BackupError> {
    if manifest.format != FORMAT {
        return Err(BackupError::Format(manifest.format));
    }
    if (manifest.separator.0, manifest.gateway) != (scribe.domain().separator(), scribe.gateway()) {
        return Err(StoreError::Foreign.into());
    }
    let link = database.connect()?;
    let c: &dyn Connection = &link;
    migrate::prepare::<D>(c, scribe)?;
    c.step(Step::Begin)?;
    let done = take_in(c, manifest, from).and_then(|()| Ok(c.step(Step::Commit)?));
    if done.is_err() && c.in_transaction() {
        c.step(Step::Rollback)?;
    }
    done
}

fn take_in(c: &dyn Connection, manifest: &Manifest, from: &mut impl BufRead) -> Result<(), BackupError> {
    for table in TABLES {
        let mut empty = true;
        let _stopped = c.each(table.select, &[], &mut |_: &dyn Row| {
            empty = false;
            Err(StoreError::Failed("not empty".to_owned()))
        });
        if !empty {
            return Err(BackupError::NotEmpty);
        }
    }
    let mut number = 0u64;
    Reading::new(manifest).all(from, &mut |table, row, completed| {
        let values: Vec<Value<'_>> = row.iter().map(Held::value).collect();
        c.execute(table.insert, &values)?;
        for hash in completed {
            let sql = "INSERT INTO hashes (number, hash) VALUES ($1, $2)";
            c.execute(sql, values![number, &hash.0])?;
            number += 1;
        }
        Ok(())
    })
}
