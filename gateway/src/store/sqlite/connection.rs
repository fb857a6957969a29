//! A connection to a SQLite file.

use crate::store::StoreError;
use crate::store::sql::{Connection, Row, Step, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ErrorCode};

/// A connection.
#[derive(Debug)]
pub struct Link(pub(super) rusqlite::Connection);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            _ if wardkey_chain::no_room(&error) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged("the file is not a sound SQLite database")
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        match self.get_ref(column)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Int(number)),
            ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes)),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map(Value::Text)
                .map_err(|_| StoreError::Damaged("a stored text is not UTF-8")),
            ValueRef::Real(_) => Err(StoreError::Damaged("a stored value is of another kind")),
        }
    }
}

impl Link {
    /// SQLite numbers `$1`, `$2`, … by their first appearance, which is their order.
    fn bound(&self, sql: &str, values: &[Value<'_>]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        for (n, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(n + 1, value)?;
        }
        Ok(statement)
    }
}

impl Connection for Link {
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(self.bound(sql, values)?.raw_execute()? as u64)
    }

    fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.bound(sql, values)?;
        let mut rows = statement.raw_query();
        while let Some(found) = rows.next()? {
            row(found)?;
        }
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.0.execute_batch(sql)?)
    }

    fn step(&self, step: Step) -> Result<(), StoreError> {
        let statements: &[&'static str] = match step {
            Step::Begin => &["BEGIN IMMEDIATE"],
            Step::BeginReading => &["BEGIN"],
            Step::Savepoint => &["SAVEPOINT change"],
            Step::Release => &["RELEASE change"],
            Step::Undo => &["ROLLBACK TO change", "RELEASE change"],
            Step::Commit => &["COMMIT"],
            Step::Rollback => &["ROLLBACK"],
        };
        statements.iter().try_for_each(|sql| self.execute(sql, &[]).map(|_| ()))
    }

    fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn time(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn version(&self) -> Result<u32, StoreError> {
        Ok(self.0.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        Ok(self.0.pragma_update(None, "user_version", version)?)
    }
}
