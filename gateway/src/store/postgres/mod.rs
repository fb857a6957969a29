//! The data store in PostgreSQL, or what speaks its protocol: several gateways over one database.

mod address;
mod connection;
mod wait;

pub use address::{Address, AddressError};
pub use connection::Link;

use crate::log::Scribe;
use crate::store::sql::{Database, SqlStore};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::{Client, SimpleQueryMessage};

/// How long one statement may take, with its way there and back. A database that is cut off answers nothing at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// What every connection is told first. The server ends what its client has given up, and a transaction whose gateway is
/// gone: it holds the log's lock.
const FIRST: &str = "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '15s'; \
    SET client_min_messages = 'warning'";
/// The version's row is the lock that lets one transaction write at a time.
const VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY, version BIGINT NOT NULL); \
    INSERT INTO schema_version VALUES (1, 0) ON CONFLICT (one) DO NOTHING";

/// The database.
#[derive(Debug)]
pub struct Postgres {
    address: Address,
    /// Accept a server that may lose what it has confirmed.
    accept_loss: bool,
    /// Moves bytes for all connections; their users wait for it in threads of their own.
    runtime: Option<Runtime>,
}

impl Postgres {
    /// The database at an address. Connects to nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the system gives no thread.
    pub fn at(address: Address, accept_loss: bool) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            address,
            accept_loss,
            runtime: Some(runtime),
        })
    }

    fn home(&self) -> Result<Handle, StoreError> {
        let gone = || StoreError::Failed("the database's thread has ended".to_owned());
        self.runtime
            .as_ref()
            .map(|runtime| runtime.handle().clone())
            .ok_or_else(gone)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Does not wait: this may run on an asynchronous thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Database for Postgres {
    type Link = Link;
    const SHARED: bool = true;
    const STEPS: &'static [(u32, &'static str)] = &[
        (2, include_str!("steps/0002.sql")),
        (3, include_str!("steps/0003.sql")),
        (4, include_str!("steps/0004.sql")),
    ];

    fn connect(&self) -> Result<Link, StoreError> {
        let home = self.home()?;
        let client = wait::within(&home, PATIENCE, async {
            let client = self.address.connect(&home).await?;
            client.batch_execute(FIRST).await?;
            Ok(client)
        })?;
        if !self.accept_loss {
            wait::within(&home, PATIENCE, must_be_durable(&client))??;
        }
        Ok(Link::new(client, home, PATIENCE))
    }
}

async fn must_be_durable(client: &Client) -> Result<Result<(), StoreError>, tokio_postgres::Error> {
    for (show, name, good) in [
        ("SHOW fsync", "fsync off", ["on", "on"]),
        (
            "SHOW synchronous_commit",
            "synchronous_commit other than on",
            ["on", "remote_apply"],
        ),
    ] {
        let answer = client.simple_query(show).await?;
        let value = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        if !value.is_some_and(|value| good.contains(&value)) {
            return Ok(Err(StoreError::NotDurable(name)));
        }
    }
    Ok(Ok(()))
}

/// Opens the database; makes its tables at the first start.
///
/// # Errors
/// [`StoreError`].
pub fn open(address: Address, accept_loss: bool, scribe: Arc<Scribe>) -> Result<Box<dyn Store>, StoreError> {
    let database = Postgres::at(address, accept_loss)?;
    prepare_version(&database)?;
    Ok(Box::new(SqlStore::open(database, scribe)?))
}

/// Makes the version's row. Two gateways may do it at the same moment; then one of them is refused, and finds it made.
///
/// # Errors
/// [`StoreError`].
pub fn prepare_version(database: &Postgres) -> Result<(), StoreError> {
    use crate::store::sql::Connection as _;
    let link = database.connect()?;
    link.batch(VERSION).or_else(|_| database.connect()?.batch(VERSION))
}
