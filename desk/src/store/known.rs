//! Small files beside the store: the gateway this terminal knows, and IT's secret.

use super::StoreError;
use crate::gateway::Network;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

const NETWORK: &str = "network.json";
const SECRET: &str = "it-secret";

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

/// The secret from which PUKs and management keys of this institution's cards are derived; made at first use.
///
/// # Errors
/// [`StoreError`].
pub fn it_secret(folder: &Path) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let path = folder.join(SECRET);
    match std::fs::read(&path).map(Zeroizing::new) {
        Ok(bytes) => Ok(Zeroizing::new(
            bytes.as_slice().try_into().map_err(|_| StoreError::Unreadable)?,
        )),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = Zeroizing::new([0; 32]);
            ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), secret.as_mut()).map_err(|_| {
                StoreError::Broken {
                    detail: "no randomness".to_owned(),
                }
            })?;
            write_private(&path, secret.as_slice())?;
            Ok(secret)
        }
        Err(e) => Err(e.into()),
    }
}

/// Writes beside, syncs, renames: the file is whole or absent, and its owner's alone.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_secret_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let first = it_secret(folder.path()).unwrap();
        assert_eq!(*it_secret(folder.path()).unwrap(), *first);
        let mode = std::fs::metadata(folder.path().join(SECRET))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
