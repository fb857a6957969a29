//! What the gateway knows of the chain: in memory for the permission rule, and in a file, so that a restart reads nothing twice.
//!
//! What permits counts once its block is final; what takes away counts from the newest block (decision 20). So there are two
//! layers: [`Mirror`], made of final blocks, and an overlay of what the blocks above them take away.

mod file;
mod follow;
mod overlay;
mod sample;

pub use follow::Follower;

use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::ledger::{Block, Head};
use crate::mirror::{Mirror, name};
use crate::view::{CheckpointState, Device, GrantState, Institution};
use overlay::Overlay;
use wardkey_core::id::{Commitment, DeviceId, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::{ChainView, DeviceState, GrantStatus, InstitutionStatus};

/// The contract's state as it counts.
#[derive(Debug, Default)]
pub struct Projection {
    settled: Mirror,
    /// The newest final block that was taken over; `None` before the first.
    place: Option<Head>,
    overlay: Overlay,
    /// Blocks above `place`, each the parent of the next.
    recent: Vec<Block>,
}

impl Projection {
    /// The newest block that was taken over, final or not.
    #[must_use]
    pub fn newest(&self) -> Option<Head> {
        self.recent.last().map(|block| block.head).or(self.place)
    }

    /// The newest final block that was taken over.
    #[must_use]
    pub const fn place(&self) -> Option<Head> {
        self.place
    }

    /// An institution: its keys as of the newest block, accredited only if every block says so.
    #[must_use]
    pub fn institution_state(&self, id: &InstitutionId) -> Option<&Institution> {
        self.overlay
            .institutions
            .get(id)
            .or_else(|| self.settled.institution_state(id))
    }

    /// The agreement key of one of an institution's epochs.
    #[must_use]
    pub fn agreement_at(&self, institution: &InstitutionId, epoch: u32) -> Option<PublicKey> {
        let newer = self.overlay.agreements.get(&(*institution, epoch)).copied();
        newer.or_else(|| self.settled.agreement_at(institution, epoch))
    }

    /// A device, with the fewest rights and the earliest end that any block says.
    #[must_use]
    pub fn device_state(&self, id: &DeviceId) -> Option<&Device> {
        self.overlay.devices.get(id).or_else(|| self.settled.device_state(id))
    }

    /// An institution's devices, in no order.
    pub fn devices_of(&self, institution: InstitutionId) -> impl Iterator<Item = &Device> {
        let settled = self.settled.devices_of(institution);
        settled.map(|device| self.overlay.devices.get(&device.id).unwrap_or(device))
    }

    /// Whether any key has granted or revoked under a commitment, in any block.
    #[must_use]
    pub fn knows(&self, commitment: &Commitment) -> bool {
        self.settled.knows(commitment) || self.overlay.commitments.contains(commitment)
    }

    /// A grant's status and block.
    #[must_use]
    pub fn grant_state(&self, commitment: &Commitment, key: &PublicKey) -> GrantState {
        let revoked = (!self.overlay.revoked.is_empty())
            .then(|| self.overlay.revoked.get(&name(commitment, key)))
            .flatten();
        match revoked {
            Some(block) => GrantState {
                status: GrantStatus::Revoked,
                since: *block,
            },
            None => self.settled.grant_state(commitment, key),
        }
    }

    /// Whether a key is an active gateway's.
    #[must_use]
    pub fn is_gateway(&self, id: &GatewayId) -> bool {
        self.settled.is_gateway(id) && !self.overlay.gateways.contains(id)
    }

    /// The newest checkpoint, in any block.
    #[must_use]
    pub fn checkpoint(&self) -> Option<CheckpointState> {
        self.overlay.checkpoint.or_else(|| self.settled.checkpoint())
    }

    /// Takes over blocks that follow the newest one; gives what counts from now on.
    fn extend(&mut self, blocks: Vec<Block>) -> Result<Vec<Logged>, ChainError> {
        let mut news = Vec::new();
        for block in &blocks {
            news.extend(block.events()?.into_iter().filter(|logged| takes_away(&logged.event)));
        }
        self.recent.extend(blocks);
        Ok(news)
    }

    /// Makes the blocks up to `last` final; gives them and what counts from now on.
    fn settle(&mut self, last: u64) -> Result<(Vec<Block>, Vec<Logged>), ChainError> {
        let count = self.recent.iter().take_while(|block| block.head.number <= last).count();
        let blocks: Vec<Block> = self.recent.drain(..count).collect();
        let mut news = Vec::new();
        for block in &blocks {
            for logged in block.events()? {
                self.settled.apply(&logged);
                if !takes_away(&logged.event) {
                    news.push(logged);
                }
            }
            self.place = Some(block.head);
        }
        Ok((blocks, news))
    }

    fn cover(&mut self) -> Result<(), ChainError> {
        self.overlay = Overlay::of(&self.settled, &self.recent)?;
        Ok(())
    }
}

/// Whether an event only takes away, so that it counts before its block is final.
const fn takes_away(event: &Event) -> bool {
    matches!(
        event,
        Event::Revoked { .. }
            | Event::DeviceRevoked { .. }
            | Event::DeviceBarred { .. }
            | Event::SuspensionSet { suspended: true, .. }
            | Event::AccreditationSet { accredited: false, .. }
            | Event::GatewaySet { active: false, .. }
    )
}

impl ChainView for Projection {
    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> GrantStatus {
        self.grant_state(commitment, key).status
    }

    fn institution(&self, id: &InstitutionId) -> InstitutionStatus {
        self.institution_state(id)
            .map_or(InstitutionStatus::Unknown, |known| known.status.into())
    }

    fn device(&self, id: &DeviceId) -> Option<DeviceState> {
        self.device_state(id).map(Device::state)
    }
}
