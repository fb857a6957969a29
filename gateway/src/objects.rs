//! Where the log's tiles and large documents are kept: a folder, or a bucket of a server that speaks S3.

use crate::keys::{KeysError, private_folder};
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardkey_core::fault::Coded;

/// The objects' place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectSettings {
    /// Folder, relative to the data folder; unused with `s3`.
    pub folder: PathBuf,
    /// Bucket, in place of the folder.
    pub s3: Option<S3>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// `https://…`; `http://` only on a loopback address.
    pub endpoint: String,
    /// Name of the region; many servers take any.
    pub region: String,
    /// Name of the bucket, which must exist.
    pub bucket: String,
    /// File with two lines: access key id, secret access key. Only its owner may read it.
    pub credentials: PathBuf,
}

impl S3 {
    /// Whether what is said to it cannot be overheard: HTTPS, or an address of this machine.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        let clear = self.endpoint.strip_prefix("http://");
        let local = clear.and_then(|authority| authority.trim_end_matches('/').parse::<SocketAddr>().ok());
        self.endpoint.starts_with("https://") || local.is_some_and(|address| address.ip().is_loopback())
    }
}

/// Why objects cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] KeysError),
    /// The credentials.
    #[error("failed to read the object store's credentials in {path}: {reason}")]
    Credentials {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The object store's own words; for the log, not for clients.
    #[error("the object store failed: {0}")]
    Failed(#[from] object_store::Error),
    /// What it holds is not what this gateway writes.
    #[error("the object store holds something else than this gateway wrote: {0}")]
    Damaged(&'static str),
}

impl Coded for ObjectsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder(e) => e.code(),
            Self::Credentials { .. } => "objects-credentials",
            Self::Failed(_) => "objects-failed",
            Self::Damaged(_) => "objects-damaged",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Folder(e) => e.action(),
            Self::Credentials { .. } => {
                "Write access key id and secret into the file, one a line, and let only its owner read it (chmod 600)."
            }
            Self::Failed(_) => {
                "Check that folder or bucket can be written; what is missing is written again by itself."
            }
            Self::Damaged(_) => "Give every network a folder or bucket of its own.",
        }
    }
}

/// Opens the folder, or prepares to talk to the bucket.
///
/// # Errors
/// [`ObjectsError`].
pub fn open(settings: &ObjectSettings, data: &Path) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    let Some(s3) = &settings.s3 else {
        let folder = data.join(&settings.folder);
        private_folder(&folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        return Ok(Arc::new(store));
    };
    // Another part of the process may have chosen a provider already; that one is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (id, secret) = credentials(&data.join(&s3.credentials))?;
    let store = AmazonS3Builder::new()
        .with_endpoint(&s3.endpoint)
        .with_region(&s3.region)
        .with_bucket_name(&s3.bucket)
        .with_access_key_id(id)
        .with_secret_access_key(secret)
        .with_allow_http(s3.endpoint.starts_with("http://"))
        .build()?;
    Ok(Arc::new(store))
}

fn credentials(path: &Path) -> Result<(String, String), ObjectsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let bad = |reason: &dyn std::fmt::Display| ObjectsError::Credentials {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let mode = std::fs::metadata(path).map_err(|e| bad(&e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(bad(&"others than its owner may read it"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(id), Some(secret), None) => Ok((id.to_owned(), secret.to_owned())),
        _ => Err(bad(&"it has not exactly two lines")),
    }
}
