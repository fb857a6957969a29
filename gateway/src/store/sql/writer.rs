//! The one writer: a thread that runs many callers' changes in one durable transaction (group commit).

use super::{Connection, Database, Step, log};
use crate::log::{Scribe, Tree};
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Most changes in one transaction.
const GROUP: usize = 256;
/// Shortest and longest pause between two attempts to reach a database that is away.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a change works on: the open transaction, the tree's end, and the scribe.
pub(super) struct Work<'a> {
    pub connection: &'a dyn Connection,
    pub tree: &'a mut Tree,
    pub scribe: &'a Scribe,
    /// Why the whole transaction cannot be kept: the disk is full or broken, the database is away.
    lost: &'a mut Option<StoreError>,
}

/// Tells the caller, once it is known whether the transaction is durable.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Works in the open transaction; given an error instead, it does nothing and passes the error to its caller.
type Change = Box<dyn FnOnce(Result<&mut Work<'_>, StoreError>) -> Finish + Send>;

/// Handle of the writer's thread; the thread ends when the handle is dropped and every change is done.
#[derive(Debug)]
pub(super) struct Writer {
    changes: Option<Sender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start<D: Database>(link: D::Link, database: Arc<D>, scribe: Arc<Scribe>) -> Result<Self, StoreError> {
        let tree = Tree::of_size(log::size(&link)?);
        let (changes, inbox) = channel();
        let desk = Desk {
            link,
            database,
            tree,
            scribe,
            again: Again::default(),
        };
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || desk.work(&inbox))
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
        let (boxed, answered) = boxed(change);
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

/// A change for the desk, and where its answer will come.
fn boxed<T: Send + 'static>(
    change: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError> + Send + 'static,
) -> (Change, Receiver<Result<T, StoreError>>) {
    let (answer, answered) = sync_channel(1);
    let boxed: Change = Box::new(move |work| {
        let result = work.and_then(|work| in_savepoint(work, change));
        Box::new(move |durable| {
            // The caller may have gone; its change stands all the same.
            let _gone = answer.send(result.and_then(|value| durable.map(|()| value)));
        })
    });
    (boxed, answered)
}

/// Runs one change so that its failure leaves the changes before it in place.
fn in_savepoint<T>(
    work: &mut Work<'_>,
    change: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let size = work.tree.size();
    work.connection.step(Step::Savepoint)?;
    let result = change(work);
    let end = if result.is_ok() {
        Step::Release
    } else {
        work.tree.truncate(size);
        Step::Undo
    };
    *work.lost = if work.connection.in_transaction() {
        work.connection.step(end).err()
    } else if let Err(error) = &result {
        // SQLite itself rolls everything back when the disk is full; a lost connection does so too. Then there is no savepoint.
        Some(error.clone())
    } else {
        Some(StoreError::Failed(
            "the database has rolled back a group of changes".into(),
        ))
    };
    result
}

/// When a database that was away may be tried again.
#[derive(Debug, Default)]
struct Again {
    pause: Duration,
    at: Option<Instant>,
}

impl Again {
    fn is_too_soon(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() < at)
    }

    fn failed(&mut self) {
        self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
        self.at = Some(Instant::now() + self.pause);
    }
}

struct Desk<D: Database> {
    link: D::Link,
    database: Arc<D>,
    tree: Tree,
    scribe: Arc<Scribe>,
    again: Again,
}

impl<D: Database> Desk<D> {
    fn work(mut self, inbox: &Receiver<Change>) {
        while let Ok(first) = inbox.recv() {
            self.group(first, inbox);
        }
    }

    /// One transaction: the first change and whatever else waits.
    fn group(&mut self, first: Change, inbox: &Receiver<Change>) {
        // Outside a transaction a change would be kept at once, whatever its caller is told: it must not run.
        if let Err(error) = self.begin() {
            tracing::error!(?error, "the store could not begin a group of changes");
            return first(Err(error.clone()))(Err(error));
        }
        let size = self.tree.size();
        let (finishes, lost) = self.run(first, inbox);
        let result = lost.map_or_else(|| self.link.step(Step::Commit), Err);
        if let Err(error) = &result {
            tracing::error!(?error, "the store did not keep a group of changes");
            self.tree.truncate(size);
            if self.link.in_transaction() {
                let _already_gone = self.link.step(Step::Rollback);
            }
        }
        finishes.into_iter().for_each(|finish| finish(result.clone()));
    }

    /// Begins a transaction, on a new connection if the last one is dead; then knows how far the log goes.
    fn begin(&mut self) -> Result<(), StoreError> {
        if !self.link.is_alive() {
            if self.again.is_too_soon() {
                return Err(StoreError::Away);
            }
            match self.database.connect() {
                Ok(link) => (self.link, self.again) = (link, Again::default()),
                Err(error) => {
                    self.again.failed();
                    return Err(error);
                }
            }
            // What the lost connection wrote last may be there or not.
            self.tree = Tree::default();
        }
        self.link.step(Step::Begin)?;
        if !D::SHARED {
            return Ok(());
        }
        match log::size(&self.link) {
            Ok(size) => {
                self.tree.grow(size);
                Ok(())
            }
            Err(error) => {
                let _already_gone = self.link.step(Step::Rollback);
                Err(error)
            }
        }
    }

    /// Runs changes in the open transaction, until none waits, the group is large enough, or the transaction is
    /// lost; then gives why.
    fn run(&mut self, first: Change, inbox: &Receiver<Change>) -> (Vec<Finish>, Option<StoreError>) {
        let (mut finishes, mut lost) = (Vec::new(), None);
        let mut next = Some(first);
        while let Some(change) = next {
            let mut work = Work {
                connection: &self.link,
                tree: &mut self.tree,
                scribe: &self.scribe,
                lost: &mut lost,
            };
            finishes.push(change(Ok(&mut work)));
            let more = lost.is_none() && finishes.len() < GROUP;
            next = more.then(|| inbox.try_recv().ok()).flatten();
        }
        (finishes, lost)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::super::{migrate, records, values};
    use super::*;
    use crate::log::Draft;
    use crate::store::sqlite::{Link, Sqlite};
    use std::path::Path;
    use wardkey_core::id::{DeviceId, Digest, InstitutionId, PatientId};
    use wardkey_core::key::SoftKey;
    use wardkey_core::log::{Deed, verify_inclusion};
    use wardkey_core::typed::Domain;

    const PATIENT: PatientId = PatientId([7; 32]);

    fn scribe() -> Arc<Scribe> {
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        Arc::new(Scribe::new(domain, &SoftKey::generate().unwrap()).unwrap())
    }

    /// A file that waits 50 ms for a lock.
    fn database(path: &Path) -> Arc<Sqlite> {
        Arc::new(Sqlite::at(path, 0).waiting(Duration::from_millis(50)))
    }

    /// A store with one patient's log key.
    fn store(database: &Sqlite, scribe: &Scribe) -> Link {
        let link = database.connect().unwrap();
        migrate::prepare::<Sqlite>(&link, scribe).unwrap();
        let key = SoftKey::generate().unwrap().public();
        let sql = "INSERT INTO patient_keys VALUES ($1, 1, $2, '')";
        link.execute(sql, values![&PATIENT.0, key.bytes()]).unwrap();
        link
    }

    fn writer(path: &Path) -> Writer {
        let (database, scribe) = (database(path), scribe());
        Writer::start(store(&database, &scribe), database, scribe).unwrap()
    }

    /// Logs a reading; checks the proof that comes with it, and gives its place.
    fn reading(work: &mut Work<'_>) -> Result<u64, StoreError> {
        let draft = Draft {
            action: Deed::Read,
            patient: PATIENT,
            institution: InstitutionId::default(),
            device: DeviceId::default(),
            section: 2,
            reason: "test".into(),
            subject: Digest::default(),
            time: 1,
            pen: None,
        };
        let keys = log::keys(work.connection, std::slice::from_ref(&draft))?;
        let entries = log::prepare(work.scribe, &keys, vec![draft])?;
        let lines = records::log_reads(work, entries)?;
        let (receipt, proof) = (&lines[0].receipt, &lines[0].proof);
        verify_inclusion(proof.size, &proof.root, receipt.index, &receipt.leaf, &proof.path).unwrap();
        Ok(receipt.index)
    }

    fn read(writer: &Writer) -> Result<u64, StoreError> {
        writer.run(reading)
    }

    #[test]
    fn a_group_that_sqlite_rolled_back_is_told_to_everyone_in_it_and_the_log_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (database, scribe) = (database(&folder.path().join("store.sqlite")), scribe());
        let link = store(&database, &scribe);
        let mut pages = 0;
        link.each("PRAGMA page_count", &[], &mut |row| {
            pages = row.int::<u32>(0)?;
            Ok(())
        })
        .unwrap();
        link.batch(&format!("PRAGMA max_page_count = {}", pages + 1)).unwrap();
        let mut desk = Desk {
            link,
            database,
            tree: Tree::of_size(0),
            scribe,
            again: Again::default(),
        };
        let (sender, inbox) = channel();
        let (first, first_told) = boxed(reading);
        let (large, large_told) = boxed(|work| {
            let text = "x".repeat(100_000);
            let sql = "INSERT INTO sessions VALUES ($1, 1, $2)";
            work.connection.execute(sql, values![&[1u8; 32], &text])?;
            Ok(())
        });
        let (after, after_told) = boxed(reading);
        sender.send(large).unwrap();
        sender.send(after).unwrap();
        desk.group(first, &inbox);
        assert_eq!(first_told.recv().unwrap(), Err(StoreError::Full));
        assert_eq!(large_told.recv().unwrap(), Err(StoreError::Full));
        assert_eq!(log::size(&desk.link), Ok(0));
        desk.group(inbox.recv().unwrap(), &inbox);
        assert_eq!(after_told.recv().unwrap(), Ok(0));
    }

    #[test]
    fn what_could_not_begin_is_not_kept_and_the_log_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let writer = writer(&path);
        assert_eq!(read(&writer), Ok(0));

        let other = database(&path).connect().unwrap();
        other.step(Step::Begin).unwrap();
        let ran = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = Arc::clone(&ran);
        let refused = writer.run(move |_| {
            seen.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        });
        assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
        assert!(!ran.load(std::sync::atomic::Ordering::SeqCst), "it ran all the same");
        assert!(matches!(read(&writer), Err(StoreError::Failed(_))));
        other.step(Step::Rollback).unwrap();
        assert_eq!(log::size(&other), Ok(1), "a refused reading was logged");

        assert_eq!((1..5).map(|_| read(&writer)).collect::<Vec<_>>(), [1, 2, 3, 4].map(Ok));
        assert_eq!(log::size(&other), Ok(5));
    }

    /// The lock may go while the change would run; then it would be kept at once if it ran outside a transaction.
    #[test]
    fn a_lock_given_back_a_moment_later_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let writer = writer(&path);
        let other = database(&path).connect().unwrap();
        other.step(Step::Begin).unwrap();
        let unlock = move || other.step(Step::Rollback).unwrap();
        let refused = writer.run(move |work| {
            unlock();
            work.connection.execute("DELETE FROM patient_keys", &[])?;
            Ok(())
        });
        assert!(refused.is_err());
        assert_eq!(read(&writer), Ok(0), "the patient's keys are still there");
    }
}
