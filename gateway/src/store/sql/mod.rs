//! The data store in SQL, written once; SQLite and PostgreSQL implement [`Connection`] and [`Database`] under it.
//!
//! The statements keep to what both take, and CockroachDB and YugabyteDB too: parameters `$1`, `$2`, … each in its order, and
//! `INSERT … ON CONFLICT`. Only the schemas differ (`sqlite/steps`, `postgres/steps`).

mod backup;
mod blobs;
mod common;
mod documents;
mod log;
mod masters;
pub(super) mod migrate;
mod records;
mod store;
mod tables;
mod uses;
mod value;
mod writer;

pub use backup::{BackupError, Manifest, back_up, restore, verify_backup};
pub use store::SqlStore;
pub(super) use value::values;
pub use value::{Row, Value};

use super::StoreError;

/// What begins and ends transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The one transaction that may write: waits until no other does, in no other program either.
    Begin,
    /// A transaction that reads one state of everything.
    BeginReading,
    /// The place to which [`Step::Undo`] goes back.
    Savepoint,
    /// Keeps what was done since the savepoint.
    Release,
    /// Takes back what was done since the savepoint.
    Undo,
    /// Makes it durable.
    Commit,
    /// Takes everything back.
    Rollback,
}

/// A connection to a database. Blocking.
///
/// Every method fails with [`StoreError`].
#[expect(clippy::missing_errors_doc, reason = "said once above")]
pub trait Connection {
    /// Runs a statement; gives how many rows it changed.
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Runs a query, row by row.
    fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
    /// Runs several statements without values, as of a schema or a backup.
    fn batch(&self, sql: &str) -> Result<(), StoreError>;
    /// Begins or ends a transaction.
    fn step(&self, step: Step) -> Result<(), StoreError>;
    /// Whether a transaction is open that can still be ended.
    fn in_transaction(&self) -> bool;
    /// Whether the connection can be used.
    fn is_alive(&self) -> bool;
    /// The database's own time, seconds since 1970, if it has one.
    fn time(&self) -> Result<Option<u64>, StoreError>;
    /// The schema's version; 0 in an empty database.
    fn version(&self) -> Result<u32, StoreError>;
    /// Writes down the schema's version.
    fn set_version(&self, version: u32) -> Result<(), StoreError>;
}

impl dyn Connection + '_ {
    /// The first row.
    fn one<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each(sql, values, &mut |row| {
            if found.is_none() {
                found = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// All rows.
    fn all<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, values, &mut |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }
}

/// A database that can be connected to.
pub trait Database: Send + Sync + 'static {
    /// Its connections.
    type Link: Connection + Send;
    /// Whether other gateways may use it at the same time.
    const SHARED: bool;
    /// The schema: each step with the version that it leads to, in order.
    const STEPS: &'static [(u32, &'static str)];
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError`].
    fn connect(&self) -> Result<Self::Link, StoreError>;
}
