//! A key file as a [`KeyStore`].

use super::capabilities::capabilities;
use super::file::{Content, Place, TRIES};
use super::seal::{SealingKey, Three, random};
use super::verified::Verified;
use crate::store::{Capabilities, KeyStore, StoreFault, StoreInfo, StoreKind, Work};
use crate::{CardError, Pin, Slot, SlotInfo};
use std::path::PathBuf;
use wardkey_core::key::SoftKey;

/// A key file, whether it is there yet or not. Nothing of it stays in memory between two uses.
#[derive(Debug)]
pub struct SoftStore {
    place: Place,
}

impl SoftStore {
    /// The file at `path`. It is first looked at when something is asked.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { place: Place(path) }
    }

    /// Judges a PIN. The try is counted on the disk first, so that pulling the plug gives none back.
    fn judge(&self, pin: &Pin) -> Result<(Content, SealingKey, Three<SoftKey>), CardError> {
        let mut content = self.place.read()?;
        let left = content.left.checked_sub(1).ok_or(StoreFault::SoftLocked)?;
        content.left = left;
        self.place.write(&content)?;
        let key = SealingKey::derive(pin, &content.salt)?;
        let Some(keys) = key.open(&content)? else {
            return Err(match left {
                0 => StoreFault::SoftLocked.into(),
                tries_left => CardError::WrongPin { tries_left },
            });
        };
        content.left = TRIES;
        self.place.write(&content)?;
        Ok((content, key, keys))
    }
}

impl KeyStore for SoftStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Soft
    }

    fn capabilities(&mut self) -> Result<Capabilities, CardError> {
        Ok(capabilities())
    }

    fn info(&mut self) -> Result<StoreInfo, CardError> {
        let made = self.place.exists();
        let content = if made {
            self.place.read()?
        } else {
            Content::new([0; 16])
        };
        let slot = |(slot, public_key)| SlotInfo { slot, public_key };
        Ok(StoreInfo {
            made,
            serial: None,
            tries_left: Some(content.left),
            default_pin: false,
            keys: Slot::ALL.into_iter().zip(content.public).map(slot).collect(),
            capabilities: capabilities(),
        })
    }

    fn with_pin(&mut self, pin: &Pin, work: Work<'_>) -> Result<(), CardError> {
        // Before the lock's file is made beside a file that is not there.
        if !self.place.exists() {
            self.place.read()?;
        }
        let _turn = self.place.turn()?;
        let (content, key, keys) = self.judge(pin)?;
        work(&mut Verified::new(&self.place, content, key, keys))
    }

    fn create(&mut self, new: &Pin) -> Result<(), CardError> {
        new.must_be_choosable()?;
        let _turn = self.place.turn()?;
        if self.place.exists() {
            let path = self.place.0.display().to_string();
            return Err(StoreFault::SoftExists { path }.into());
        }
        let mut content = Content::new(random()?);
        SealingKey::derive(new, &content.salt)?.seal(&[None, None, None], &mut content)?;
        self.place.write(&content)
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        new.must_be_choosable()?;
        let _turn = self.place.turn()?;
        let (_, _, keys) = self.judge(old)?;
        let mut content = Content::new(random()?);
        SealingKey::derive(new, &content.salt)?.seal(&keys, &mut content)?;
        self.place.write(&content)
    }
}
