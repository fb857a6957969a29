//! Waiting for the database in a thread that may wait. Unlike a runtime's own `block_on`, it may be done anywhere.

use crate::store::StoreError;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits in this thread while `home` moves the bytes; gives up after `patience`.
///
/// # Errors
/// [`StoreError::Away`] after `patience`; else the database's.
pub(super) fn within<T>(
    home: &Handle,
    patience: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let _timers_and_sockets = home.enter();
    let mut work = pin!(tokio::time::timeout(patience, work));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(Ok(answer)) => return answer.map_err(|error| failed(&error)),
            Poll::Ready(Err(_too_late)) => return Err(StoreError::Away),
            Poll::Pending => thread::park(),
        }
    }
}

/// What an error of the database is for us. Its text may hold values, so only its code goes on.
fn failed(error: &tokio_postgres::Error) -> StoreError {
    let Some(code) = error.code() else {
        tracing::warn!(error = %first_words(error), "the database's connection failed");
        return StoreError::Away;
    };
    // Class 57 also says that the server stops, starts, or gave a statement up; class 08 that the line broke.
    let away = ["57", "08"].iter().any(|class| code.code().starts_with(class));
    match code {
        &SqlState::DISK_FULL => StoreError::Full,
        // A server that was the first one and is now a standby.
        &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::TOO_MANY_CONNECTIONS => StoreError::Away,
        _ if away => StoreError::Away,
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => {
            StoreError::Damaged("the database says that its data is corrupted")
        }
        code => StoreError::Failed(format!("the database refused with SQLSTATE {}", code.code())),
    }
}

/// The kind of an error without a code: "error connecting to server" and such.
fn first_words(error: &tokio_postgres::Error) -> String {
    error.to_string().chars().take(100).collect()
}
