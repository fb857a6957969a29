//! The log as static files (c2sp.org/tlog-tiles): after each checkpoint on the chain, the tiles that it adds, then the checkpoint
//! itself. Anyone may fetch them; leaves are salted commitments and tell nothing.

use crate::objects::ObjectsError;
use crate::state::Gateway;
use crate::store::{Store, StoreError};
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tlog_tiles::tlog::stored_hash_index;
use wardkey_core::audit::{Bundle, SignedCheckpoint, TileName, WIDTH, tiles_between};
use wardkey_core::id::Digest;
use wardkey_core::key::KeyError;
use wardkey_core::log::leaf_hash;

/// Folder of the log's files.
const FOLDER: &str = "log";

/// Why tiles were not published.
#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    /// The data store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object store.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The gateway's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What is kept is not what the chain has.
    #[error("the log's leaves do not make the root that the chain has: the data store was altered or restored")]
    Forked,
}

impl From<object_store::Error> for TilesError {
    fn from(error: object_store::Error) -> Self {
        Self::Objects(error.into())
    }
}

/// A file of the log.
///
/// # Errors
/// [`ObjectsError`]; `None` if it is not there.
pub async fn file(objects: &dyn ObjectStore, name: &str) -> Result<Option<Bytes>, ObjectsError> {
    match objects.get(&place(name)).await {
        Ok(found) => Ok(Some(found.bytes().await?)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn place(name: &str) -> Path {
    Path::from(format!("{FOLDER}/{name}"))
}

impl Gateway {
    /// Publishes what the newest checkpoint on the chain adds to the tiles; gives the log's size if it has grown.
    ///
    /// # Errors
    /// [`TilesError`]; the next call goes on where this one ended.
    pub async fn publish_tiles(&self) -> Result<Option<u64>, TilesError> {
        let Some(newest) = self.ledger.view().checkpoint() else {
            return Ok(None);
        };
        let wanted = SignedCheckpoint {
            size: newest.size,
            root: Digest(newest.root),
        };
        let published = self.published().await?;
        if published >= wanted.size {
            return Ok(None);
        }
        if self.of_store(move |store| store.log_root(wanted.size)).await? != wanted.root {
            return Err(TilesError::Forked);
        }
        for tile in tiles_between(published, wanted.size) {
            self.publish(tile).await?;
        }
        let key = self.scribe.key();
        let note = wanted.note(self.domain(), &key.public(), |text| key.sign(text))?;
        self.objects.put(&place("checkpoint"), note.into_bytes().into()).await?;
        Ok(Some(wanted.size))
    }

    /// Size of the log whose tiles are all there.
    async fn published(&self) -> Result<u64, TilesError> {
        let Some(note) = file(self.objects.as_ref(), "checkpoint").await? else {
            return Ok(0);
        };
        let read = std::str::from_utf8(&note)
            .ok()
            .and_then(|note| SignedCheckpoint::read(note, self.domain(), &self.scribe.key().public()).ok());
        Ok(read.ok_or(ObjectsError::Damaged("log/checkpoint"))?.size)
    }

    async fn publish(&self, tile: TileName) -> Result<(), TilesError> {
        let hashes = self.of_store(move |store| hashes(store, &tile)).await?;
        if let Some(bundle) = Bundle::of(&tile) {
            let leaves = self
                .of_store(move |store| store.log_leaves(tile.first(), bundle.width))
                .await?;
            if !leaves.iter().map(leaf_hash).eq(hashes.iter().copied()) {
                return Err(TilesError::Forked);
            }
            let bytes = Bundle::bytes(&leaves);
            self.objects.put(&place(&bundle.path()), bytes.into()).await?;
        }
        let bytes: Vec<u8> = hashes.into_iter().flat_map(|hash| hash.0).collect();
        self.objects.put(&place(&tile.path()), bytes.into()).await?;
        if tile.width() == WIDTH {
            self.forget_partial(&tile).await?;
        }
        Ok(())
    }

    /// Removes the unfinished forms of a finished tile, as the specification allows.
    async fn forget_partial(&self, tile: &TileName) -> Result<(), TilesError> {
        let bundle = Bundle::of(tile).map(|bundle| bundle.path());
        for whole in [Some(tile.path()), bundle].into_iter().flatten() {
            let folder = place(&format!("{whole}.p"));
            let partial: Vec<_> = self.objects.list(Some(&folder)).try_collect().await?;
            for object in partial {
                self.objects.delete(&object.location).await?;
            }
        }
        Ok(())
    }

    async fn of_store<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gateway = self.clone();
        tokio::task::spawn_blocking(move || ask(gateway.store.as_ref()))
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))?
    }
}

fn hashes(store: &dyn Store, tile: &TileName) -> Result<Vec<Digest>, StoreError> {
    let height = tile.level() * 8;
    let numbers: Vec<u64> = (tile.first()..)
        .take(tile.width() as usize)
        .map(|n| stored_hash_index(height, n))
        .collect();
    store.log_hashes(&numbers)
}
