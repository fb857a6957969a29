//! IT's secret at rest: sealed to the 9D key of every IT card (protocol §10), never in clear.
//!
//! HPKE's base mode tells nothing about who sealed. So each entry also has a signature by that card's own 9A key over the secret's
//! digest: a secret that somebody else sealed to the card is not taken for IT's.

use super::StoreError;
use super::known::write_private;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::Path;
use wardkey_core::hpke::{Context, SealError, Sealed, open_agreed, seal};
use wardkey_core::key::{PublicKey, Signature, sha256};
use wardkey_core::typed::Domain;
use zeroize::Zeroizing;

const FILE: &str = "it-secret.json";
/// Where earlier versions kept it in clear.
const OLD: &str = "it-secret";
const LABEL: &str = "wardkey/it-secret/1";
const LOG: &str = "it-log.jsonl";
const VERSION: u32 = 1;
/// The secret is the institution's and outlives every deployment, so it is bound to none.
const NO_DOMAIN: Domain = Domain {
    chain_id: 0,
    contract: [0; 20],
    salt: [0; 32],
};

/// 32 random bytes from which PUK and management key of every card are derived.
pub type ItSecret = Zeroizing<[u8; 32]>;

/// The secret sealed to one IT card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItCard {
    /// Serial number.
    pub card: String,
    /// Its 9D key.
    pub key: PublicKey,
    /// The secret, sealed to it.
    #[serde(flatten)]
    pub sealed: Sealed,
    /// By the card's 9A key over the [`digest`]; missing until the card's PIN was typed for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Whole {
    version: u32,
    cards: Vec<ItCard>,
}

impl ItCard {
    /// Seals the secret to a card.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(secret: &ItSecret, card: &str, key: &PublicKey) -> Result<Self, SealError> {
        let id = key.id();
        let context = Context {
            label: LABEL,
            domain: &NO_DOMAIN,
            aad: id.bytes(),
        };
        Ok(Self {
            card: card.to_owned(),
            key: *key,
            sealed: seal(key, &context, secret.as_slice())?,
            proof: None,
        })
    }

    /// The point that the card's 9D key agrees with.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub fn peer(&self) -> Result<PublicKey, StoreError> {
        PublicKey::from_sec1(&self.sealed.enc).map_err(|_| StoreError::Unreadable)
    }

    /// The secret, with what the card agreed on.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, shared: &[u8; 32]) -> Result<ItSecret, SealError> {
        let id = self.key.id();
        let context = Context {
            label: LABEL,
            domain: &NO_DOMAIN,
            aad: id.bytes(),
        };
        let plain = open_agreed(&self.key, shared, &context, &self.sealed)?;
        let mut secret = Zeroizing::new([0; 32]);
        if plain.len() != secret.len() {
            return Err(SealError::CannotOpen);
        }
        secret.copy_from_slice(&plain);
        Ok(secret)
    }
}

/// What an IT card signs: SHA-256(label ‖ 0 ‖ secret). It tells nothing of the secret.
#[must_use]
pub fn digest(secret: &ItSecret) -> [u8; 32] {
    sha256(&[LABEL.as_bytes(), &[0], secret.as_slice()])
}

/// Whether the card with this 9A key signed that the secret is IT's.
#[must_use]
pub fn is_proved(secret: &ItSecret, authentication: &PublicKey, proof: &Signature) -> bool {
    let message = Zeroizing::new([LABEL.as_bytes(), &[0], secret.as_slice()].concat());
    authentication.verify(&message, proof).is_ok()
}

/// A new secret.
///
/// # Errors
/// [`StoreError::Broken`] if the system gives no randomness.
pub fn new_secret() -> Result<ItSecret, StoreError> {
    let mut secret = Zeroizing::new([0; 32]);
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, secret.as_mut()).map_err(|_| StoreError::Broken {
        detail: "no randomness".to_owned(),
    })?;
    Ok(secret)
}

/// The IT cards of this data folder; none before the first was set up.
///
/// # Errors
/// [`StoreError`].
pub fn it_cards(folder: &Path) -> Result<Vec<ItCard>, StoreError> {
    match std::fs::read(folder.join(FILE)) {
        Ok(bytes) => {
            let whole: Whole = serde_json::from_slice(&bytes)?;
            if whole.version == VERSION {
                Ok(whole.cards)
            } else {
                Err(StoreError::Unreadable)
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Keeps an IT card, in the place of an earlier entry with its key.
///
/// # Errors
/// [`StoreError`].
pub fn keep_it_card(folder: &Path, card: &ItCard) -> Result<(), StoreError> {
    let mut cards = it_cards(folder)?;
    cards.retain(|one| one.key != card.key);
    cards.push(card.clone());
    let whole = Whole {
        version: VERSION,
        cards,
    };
    write_private(&folder.join(FILE), &serde_json::to_vec_pretty(&whole)?)
}

/// The secret that an earlier version kept in clear.
///
/// # Errors
/// [`StoreError`].
pub fn clear_secret(folder: &Path) -> Result<Option<ItSecret>, StoreError> {
    match std::fs::read(folder.join(OLD)).map(Zeroizing::new) {
        Ok(bytes) => {
            let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| StoreError::Unreadable)?;
            Ok(Some(Zeroizing::new(*bytes)))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Removes the clear file, overwritten first. A disk that moves blocks about may keep old ones all the same.
///
/// # Errors
/// [`StoreError`].
pub fn remove_clear_secret(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(OLD);
    let mut file = match std::fs::OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    file.write_all(&[0; 32])?;
    file.sync_all()?;
    drop(file);
    Ok(std::fs::remove_file(path)?)
}

/// One line of the log of what IT did with the secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItLine {
    /// Seconds since 1970.
    pub time: u64,
    /// `unblocked`, or `unblocked-from-afar`.
    pub what: String,
    /// Serial number of the card that it was done to.
    pub card: String,
    /// Serial number of the IT card that had opened the secret.
    pub it_card: String,
}

/// Appends a line to `it-log.jsonl`, on the disk before it returns.
///
/// # Errors
/// [`StoreError`].
pub fn log_it(folder: &Path, line: &ItLine) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(folder.join(LOG))?;
    file.write_all(format!("{}\n", serde_json::to_string(line)?).as_bytes())?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::key::SoftKey;

    #[test]
    fn each_it_card_opens_the_same_secret_and_no_other_key_does() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        let secret = new_secret().unwrap();
        for (name, key) in [("1", &first), ("2", &second), ("1", &first)] {
            keep_it_card(folder.path(), &ItCard::seal(&secret, name, &key.public()).unwrap()).unwrap();
        }
        let cards = it_cards(folder.path()).unwrap();
        assert_eq!(
            cards.iter().map(|card| card.card.as_str()).collect::<Vec<_>>(),
            ["2", "1"]
        );
        for (card, key) in cards.iter().zip([&second, &first]) {
            let shared = key.agree(&card.peer().unwrap()).unwrap();
            assert_eq!(card.open(&shared).unwrap(), secret);
            let other = SoftKey::generate().unwrap().agree(&card.peer().unwrap()).unwrap();
            assert_eq!(card.open(&other), Err(SealError::CannotOpen));
        }
        let file = std::fs::read(folder.path().join(FILE)).unwrap();
        assert!(!file.windows(32).any(|bytes| bytes == secret.as_slice()));
    }

    #[test]
    fn a_clear_file_is_read_once_and_gone_after() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(clear_secret(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join(OLD), [7; 32]).unwrap();
        assert_eq!(*clear_secret(folder.path()).unwrap().unwrap(), [7; 32]);
        remove_clear_secret(folder.path()).unwrap();
        assert_eq!(clear_secret(folder.path()).unwrap(), None);
        remove_clear_secret(folder.path()).unwrap();
    }

    #[test]
    fn the_log_only_grows() {
        let folder = tempfile::tempdir().unwrap();
        for card in ["5", "6"] {
            let line = ItLine {
                time: 1,
                what: "unblocked".to_owned(),
                card: card.to_owned(),
                it_card: "9".to_owned(),
            };
            log_it(folder.path(), &line).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
        assert_eq!(
            text.lines().next(),
            Some(r#"{"time":1,"what":"unblocked","card":"5","itCard":"9"}"#)
        );
        assert_eq!(text.lines().count(), 2);
    }
}
