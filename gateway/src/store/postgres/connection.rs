//! A connection to PostgreSQL. What begins and ends transactions travels together with the statement after it, so that it
//! costs no journey of its own.

use super::wait::within;
use crate::store::StoreError;
use crate::store::sql::{Connection, Row, Step, Value};
use bytes::BytesMut;
use futures::future::join;
use futures::{StreamExt as _, pin_mut};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

/// A connection.
pub struct Link {
    client: Client,
    home: Handle,
    patience: Duration,
    statements: RefCell<HashMap<&'static str, Statement>>,
    /// Sent with the next statement.
    pending: RefCell<String>,
    open: Cell<bool>,
    dead: Cell<bool>,
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::BYTEA, Type::TEXT].contains(kind)
    }

    to_sql_checked!();
}

impl Row for tokio_postgres::Row {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        let odd = |_| StoreError::Damaged("a stored value is of another kind");
        let kind = self.columns().get(column).map(tokio_postgres::Column::type_);
        Ok(match kind {
            Some(&Type::BYTEA) => self.try_get::<_, Option<&[u8]>>(column).map_err(odd)?.map(Value::Bytes),
            Some(&Type::TEXT) => self.try_get::<_, Option<&str>>(column).map_err(odd)?.map(Value::Text),
            _ => self.try_get::<_, Option<i64>>(column).map_err(odd)?.map(Value::Int),
        }
        .unwrap_or(Value::Null))
    }
}

impl Link {
    pub(super) fn new(client: Client, home: Handle, patience: Duration) -> Self {
        Self {
            client,
            home,
            patience,
            statements: RefCell::default(),
            pending: RefCell::default(),
            open: Cell::new(false),
            dead: Cell::new(false),
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
        if self.dead.get() {
            return Err(StoreError::Away);
        }
        let answer = within(&self.home, self.patience, work);
        if self.client.is_closed() || matches!(answer, Err(StoreError::Away)) {
            self.dead.set(true);
            self.open.set(false);
        }
        answer
    }

    /// Runs `work` after what is pending, on one journey.
    fn after_pending<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
        let pending = self.pending.take();
        if pending.is_empty() {
            return self.wait(work);
        }
        self.wait(async {
            // The first is sent first; the server answers in order, and refuses the second if the first broke the transaction.
            let (before, answer) = join(self.client.batch_execute(&pending), work).await;
            before?;
            answer
        })
    }

    fn statement(&self, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        self.after_pending(async { Ok(()) })?;
        let statement = self.wait(self.client.prepare(sql))?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    fn add(&self, sql: &str) {
        let mut pending = self.pending.borrow_mut();
        if !pending.is_empty() {
            pending.push(';');
        }
        pending.push_str(sql);
    }

    /// Ends a transaction now. Nobody knows what became of a commit whose answer did not arrive.
    fn commit(&self) -> Result<(), StoreError> {
        self.add("COMMIT");
        let answer = self.after_pending(async { Ok(()) });
        self.open.set(false);
        match answer {
            Err(StoreError::Away) => Err(StoreError::Unsure),
            other => other,
        }
    }
}

impl Connection for Link {
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.statement(sql)?;
        self.after_pending(self.client.execute_raw(&statement, values))
    }

    fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.statement(sql)?;
        let rows = self.after_pending(self.client.query_raw(&statement, values))?;
        pin_mut!(rows);
        // Every row is fetched, also after one that could not be read: the connection goes on behind them.
        let mut result = Ok(());
        while let Some(found) = self.wait(async { rows.next().await.transpose() })? {
            if result.is_ok() {
                result = row(&found);
            }
        }
        result
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.after_pending(self.client.batch_execute(sql))
    }

    fn step(&self, step: Step) -> Result<(), StoreError> {
        if self.dead.get() {
            return Err(StoreError::Away);
        }
        match step {
            Step::Begin => {
                self.add("BEGIN;SELECT version FROM schema_version WHERE one = 1 FOR UPDATE");
                self.open.set(true);
            }
            Step::BeginReading => {
                self.add("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
                self.open.set(true);
            }
            Step::Savepoint => self.add("SAVEPOINT change"),
            Step::Release => self.add("RELEASE change"),
            Step::Undo => self.add("ROLLBACK TO change;RELEASE change"),
            Step::Commit => return self.commit(),
            Step::Rollback => {
                self.pending.take();
                self.open.set(false);
                return self.wait(self.client.batch_execute("ROLLBACK"));
            }
        }
        Ok(())
    }

    fn in_transaction(&self) -> bool {
        self.open.get()
    }

    fn is_alive(&self) -> bool {
        !self.dead.get() && !self.client.is_closed()
    }

    fn time(&self) -> Result<Option<u64>, StoreError> {
        let mut time = None;
        let sql = "SELECT CAST(extract(epoch FROM now()) AS BIGINT)";
        self.each(sql, &[], &mut |row| {
            if let Value::Int(seconds) = row.value(0)? {
                time = u64::try_from(seconds).ok();
            }
            Ok(())
        })?;
        Ok(time)
    }

    fn version(&self) -> Result<u32, StoreError> {
        let mut version = 0;
        self.each("SELECT version FROM schema_version WHERE one = 1", &[], &mut |row| {
            if let Value::Int(number) = row.value(0)? {
                version = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        })?;
        Ok(version)
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        let sql = "UPDATE schema_version SET version = $1 WHERE one = 1";
        self.execute(sql, &[version.into()]).map(|_| ())
    }
}
