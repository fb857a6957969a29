//! The one writer: a thread that runs many callers' changes in one durable transaction (group commit).

use super::log;
use crate::log::{Scribe, Tree};
use crate::store::StoreError;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// Most changes in one transaction.
const GROUP: usize = 256;

/// What a change works on: the open transaction, the tree's end, and the scribe.
pub(super) struct Work<'a> {
    pub connection: &'a Connection,
    pub tree: &'a mut Tree,
    pub scribe: &'a Scribe,
}

/// Tells the caller, once it is known whether the transaction is durable.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Change = Box<dyn FnOnce(&mut Work<'_>) -> Finish + Send>;

/// Handle of the writer's thread; the thread ends when the handle is dropped and every change is done.
#[derive(Debug)]
pub(super) struct Writer {
    changes: Option<Sender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(connection: Connection, scribe: Arc<Scribe>) -> Result<Self, StoreError> {
        let tree = Tree::of_size(log::size(&connection)?);
        let (changes, inbox) = channel();
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                Desk {
                    connection,
                    tree,
                    scribe,
                }
                .work(&inbox)
            })
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            changes: Some(changes),
            thread: Some(thread),
        })
    }

    /// Runs a change: all of it or nothing. Returns when it is durable.
    pub fn run<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let boxed: Change = Box::new(move |work| {
            let result = in_savepoint(work, change);
            Box::new(move |durable| {
                // The caller may have gone; its change stands all the same.
                let _gone = answer.send(result.and_then(|value| durable.map(|()| value)));
            })
        });
        let gone = || StoreError::Failed("the store's writer has ended".into());
        self.changes
            .as_ref()
            .ok_or_else(gone)?
            .send(boxed)
            .map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.changes.take();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// Runs one change so that its failure leaves the changes before it in place.
fn in_savepoint<T>(
    work: &mut Work<'_>,
    change: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let size = work.tree.size();
    work.connection.prepare_cached("SAVEPOINT change")?.execute([])?;
    let result = change(work);
    if result.is_err() {
        work.tree.truncate(size);
        // SQLite itself rolls everything back when the disk is full; then there is no savepoint left.
        if !work.connection.is_autocommit() {
            work.connection.prepare_cached("ROLLBACK TO change")?.execute([])?;
        }
    }
    if !work.connection.is_autocommit() {
        work.connection.prepare_cached("RELEASE change")?.execute([])?;
    }
    result
}

struct Desk {
    connection: Connection,
    tree: Tree,
    scribe: Arc<Scribe>,
}

impl Desk {
    fn work(mut self, inbox: &Receiver<Change>) {
        while let Ok(first) = inbox.recv() {
            self.group(first, inbox);
        }
    }

    /// One transaction: the first change and whatever else waits.
    fn group(&mut self, first: Change, inbox: &Receiver<Change>) {
        let size = self.tree.size();
        let mut finishes = Vec::new();
        let mut result = self.statement("BEGIN IMMEDIATE");
        let mut next = Some(first);
        while let Some(change) = next {
            let mut work = Work {
                connection: &self.connection,
                tree: &mut self.tree,
                scribe: &self.scribe,
            };
            finishes.push(change(&mut work));
            let alive = result.is_ok() && !self.connection.is_autocommit();
            next = if alive && finishes.len() < GROUP {
                inbox.try_recv().ok()
            } else {
                None
            };
        }
        if result.is_ok() {
            // Without a transaction SQLite has rolled back: the disk is full.
            result = if self.connection.is_autocommit() {
                Err(StoreError::Full)
            } else {
                self.statement("COMMIT")
            };
        }
        if let Err(error) = &result {
            tracing::error!(?error, "the store did not keep a group of changes");
            self.tree.truncate(size);
            if !self.connection.is_autocommit() {
                let _already_gone = self.statement("ROLLBACK");
            }
        }
        finishes.into_iter().for_each(|finish| finish(result.clone()));
    }

    fn statement(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
