//! A move of the institution's agreement key that was prepared and not finished. Everything in it is sealed or public.

use super::{Store, StoreError};
use serde::{Deserialize, Serialize};
use wardkey_client::WrapView;
use wardkey_core::epoch::OlderKey;
use wardkey_core::id::{InstitutionId, KeyId};
use wardkey_core::key::PublicKey;

/// What a move sends, made durable before the first of it is sent: so that an epoch has one key, whatever happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedMove {
    /// The next epoch.
    pub epoch: u32,
    /// Its public key.
    pub key: PublicKey,
    /// The current epoch's private key, sealed to it.
    pub older: OlderKey,
    /// The gateway has that.
    pub older_sent: bool,
    /// Its private key, sealed to each card and each master.
    pub wraps: Vec<PreparedWrap>,
}

/// One wrap of a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedWrap {
    /// For which 9D key.
    pub recipient: KeyId,
    /// The sealed key.
    pub wrap: WrapView,
    /// The gateway has it.
    pub sent: bool,
}

impl PreparedMove {
    /// The wrap for a 9D key.
    #[must_use]
    pub fn wrap_for(&self, recipient: &KeyId) -> Option<&WrapView> {
        self.wraps.iter().find(|w| w.recipient == *recipient).map(|w| &w.wrap)
    }
}

impl Store {
    /// Keeps a prepared move, or what became of it. Durable before it returns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_move(&self, institution: &InstitutionId, prepared: &PreparedMove) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(prepared)?;
        self.room(bytes.len())?;
        self.moves.insert(institution.bytes(), bytes)?;
        self.flush()
    }

    /// The move that was prepared and not finished.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept_move(&self, institution: &InstitutionId) -> Result<Option<PreparedMove>, StoreError> {
        let kept = self.moves.get(institution.bytes())?;
        Ok(kept.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// Forgets a move that is finished, or that the chain did not take.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_move(&self, institution: &InstitutionId) -> Result<(), StoreError> {
        self.moves.remove(institution.bytes())?;
        self.flush()
    }
}
