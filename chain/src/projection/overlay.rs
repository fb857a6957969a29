//! What the blocks that are not yet final take away.

use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::ledger::Block;
use crate::mirror::{Mirror, name};
use crate::view::{Agreement, CheckpointState, Device, Institution, Standing};
use std::collections::{HashMap, HashSet};
use wardkey_core::id::{Commitment, DeviceId, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;

/// Made anew whenever the blocks change.
#[derive(Debug, Default)]
pub struct Overlay {
    pub institutions: HashMap<InstitutionId, Institution>,
    pub agreements: HashMap<(InstitutionId, u32), PublicKey>,
    pub devices: HashMap<DeviceId, Device>,
    /// By [`name`]: block of the revocation.
    pub revoked: HashMap<[u8; 32], u64>,
    pub commitments: HashSet<Commitment>,
    /// Gateways' keys that became inactive.
    pub gateways: HashSet<GatewayId>,
    pub checkpoint: Option<CheckpointState>,
}

impl Overlay {
    /// What `blocks` take away from what is settled. Institutions and devices that are not settled do not appear.
    pub fn of(settled: &Mirror, blocks: &[Block]) -> Result<Self, ChainError> {
        let mut overlay = Self::default();
        for block in blocks {
            for logged in block.events()? {
                overlay.apply(settled, &logged);
            }
        }
        Ok(overlay)
    }

    fn apply(&mut self, settled: &Mirror, logged: &Logged) {
        match &logged.event {
            Event::Granted { commitment, .. } => {
                self.commitments.insert(*commitment);
            }
            Event::Revoked { commitment, key } => {
                self.commitments.insert(*commitment);
                self.revoked.entry(name(commitment, key)).or_insert(logged.block);
            }
            Event::GatewaySet {
                gateway, active: false, ..
            } => {
                self.gateways.insert(*gateway);
            }
            Event::CheckpointSet { size, root } => {
                self.checkpoint = Some(CheckpointState {
                    size: *size,
                    root: *root,
                    block: logged.block,
                    time: logged.time,
                });
            }
            Event::DeviceApproved { device, .. }
            | Event::DeviceRevoked { device, .. }
            | Event::SuspensionSet { device, .. } => {
                if let Some(known) = self.device(settled, device) {
                    narrow(known, &logged.event);
                }
            }
            Event::AccreditationSet { institution, .. }
            | Event::AgreementRotated { institution, .. }
            | Event::MastersSet { institution, .. } => self.institution(settled, institution, &logged.event),
            _ => {}
        }
    }

    fn device(&mut self, settled: &Mirror, id: &DeviceId) -> Option<&mut Device> {
        let known = *settled.device_state(id)?;
        Some(self.devices.entry(*id).or_insert(known))
    }

    fn institution(&mut self, settled: &Mirror, id: &InstitutionId, event: &Event) {
        let Some(known) = settled.institution_state(id) else {
            return;
        };
        let known = self.institutions.entry(*id).or_insert_with(|| known.clone());
        match event {
            Event::AccreditationSet { accredited: false, .. } => known.status = Standing::Suspended,
            Event::AgreementRotated { epoch, agreement, .. } => {
                known.nonce += 1;
                known.agreement = Agreement {
                    epoch: *epoch,
                    key: *agreement,
                };
                self.agreements.insert((*id, *epoch), *agreement);
            }
            Event::MastersSet { version, masters, .. } => {
                known.nonce += 1;
                known.masters = masters.keys().iter().map(|k| k.key).collect();
                (known.threshold, known.masters_version) = (masters.threshold(), *version);
            }
            _ => {}
        }
    }
}

/// Takes over of an event about a device what takes away, and the count of its actions.
fn narrow(known: &mut Device, event: &Event) {
    match event {
        Event::DeviceApproved { rights, not_after, .. } => {
            known.rights &= *rights;
            known.not_after = known.not_after.min(*not_after);
            known.nonce += 1;
        }
        Event::SuspensionSet { suspended, .. } => {
            known.suspended |= *suspended;
            known.nonce += 1;
        }
        Event::DeviceRevoked { .. } => known.revoked = true,
        _ => {}
    }
}
