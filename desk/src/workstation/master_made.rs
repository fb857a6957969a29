//! The first day of a master key in an HSM or a key file: its keys are made there, by the PIN window.

use super::Workstation;
use super::master_key::{MasterKeys, store_job};
use crate::error::DeskError;
use crate::notice::Notice;
use wardkey_hsm::pinjob::{Operation, PinJobKind};
use wardkey_hsm::{KeyUri, Slot};

/// What a master key needs.
const NEEDED: [Slot; 2] = [Slot::Signature, Slot::KeyManagement];

impl Workstation {
    /// Makes the keys that are missing, and the key file itself under a PIN that its holder chooses. Goes on where it was broken
    /// off; with all keys there it changes nothing.
    pub(super) async fn make_master_in(&self, uri: KeyUri) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        if self.state().secrets.session.is_some() {
            return Err(DeskError::AlreadySigningIn.into());
        }
        let info = self.store_info(&uri).await?;
        let missing = NEEDED.into_iter().filter(|&slot| info.key(slot).is_none());
        let operations: Vec<_> = missing.map(|slot| Operation::Generate { slot }).collect();
        let mut keys = NEEDED.map(|slot| info.key(slot));
        if !operations.is_empty() {
            let asker = self.state().home_name.clone();
            let title = "Make the master key";
            let purpose = "Make the institution's master key";
            let mut job = store_job(&uri, &info, &asker, title, purpose, operations);
            if !info.made {
                job.kind = PinJobKind::Choose;
            }
            let mut answers = self.card.ask_pin(job).await?;
            for key in keys.iter_mut().filter(|key| key.is_none()) {
                *key = Some(answers.key()?);
            }
        }
        let [Some(signature), Some(agreement)] = keys else {
            return Err(DeskError::PinpadBroken.into());
        };
        self.show_unregistered(&MasterKeys { signature, agreement });
        Ok(())
    }
}
