//! The data store in one SQLite file.

mod connection;

use crate::log::Scribe;
use crate::store::sql::{Database, SqlStore};
use crate::store::{Store, StoreError};
pub use connection::Link;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const PAGE_BYTES: u32 = 8192;
/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// 0 = no limit.
    max_megabytes: u32,
    patience: Duration,
}

impl Sqlite {
    /// A file; `max_megabytes` 0 = no limit.
    #[must_use]
    pub fn at(path: &Path, max_megabytes: u32) -> Self {
        Self {
            path: path.to_owned(),
            max_megabytes,
            patience: PATIENCE,
        }
    }

    /// The same, waiting no longer than this for another connection's lock.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Database for Sqlite {
    type Link = Link;
    // The data folder's lock keeps every other gateway away.
    const SHARED: bool = false;
    const STEPS: &'static [(u32, &'static str)] = &[
        (2, include_str!("steps/0002.sql")),
        (3, include_str!("steps/0003.sql")),
        (4, include_str!("steps/0004.sql")),
    ];

    fn connect(&self) -> Result<Link, StoreError> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(self.patience)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        if self.max_megabytes > 0 {
            let pages = u64::from(self.max_megabytes) * 1024 * 1024 / u64::from(PAGE_BYTES);
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        // Otherwise SQLite prepares a statement anew whenever another value is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Link(connection))
    }
}

/// Opens the file; makes it at the first start. `max_megabytes` 0 = no limit.
///
/// # Errors
/// [`StoreError`].
pub fn open(path: &Path, max_megabytes: u32, scribe: Arc<Scribe>) -> Result<Box<dyn Store>, StoreError> {
    Ok(Box::new(SqlStore::open(Sqlite::at(path, max_megabytes), scribe)?))
}
