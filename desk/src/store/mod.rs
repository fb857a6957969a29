//! What survives a crash: outbox and drafts in sled, sealed; the known gateway; IT's secret.

mod drafts;
mod it_secret;
mod known;
mod moves;
mod outbox;
mod vault;

pub use it_secret::{
    ItCard, ItLine, ItSecret, clear_secret, digest, is_proved, it_cards, keep_it_card, log_it, new_secret,
    remove_clear_secret,
};
pub use known::{known_network, remember_network};
pub use moves::{PreparedMove, PreparedWrap};
pub use outbox::{NewWrite, Outgoing, Queued};
pub use vault::{Vault, VaultKey};

use sled::transaction::{ConflictableTransactionError, TransactionError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wardkey_core::fault::Coded;

/// The store failed; whatever was typed is still in the window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space.
    #[error("the disk is full")]
    DiskFull,
    /// No space in the middle of a write: what is in memory is no longer what is on the disk.
    #[error("the disk was full in the middle of a write, so nothing more is stored or sent")]
    Stopped,
    /// Another program has it open.
    #[error("the data folder is in use by another program")]
    InUse,
    /// Reading or writing failed.
    #[error("the data folder cannot be used: {detail}")]
    Broken {
        /// The system's words.
        detail: String,
    },
    /// A refused write cannot become a draft where there is one.
    #[error("another draft of this kind is half typed for this patient")]
    DraftInTheWay,
    /// There is no such refused write of this person, or nothing typed belongs to it.
    #[error("this write was not refused, or is not yours")]
    NotRefused,
    /// A stored value is not what was written.
    #[error("something stored on this terminal was altered or is another person's")]
    Unreadable,
}

impl Coded for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::Stopped => "disk-was-full",
            Self::InUse => "data-folder-in-use",
            Self::Broken { .. } => "data-folder-broken",
            Self::DraftInTheWay => "draft-in-the-way",
            Self::NotRefused => "outbox-not-refused",
            Self::Unreadable => "stored-value-unreadable",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::DiskFull => "Nothing was stored. Leave the text in the window and tell IT to free space.",
            Self::Stopped => {
                "Copy the text that is still in the window to another place. Then IT frees space and starts the program again."
            }
            Self::InUse => "Close the other workstation program, or give each one its own data folder.",
            Self::Broken { .. } => "Leave the text in the window and tell IT.",
            Self::DraftInTheWay => "Write or clear that draft first.",
            Self::NotRefused => "Look at the outbox again.",
            Self::Unreadable => "Tell IT; what was sent already is safe at the gateway.",
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(io) => io.into(),
            other => Self::Broken {
                detail: other.to_string(),
            },
        }
    }
}

impl From<TransactionError<Self>> for StoreError {
    fn from(error: TransactionError<Self>) -> Self {
        match error {
            TransactionError::Abort(error) => error,
            TransactionError::Storage(error) => error.into(),
        }
    }
}

/// What a transaction in here ends with.
type InTransaction = Result<(), ConflictableTransactionError<StoreError>>;

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            std::io::ErrorKind::WouldBlock => Self::InUse,
            _ if error.to_string().contains("could not acquire lock") => Self::InUse,
            _ => Self::Broken {
                detail: error.to_string(),
            },
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(_: serde_json::Error) -> Self {
        Self::Unreadable
    }
}

/// The workstation's store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: sled::Db,
    folder: PathBuf,
    reserve: u64,
    /// Set when a write failed half way, until the program starts again.
    stopped: Arc<AtomicBool>,
    items: sled::Tree,
    bodies: sled::Tree,
    typed: sled::Tree,
    drafts: sled::Tree,
    vaults: sled::Tree,
    wraps: sled::Tree,
    moves: sled::Tree,
}

impl Store {
    /// Opens or creates the store in `folder` (made for this user only). Writes are refused with [`StoreError::DiskFull`] while fewer
    /// than `reserve` bytes are free.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path, reserve: u64) -> Result<Self, StoreError> {
        private_folder(folder)?;
        let db = sled::Config::new()
            .path(folder.join("store"))
            .cache_capacity(16 << 20)
            .flush_every_ms(None)
            .open()?;
        let store = Self {
            items: db.open_tree("outbox")?,
            bodies: db.open_tree("outbox-records")?,
            typed: db.open_tree("outbox-typed")?,
            drafts: db.open_tree("drafts")?,
            vaults: db.open_tree("vaults")?,
            wraps: db.open_tree("pending-wraps")?,
            moves: db.open_tree("prepared-moves")?,
            db,
            folder: folder.to_owned(),
            reserve,
            stopped: Arc::default(),
        };
        store.revive()?;
        Ok(store)
    }

    /// Refuses to begin a write of `bytes` that might not fit, so that nothing is half written: sled stops for good at a disk that
    /// is really full. Twice the bytes, because a page of the tree is written anew with them.
    fn room(&self, bytes: usize) -> Result<(), StoreError> {
        self.sound()?;
        let free = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        let needed = self.reserve.saturating_add(2 * bytes as u64);
        if free.f_bavail.saturating_mul(free.f_frsize) < needed {
            Err(StoreError::DiskFull)
        } else {
            Ok(())
        }
    }

    /// Durable before it returns.
    fn flush(&self) -> Result<(), StoreError> {
        self.whole(self.db.flush().map_err(StoreError::from))?;
        Ok(())
    }

    /// That memory and disk are the same. Else a write that was said to have failed might still be sent.
    fn sound(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Stops if a step failed that must be done wholly or not at all.
    fn whole<T>(&self, step: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(step, Err(StoreError::DiskFull | StoreError::Broken { .. })) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        step
    }

    /// Keeps a wrap until it is uploaded (an institution's agreement key sealed to its master card).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_wrap(&self, recipient: &[u8; 32], wrap: &[u8]) -> Result<(), StoreError> {
        self.room(wrap.len())?;
        self.wraps.insert(recipient, wrap)?;
        self.flush()
    }

    /// A wrap that is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept_wrap(&self, recipient: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.wraps.get(recipient)?.map(|v| v.to_vec()))
    }
}

/// Makes a folder that only its owner may enter.
///
/// # Errors
/// [`StoreError`].
pub fn private_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(folder)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_folder_in_use_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), u64::MAX).unwrap();
        assert_eq!(store.keep_wrap(&[0; 32], b"x"), Err(StoreError::DiskFull));
        assert_eq!(store.kept_wrap(&[0; 32]).unwrap(), None);
        assert_eq!(Store::open(folder.path(), 0).err(), Some(StoreError::InUse));
    }

    #[test]
    fn after_a_write_that_failed_half_way_nothing_is_stored_or_sent_until_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 0).unwrap();
        let nobody = wardkey_core::id::DeviceId([7; 32]);
        let due = |store: &Store| store.due(&nobody, 1, 1, &[].into()).map(|due| due.len());
        assert_eq!(
            store.whole::<()>(Err(StoreError::DraftInTheWay)),
            Err(StoreError::DraftInTheWay)
        );
        assert_eq!(due(&store), Ok(0), "a refusal is no failure");
        assert_eq!(store.whole::<()>(Err(StoreError::DiskFull)), Err(StoreError::DiskFull));
        assert_eq!(due(&store), Err(StoreError::Stopped));
        assert_eq!(store.outbox_rows(None), Err(StoreError::Stopped));
        assert_eq!(store.clone().keep_wrap(&[0; 32], b"x"), Err(StoreError::Stopped));
        drop(store);
        assert_eq!(due(&Store::open(folder.path(), 0).unwrap()), Ok(0));
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_the_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let _store = Store::open(&data, 0).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
