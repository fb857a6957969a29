//! The gateway's secrets: two keys and the deployment's salt, one file each in the data folder, readable by their owner only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use wardkey_core::fault::Coded;
use wardkey_core::hexbytes;
use wardkey_core::key::{KeyError, SoftKey};
use zeroize::Zeroizing;

/// What the gateway signs with, and the salt of its deployment.
#[derive(Debug)]
pub struct Keys {
    /// Accredits institutions and signs checkpoints.
    pub operator: SoftKey,
    /// Signs answers and receipts.
    pub gateway: SoftKey,
    /// Salt of the deployment, 32 random bytes.
    pub salt: [u8; 32],
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("failed to use {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others can read a private key.
    #[error("{0} can be read by others than its owner")]
    Exposed(PathBuf),
    /// The file holds no key.
    #[error("{0} does not hold 64 hex digits of a private key")]
    Malformed(PathBuf),
    /// A new key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Coded for KeysError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "keys-unreadable",
            Self::Exposed(_) => "keys-exposed",
            Self::Malformed(_) => "keys-malformed",
            Self::Key(error) => error.code(),
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::File { .. } => "Check that the gateway's user may write the data folder and that the disk has room.",
            Self::Exposed(_) => {
                "Set a file's mode to 600, a folder's to 700; if others could read a key, make a new one."
            }
            Self::Malformed(_) => "Restore the file from a backup; without it this network cannot be operated.",
            Self::Key(error) => error.action(),
        }
    }
}

impl Keys {
    /// Reads the keys of a data folder; makes folder and keys at the first start.
    ///
    /// # Errors
    /// Any [`KeysError`].
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        private_folder(folder)?;
        Ok(Self {
            operator: key(&folder.join("operator.key"))?,
            gateway: key(&folder.join("gateway.key"))?,
            salt: salt(folder)?,
        })
    }
}

/// Makes a folder that only its owner can enter, unless it exists.
///
/// # Errors
/// [`KeysError::File`].
pub fn private_folder(path: &Path) -> Result<(), KeysError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| KeysError::File {
        path: path.to_owned(),
        source,
    })
}

/// That only its owner can read a file or enter a folder.
///
/// # Errors
/// [`KeysError::Exposed`], [`KeysError::File`].
pub fn must_be_private(path: &Path) -> Result<(), KeysError> {
    fs::metadata(path).map_err(|source| KeysError::File {
        path: path.to_owned(),
        source,
    })?;
    if is_private(path) {
        Ok(())
    } else {
        Err(KeysError::Exposed(path.to_owned()))
    }
}

/// Whether nobody but its owner may read a file that is there.
#[must_use]
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 == 0)
}

/// Makes an empty file that only its owner can read, unless it exists. SQLite gives its side files the same mode.
///
/// # Errors
/// [`KeysError::File`].
pub fn private_file(path: &Path) -> Result<(), KeysError> {
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map(drop).map_err(|source| KeysError::File {
        path: path.to_owned(),
        source,
    })
}

fn key(path: &Path) -> Result<SoftKey, KeysError> {
    if let Some(bytes) = read(path)? {
        return SoftKey::from_bytes(&bytes).map_err(|_| KeysError::Malformed(path.to_owned()));
    }
    let key = SoftKey::generate()?;
    write(path, &key.to_bytes())?;
    Ok(key)
}

fn salt(folder: &Path) -> Result<[u8; 32], KeysError> {
    let path = folder.join("deployment.salt");
    if let Some(bytes) = read(&path)? {
        return Ok(*bytes);
    }
    let salt = crate::random::bytes()?;
    write(&path, &salt)?;
    Ok(salt)
}

fn read(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, KeysError> {
    let file = |source| KeysError::File {
        path: path.to_owned(),
        source,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file(error)),
    };
    must_be_private(path)?;
    hexbytes::decode(text.trim())
        .map(|b| Some(Zeroizing::new(b)))
        .ok_or_else(|| KeysError::Malformed(path.to_owned()))
}

/// Writes to a new file beside and renames it, so that a crash leaves either no key or a whole one.
fn write(path: &Path, bytes: &[u8; 32]) -> Result<(), KeysError> {
    let file = |source| KeysError::File {
        path: path.to_owned(),
        source,
    };
    let beside = path.with_extension("new");
    let text = Zeroizing::new(hex::encode(bytes));
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(file)?;
    out.write_all(text.as_bytes())
        .and_then(|()| out.sync_all())
        .map_err(file)?;
    fs::rename(&beside, path).map_err(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = Keys::open(&data).unwrap();
        let again = Keys::open(&data).unwrap();
        assert_eq!(first.operator.public(), again.operator.public());
        assert_eq!(
            (first.gateway.public(), first.salt),
            (again.gateway.public(), again.salt)
        );
        let path = data.join("operator.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Keys::open(&data).unwrap_err().code(), "keys-exposed");
        must_be_private(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(must_be_private(&data).unwrap_err().code(), "keys-exposed");
    }
}
