//! An institution's master keys: an ordered list of one to five, and how many of them must sign (protocol §2).

use crate::key::{PublicKey, Signature};
use crate::typed::structs;

/// Most master keys of one institution.
pub const MOST: usize = 5;
/// Bytes of one key in `SetMasters.keys`: `X‖Y‖wrapX‖wrapY`.
const ENTRY: usize = 128;

/// A master key, and the agreement key of the card or HSM that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasterKey {
    /// Signs.
    pub key: PublicKey,
    /// To this the institution's agreement key is sealed.
    pub wrap: PublicKey,
}

/// One version of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters {
    keys: Vec<MasterKey>,
    threshold: u8,
}

/// Why a list is none that the contract takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMasters {
    /// Empty, longer than five, not of whole keys, or a key twice.
    #[error("a list of master keys has one to five different keys")]
    List,
    /// Not 1 for one key, or not less than the number of keys.
    #[error("the number of signatures must be 1 for one master key, and less than the number of keys otherwise")]
    Threshold,
    /// No point of P-256.
    #[error("a master key is no P-256 key")]
    Key,
}

/// Why signatures are not the masters'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Fewer or more than are needed.
    #[error("{given} signatures were given, {needed} are needed")]
    Count {
        /// So many are needed.
        needed: usize,
        /// So many were given.
        given: usize,
    },
    /// One is by none of the keys, by the same key as another, or out of order.
    #[error("a signature is not a master key's, or not in the list's order")]
    Signature,
}

impl Masters {
    /// A list with its threshold.
    ///
    /// # Errors
    /// [`NotMasters`].
    pub fn new(keys: Vec<MasterKey>, threshold: u8) -> Result<Self, NotMasters> {
        let twice = |(place, key): (usize, &MasterKey)| keys[..place].iter().any(|k| k.key.x() == key.key.x());
        if keys.is_empty() || keys.len() > MOST || keys.iter().enumerate().any(twice) {
            return Err(NotMasters::List);
        }
        let most = if keys.len() == 1 { 1 } else { keys.len() - 1 };
        if threshold == 0 || usize::from(threshold) > most {
            return Err(NotMasters::Threshold);
        }
        Ok(Self { keys, threshold })
    }

    /// The list of a SetMasters.
    ///
    /// # Errors
    /// [`NotMasters`].
    pub fn of_change(m: &structs::SetMasters) -> Result<Self, NotMasters> {
        Self::from_bytes(&m.keys, m.threshold)
    }

    /// From [`Masters::bytes`] and a threshold.
    ///
    /// # Errors
    /// [`NotMasters`].
    pub fn from_bytes(bytes: &[u8], threshold: u8) -> Result<Self, NotMasters> {
        if !bytes.len().is_multiple_of(ENTRY) || bytes.len() > MOST * ENTRY {
            return Err(NotMasters::List);
        }
        let point = |bytes: &[u8]| PublicKey::from_sec1(&[&[4], bytes].concat()).map_err(|_| NotMasters::Key);
        let entry = |bytes: &[u8]| {
            let (key, wrap) = bytes.split_at(ENTRY / 2);
            Ok(MasterKey {
                key: point(key)?,
                wrap: point(wrap)?,
            })
        };
        let keys = bytes.chunks_exact(ENTRY).map(entry).collect::<Result<_, _>>()?;
        Self::new(keys, threshold)
    }

    /// The list at registration: one key.
    ///
    /// # Errors
    /// [`NotMasters::Key`].
    pub fn of_registration(m: &structs::RegisterInstitution) -> Result<Self, NotMasters> {
        let point = |x: &[u8; 32], y: &[u8; 32]| PublicKey::from_xy(x, y).map_err(|_| NotMasters::Key);
        let only = MasterKey {
            key: point(&m.masterX.0, &m.masterY.0)?,
            wrap: point(&m.wrapX.0, &m.wrapY.0)?,
        };
        Self::new(vec![only], 1)
    }

    /// `SetMasters.keys`.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let entry = |k: &MasterKey| [&k.key.bytes()[1..], &k.wrap.bytes()[1..]].concat();
        self.keys.iter().flat_map(entry).collect()
    }

    /// The keys in their order.
    #[must_use]
    pub fn keys(&self) -> &[MasterKey] {
        &self.keys
    }

    /// How many must sign.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The entry of a key.
    #[must_use]
    pub fn find(&self, key: &PublicKey) -> Option<&MasterKey> {
        self.keys.iter().find(|k| k.key == *key)
    }

    /// The keys of this list that are not among the `current` ones: each must sign the change.
    #[must_use]
    pub fn new_to(&self, current: &[PublicKey]) -> Vec<PublicKey> {
        let new = self.keys.iter().map(|k| k.key);
        new.filter(|key| !current.contains(key)).collect()
    }

    /// Checks that `needed` signatures are there, each by a later key of the list than the one before.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn must_sign(
        &self,
        needed: u8,
        signatures: &[Signature],
        verifies: impl Fn(&PublicKey, &Signature) -> bool,
    ) -> Result<(), NotSigned> {
        must_sign_in_turn(self.keys.iter().map(|k| &k.key), needed, signatures, verifies)
    }

    /// Checks the signatures of a change from this list to `new`: the threshold's, then every new key's.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn must_sign_change(
        &self,
        new: &Self,
        signatures: &[Signature],
        verifies: impl Fn(&PublicKey, &Signature) -> bool,
    ) -> Result<(), NotSigned> {
        let current: Vec<_> = self.keys.iter().map(|k| k.key).collect();
        must_sign_change(&current, self.threshold, new, signatures, verifies)
    }
}

/// Checks that `needed` signatures are there, each by a later one of the keys than the one before: so none counts twice.
///
/// # Errors
/// [`NotSigned`].
pub fn must_sign_in_turn<'a>(
    keys: impl IntoIterator<Item = &'a PublicKey>,
    needed: u8,
    signatures: &[Signature],
    verifies: impl Fn(&PublicKey, &Signature) -> bool,
) -> Result<(), NotSigned> {
    let (needed, given) = (usize::from(needed), signatures.len());
    if given != needed {
        return Err(NotSigned::Count { needed, given });
    }
    let mut later = keys.into_iter();
    let mut in_turn = |signature: &Signature| later.any(|key| verifies(key, signature));
    if signatures.iter().all(&mut in_turn) {
        Ok(())
    } else {
        Err(NotSigned::Signature)
    }
}

/// Checks the signatures of a change from the `current` keys to a `new` list: the threshold's, then every new key's.
///
/// # Errors
/// [`NotSigned`].
pub fn must_sign_change(
    current: &[PublicKey],
    threshold: u8,
    new: &Masters,
    signatures: &[Signature],
    verifies: impl Fn(&PublicKey, &Signature) -> bool,
) -> Result<(), NotSigned> {
    let added = new.new_to(current);
    let own = usize::from(threshold);
    let (needed, given) = (own + added.len(), signatures.len());
    if given != needed {
        return Err(NotSigned::Count { needed, given });
    }
    let (by_old, by_new) = signatures.split_at(own);
    must_sign_in_turn(current, threshold, by_old, &verifies)?;
    if added
        .iter()
        .zip(by_new)
        .all(|(key, signature)| verifies(key, signature))
    {
        Ok(())
    } else {
        Err(NotSigned::Signature)
    }
}
