//! What the card keeps when it is pulled: one JSON file, replaced atomically at every change.

use crate::CardFault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// The factory's PIN, PUK and management key.
pub(crate) const FACTORY_PIN: [u8; 8] = *b"123456\xff\xff";
pub(crate) const FACTORY_PUK: [u8; 8] = *b"12345678";
pub(crate) const FACTORY_MANAGEMENT_KEY: [u8; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];

/// PIN or PUK with its counter.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) value: [u8; 8],
    pub(crate) tries: u8,
    pub(crate) left: u8,
}

impl Reference {
    pub(crate) const fn new(value: [u8; 8], tries: u8) -> Self {
        Self {
            value,
            tries,
            left: tries,
        }
    }

    /// Compares and counts. The error is the status word.
    pub(crate) fn check(&mut self, given: &[u8]) -> Result<(), u16> {
        if self.left == 0 {
            return Err(0x6983);
        }
        if given == self.value {
            self.left = self.tries;
            return Ok(());
        }
        self.left -= 1;
        Err(if self.left == 0 {
            0x6983
        } else {
            0x63c0 | u16::from(self.left)
        })
    }
}

/// One key slot.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) scalar: [u8; 32],
    pub(crate) pin_policy: u8,
    pub(crate) touch_policy: u8,
    pub(crate) generated: bool,
}

/// Everything that lasts.
#[derive(Clone, Serialize, Deserialize)]
pub struct CardState {
    pub(crate) serial: u32,
    pub(crate) pin: Reference,
    pub(crate) puk: Reference,
    pub(crate) management_key: [u8; 24],
    /// By key reference.
    pub(crate) keys: BTreeMap<u8, Key>,
    /// Data objects by tag in hex, content in hex.
    pub(crate) objects: BTreeMap<String, String>,
    /// F9: its key as PEM and its certificate as DER in hex.
    pub(crate) attestation_key: String,
    pub(crate) attestation_certificate: String,
}

impl CardState {
    pub(crate) const fn factory(serial: u32, attestation_key: String, attestation_certificate: String) -> Self {
        Self {
            serial,
            pin: Reference::new(FACTORY_PIN, 3),
            puk: Reference::new(FACTORY_PUK, 3),
            management_key: FACTORY_MANAGEMENT_KEY,
            keys: BTreeMap::new(),
            objects: BTreeMap::new(),
            attestation_key,
            attestation_certificate,
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Option<Self>, CardFault> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| CardFault::State(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CardFault::file(format!("cannot read {}", path.display()))(error)),
        }
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), CardFault> {
        let bytes = serde_json::to_vec(self).map_err(|error| CardFault::State(error.to_string()))?;
        write_private(path, &bytes).map_err(CardFault::file(format!("cannot write {}", path.display())))
    }
}

/// Replaces a file at once; only its owner may read it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = std::path::PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(bytes)?;
    std::fs::rename(fresh, path)
}
