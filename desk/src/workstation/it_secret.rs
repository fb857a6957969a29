//! IT's secret, from which PUK and management key of every card are derived.

use super::Workstation;
use crate::notice::Notice;
use crate::store;
use zeroize::Zeroizing;

impl Workstation {
    /// The secret.
    pub(super) fn it_secret(&self) -> Result<Zeroizing<[u8; 32]>, Notice> {
        Ok(store::it_secret(&self.settings.data)?)
    }
}
