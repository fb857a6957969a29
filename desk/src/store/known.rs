//! Small files beside the store: the gateway this terminal knows.

use super::StoreError;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use wardkey_client::Network;

const NETWORK: &str = "network.json";

/// The network met first, if any.
///
/// # Errors
/// [`StoreError`].
pub fn known_network(folder: &Path) -> Result<Option<Network>, StoreError> {
    match std::fs::read(folder.join(NETWORK)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Remembers the network: from now on another gateway key, contract or chain is refused.
///
/// # Errors
/// [`StoreError`].
pub fn remember_network(folder: &Path, network: &Network) -> Result<(), StoreError> {
    write_private(&folder.join(NETWORK), &serde_json::to_vec_pretty(network)?)
}

/// Writes beside, syncs, renames: the file is whole or absent, and its owner's alone.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let beside = path.with_extension(format!("new{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(std::fs::rename(&beside, path)?)
}
