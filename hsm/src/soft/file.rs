//! The file: one line of JSON, one line with its SHA-256. The hash finds accidents; against people there is only the seal.

use super::seal::NONCE;
use crate::CardError;
use crate::store::StoreFault;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wardkey_core::hexbytes;
use wardkey_core::key::{PublicKey, sha256};

/// Wrong PINs in a row before a file is locked for good.
pub const TRIES: u8 = 5;
const VERSION: u32 = 1;
/// No key file is longer, bytes.
const LONGEST: usize = 4096;

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Content {
    wardkey_soft_keys: u32,
    note: String,
    /// Tries left. Outside the seal, since it is written before a PIN is judged.
    pub left: u8,
    #[serde(with = "hexbytes::array")]
    pub salt: [u8; 16],
    #[serde(with = "hexbytes::array")]
    pub nonce: [u8; NONCE],
    #[serde(with = "hexbytes::bytes")]
    pub sealed: Vec<u8>,
    /// The public halves, in the order 9A, 9C, 9D.
    pub public: [Option<PublicKey>; 3],
}

impl Content {
    pub(super) fn new(salt: [u8; 16]) -> Self {
        Self {
            wardkey_soft_keys: VERSION,
            note: "software keys, for trials only".to_owned(),
            left: TRIES,
            salt,
            nonce: [0; NONCE],
            sealed: Vec::new(),
            public: [None; 3],
        }
    }
}

/// A key file's place.
#[derive(Clone, Debug)]
pub(super) struct Place(pub PathBuf);

impl Place {
    fn shown(&self) -> String {
        self.0.display().to_string()
    }

    fn unusable(&self, error: &io::Error) -> CardError {
        let path = self.shown();
        CardError::from(match error.kind() {
            io::ErrorKind::NotFound => StoreFault::SoftMissing { path },
            _ => StoreFault::SoftUnusable {
                path,
                detail: error.to_string(),
            },
        })
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    /// Waits for its turn: two programs must not count the same try. Ends when dropped.
    pub(super) fn turn(&self) -> Result<File, CardError> {
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.beside(".lock"));
        lock.and_then(|file| file.lock().map(|()| file))
            .map_err(|error| self.unusable(&error))
    }

    pub(super) fn exists(&self) -> bool {
        self.0.symlink_metadata().is_ok()
    }

    pub(super) fn read(&self) -> Result<Content, CardError> {
        let bytes = std::fs::read(&self.0).map_err(|error| self.unusable(&error))?;
        parse(&bytes).map_err(|reason| {
            CardError::from(StoreFault::SoftDamaged {
                path: self.shown(),
                reason,
            })
        })
    }

    /// Replaces the file as a whole, on the disk before this returns: there is the old one or the new one, never half of one.
    pub(super) fn write(&self, content: &Content) -> Result<(), CardError> {
        self.replace(content).map_err(|error| match error.kind() {
            // The folder is missing; "no such key file" would mislead.
            io::ErrorKind::NotFound => CardError::from(StoreFault::SoftUnusable {
                path: self.shown(),
                detail: error.to_string(),
            }),
            _ => self.unusable(&error),
        })
    }

    fn replace(&self, content: &Content) -> io::Result<()> {
        let fresh = self.beside(".new");
        let mut file = create_private(&fresh)?;
        file.write_all(&text(content)?)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&fresh, &self.0)?;
        let folder = match self.0.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        sync_folder(folder)
    }
}

fn text(content: &Content) -> io::Result<Vec<u8>> {
    let line = serde_json::to_string(content)?;
    let hash = hex::encode(sha256(&[line.as_bytes()]));
    Ok(format!("{line}\n{hash}\n").into_bytes())
}

/// Reads the two lines; any other bytes are named, never guessed at.
fn parse(bytes: &[u8]) -> Result<Content, &'static str> {
    if bytes.len() > LONGEST {
        return Err("it is too long to be a key file");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let (line, hash) = text.split_once('\n').ok_or("it is cut short")?;
    let hash = hash.strip_suffix('\n').ok_or("it is cut short")?;
    if hash != hex::encode(sha256(&[line.as_bytes()])) {
        return Err("its check sum does not fit");
    }
    let content: Content = serde_json::from_str(line).map_err(|_| "it is no key file of this version")?;
    if content.wardkey_soft_keys != VERSION || content.left > TRIES {
        return Err("it is no key file of this version");
    }
    Ok(content)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// A rename lasts once its folder is on the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
