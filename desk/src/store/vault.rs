//! A clinician's own key for what is kept on this terminal: an HPKE key pair whose private half is sealed to the card's 9D key.
//!
//! Sealing needs the public half only, so the last words typed are still kept when the card was pulled a moment ago and every
//! secret is wiped. Opening needs card and PIN.

use super::{Store, StoreError};
use serde::{Deserialize, Serialize};
use wardkey_core::hpke::{Context, SealError, Sealed, open, open_agreed, seal};
use wardkey_core::id::DeviceId;
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::typed::Domain;
use zeroize::Zeroizing;

const KEY_LABEL: &str = "wardkey/vault/1";
const VALUE_LABEL: &str = "wardkey/kept/1";

/// The public half: seals.
#[derive(Clone, Copy, Debug)]
pub struct Vault {
    /// Whose.
    pub device: DeviceId,
    public: PublicKey,
    domain: Domain,
}

/// The private half: opens. Lives while its owner is signed in.
#[derive(Debug)]
pub struct VaultKey {
    vault: Vault,
    key: SoftKey,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    public: PublicKey,
    key: Sealed,
}

impl Vault {
    /// Seals a value for its place.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, place: &[u8], value: &[u8]) -> Result<Sealed, SealError> {
        let aad = aad(&self.device, place);
        seal(
            &self.public,
            &Context {
                label: VALUE_LABEL,
                domain: &self.domain,
                aad: &aad,
            },
            value,
        )
    }
}

impl VaultKey {
    /// The public half.
    #[must_use]
    pub const fn vault(&self) -> Vault {
        self.vault
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, place: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let aad = aad(&self.vault.device, place);
        open(
            &self.key,
            &Context {
                label: VALUE_LABEL,
                domain: &self.vault.domain,
                aad: &aad,
            },
            sealed,
        )
    }
}

fn aad(device: &DeviceId, place: &[u8]) -> Vec<u8> {
    [device.bytes().as_slice(), place].concat()
}

impl Store {
    /// The point that the card's 9D key must agree with to open this clinician's vault; `None` if there is none yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn vault_peer(&self, device: &DeviceId) -> Result<Option<PublicKey>, StoreError> {
        let Some(stored) = self.vaults.get(device.bytes())? else {
            return Ok(None);
        };
        let stored: Stored = serde_json::from_slice(&stored)?;
        Ok(Some(
            PublicKey::from_sec1(&stored.key.enc).map_err(|_| StoreError::Unreadable)?,
        ))
    }

    /// Opens the vault with what the card agreed on.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it is not this card's.
    pub fn open_vault(
        &self,
        domain: &Domain,
        device: &DeviceId,
        agreement: &PublicKey,
        shared: &[u8; 32],
    ) -> Result<VaultKey, StoreError> {
        let stored = self.vaults.get(device.bytes())?.ok_or(StoreError::Unreadable)?;
        let stored: Stored = serde_json::from_slice(&stored)?;
        let context = Context {
            label: KEY_LABEL,
            domain,
            aad: device.bytes(),
        };
        let bytes = open_agreed(agreement, shared, &context, &stored.key).map_err(|_| StoreError::Unreadable)?;
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| StoreError::Unreadable)?;
        let key = SoftKey::from_bytes(bytes).map_err(|_| StoreError::Unreadable)?;
        if key.public() != stored.public {
            return Err(StoreError::Unreadable);
        }
        Ok(VaultKey {
            vault: Vault {
                device: *device,
                public: stored.public,
                domain: *domain,
            },
            key,
        })
    }

    /// Makes a vault for a clinician new to this terminal, sealed to the card's 9D key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn new_vault(&self, domain: &Domain, device: &DeviceId, agreement: &PublicKey) -> Result<VaultKey, StoreError> {
        self.room(0)?;
        let broken = |_| StoreError::Broken {
            detail: "no randomness".to_owned(),
        };
        let key = SoftKey::generate().map_err(broken)?;
        let context = Context {
            label: KEY_LABEL,
            domain,
            aad: device.bytes(),
        };
        let sealed = seal(agreement, &context, key.to_bytes().as_slice()).map_err(|_| StoreError::Broken {
            detail: "sealing".to_owned(),
        })?;
        self.vaults.insert(
            device.bytes(),
            serde_json::to_vec(&Stored {
                public: key.public(),
                key: sealed,
            })?,
        )?;
        self.flush()?;
        Ok(VaultKey {
            vault: Vault {
                device: *device,
                public: key.public(),
                domain: *domain,
            },
            key,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn only_the_card_that_it_was_made_for_opens_a_vault() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 0).unwrap();
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        let (card, other) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        let device = DeviceId([7; 32]);
        assert_eq!(store.vault_peer(&device).unwrap(), None);
        let made = store.new_vault(&domain, &device, &card.public()).unwrap();
        let sealed = made.vault().seal(b"place", b"half-typed").unwrap();
        drop(made);
        let peer = store.vault_peer(&device).unwrap().unwrap();
        let opened = store
            .open_vault(&domain, &device, &card.public(), &card.agree(&peer).unwrap())
            .unwrap();
        assert_eq!(opened.open(b"place", &sealed).unwrap().as_slice(), b"half-typed");
        assert!(opened.open(b"other", &sealed).is_err());
        let wrong = store.open_vault(&domain, &device, &other.public(), &other.agree(&peer).unwrap());
        assert_eq!(wrong.err(), Some(StoreError::Unreadable));
    }
}
