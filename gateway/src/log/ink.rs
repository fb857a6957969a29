//! What cards did, written for their institutions (`wardkey_core::uses`): one key for a day, in memory only.

use crate::error::{Problem, Refusal};
use crate::random;
use crate::state::Gateway;
use crate::store::SealedInk;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wardkey_core::hpke::{SealError, seal};
use wardkey_core::id::{DeviceId, InstitutionId};
use wardkey_core::uses::{TAG, Use, UseKey, ink_aad, ink_context};
use zeroize::Zeroizing;

/// How long one key is used, seconds.
pub const INK_LASTS: u64 = 24 * 3600;

/// The key of one institution's lines.
#[derive(Debug)]
pub struct Ink {
    id: [u8; TAG],
    epoch: u32,
    made: u64,
    key: UseKey,
    next: AtomicU64,
}

/// An ink for one card.
#[derive(Clone, Debug)]
pub struct Pen {
    ink: Arc<Ink>,
    /// Under which the card's lines are found.
    pub tag: [u8; TAG],
}

impl Pen {
    /// The ink's id.
    #[must_use]
    pub fn ink(&self) -> [u8; TAG] {
        self.ink.id
    }

    /// Seals a line; gives its number.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn write(&self, line: &Use) -> Result<(u64, Vec<u8>), SealError> {
        let number = self.ink.next.fetch_add(1, Ordering::Relaxed);
        Ok((number, self.ink.key.seal(number, &self.tag, line)?))
    }
}

impl Gateway {
    /// What a card of an institution is to be noted with. Blocks when a new ink is due.
    ///
    /// # Errors
    /// The institution is not known, or the store cannot keep the ink.
    pub fn pen(&self, institution: &InstitutionId, device: &DeviceId) -> Result<Pen, Problem> {
        let agreement = self
            .ledger
            .view()
            .institution_state(institution)
            .map(|known| known.agreement)
            .ok_or(Refusal::InstitutionNotFound)?;
        let now = self.clock.now();
        let known = self.inks.get(institution);
        let ink = match known.filter(|ink| ink.epoch == agreement.epoch && now < ink.made + INK_LASTS) {
            Some(ink) => ink,
            None => self.new_ink(institution, agreement, now)?,
        };
        let tag = ink.key.tag(device);
        Ok(Pen { ink, tag })
    }

    fn new_ink(
        &self,
        institution: &InstitutionId,
        agreement: wardkey_chain::Agreement,
        made: u64,
    ) -> Result<Arc<Ink>, Problem> {
        let (id, key) = (random::bytes()?, Zeroizing::new(random::bytes()?));
        let aad = ink_aad(institution, agreement.epoch, &id);
        let context = ink_context(self.domain(), &aad);
        let sealed = seal(&agreement.key, &context, key.as_slice()).map_err(|_| Refusal::Internal)?;
        let epoch = agreement.epoch;
        self.store.put_ink(
            institution,
            &SealedInk {
                id,
                epoch,
                made,
                sealed,
            },
        )?;
        let ink = Ink {
            id,
            epoch,
            made,
            key: UseKey::new(key),
            next: AtomicU64::new(0),
        };
        Ok(self.inks.put(*institution, ink))
    }
}
