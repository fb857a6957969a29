//! The contract's state in memory, fed by events: what the fast path of the permission rule looks at.

use crate::error::ChainError;
use crate::event::{Event, Logged};
use crate::ledger::Chain;
use crate::view::{Agreement, CheckpointState, Device, GrantState, Institution, Standing};
use std::collections::{HashMap, HashSet};
use wardkey_core::id::{Commitment, DeviceId, GatewayId, InstitutionId};
use wardkey_core::key::{PublicKey, sha256};
use wardkey_core::permission::{ChainView, DeviceState, GrantStatus, InstitutionStatus};

/// State as of a block. Events are applied in the chain's order; one that was applied before changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    block: u64,
    index: u32,
    time: u64,
    institutions: HashMap<InstitutionId, Institution>,
    agreements: HashMap<(InstitutionId, u32), PublicKey>,
    devices: HashMap<DeviceId, Device>,
    /// By [`name`]: block of the grant or revocation times two, plus one if revoked.
    grants: HashMap<[u8; 32], u64>,
    commitments: HashSet<Commitment>,
    gateways: HashSet<GatewayId>,
    checkpoint: Option<CheckpointState>,
}

impl Mirror {
    /// Reads a chain's whole history.
    ///
    /// # Errors
    /// [`ChainError`] when the chain cannot be read.
    pub fn load(chain: &dyn Chain) -> Result<Self, ChainError> {
        let mut mirror = Self::default();
        mirror.catch_up(chain)?;
        Ok(mirror)
    }

    /// Applies what the chain has more than this mirror; returns it, oldest first.
    ///
    /// # Errors
    /// [`ChainError`] when the chain cannot be read.
    pub fn catch_up(&mut self, chain: &dyn Chain) -> Result<Vec<Logged>, ChainError> {
        let new = chain.events_since(self.block)?;
        new.iter().for_each(|logged| self.apply(logged));
        Ok(new)
    }

    /// Applies one event.
    pub fn apply(&mut self, logged: &Logged) {
        if (logged.block, logged.index) <= (self.block, self.index) {
            return;
        }
        (self.block, self.index, self.time) = (logged.block, logged.index, logged.time);
        match &logged.event {
            Event::GatewaySet {
                gateway, active: true, ..
            } => {
                self.gateways.insert(*gateway);
            }
            Event::GatewaySet {
                gateway, active: false, ..
            } => {
                self.gateways.remove(gateway);
            }
            Event::Granted { commitment, key } => self.count_grant(commitment.0, key.bytes(), logged.block, false),
            Event::Revoked { commitment, key } => self.count_grant(commitment.0, key.bytes(), logged.block, true),
            Event::CheckpointSet { size, root } => {
                if self.checkpoint.is_none_or(|known| known.size < *size) {
                    self.checkpoint = Some(CheckpointState {
                        size: *size,
                        root: *root,
                        block: logged.block,
                        time: logged.time,
                    });
                }
            }
            Event::DeviceApproved { .. }
            | Event::DeviceRevoked { .. }
            | Event::SuspensionSet { .. }
            | Event::DeviceBarred { .. } => self.apply_device(&logged.event),
            _ => self.apply_institution(logged),
        }
    }

    fn apply_institution(&mut self, logged: &Logged) {
        match &logged.event {
            Event::InstitutionRegistered {
                institution,
                name,
                country,
                master,
                agreement,
            } => {
                self.agreements.insert((*institution, 1), *agreement);
                self.institutions.entry(*institution).or_insert_with(|| Institution {
                    id: *institution,
                    name: name.clone(),
                    country: country.clone(),
                    status: Standing::Registered,
                    masters: vec![master.key],
                    threshold: 1,
                    masters_version: 1,
                    agreement: Agreement {
                        epoch: 1,
                        key: *agreement,
                    },
                    nonce: 0,
                    block: logged.block,
                });
            }
            Event::AccreditationSet {
                institution,
                accredited,
            } => {
                if let Some(known) = self.institutions.get_mut(institution) {
                    known.status = if *accredited {
                        Standing::Accredited
                    } else {
                        Standing::Suspended
                    };
                }
            }
            Event::AgreementRotated {
                institution,
                epoch,
                agreement,
            } => {
                self.agreements.insert((*institution, *epoch), *agreement);
                if let Some(known) = self.institutions.get_mut(institution) {
                    known.nonce += 1;
                    known.agreement = Agreement {
                        epoch: *epoch,
                        key: *agreement,
                    };
                }
            }
            Event::MastersSet {
                institution,
                version,
                masters,
            } => {
                if let Some(known) = self.institutions.get_mut(institution) {
                    known.nonce += 1;
                    known.masters = masters.keys().iter().map(|k| k.key).collect();
                    (known.threshold, known.masters_version) = (masters.threshold(), *version);
                }
            }
            _ => {}
        }
    }

    fn apply_device(&mut self, event: &Event) {
        match event {
            Event::DeviceApproved {
                institution,
                device,
                key,
                rights,
                not_after,
                certificate,
            } => {
                let approved = Device {
                    id: *device,
                    key: *key,
                    institution: *institution,
                    rights: *rights,
                    not_after: *not_after,
                    revoked: false,
                    suspended: self.devices.get(device).is_some_and(|d| d.suspended),
                    nonce: self.devices.get(device).map_or(0, |d| d.nonce) + 1,
                    certificate: *certificate,
                };
                self.devices.insert(*device, approved);
            }
            Event::SuspensionSet { device, suspended, .. } => {
                if let Some(known) = self.devices.get_mut(device) {
                    known.suspended = *suspended;
                    known.nonce += 1;
                }
            }
            Event::DeviceRevoked { device, .. } => {
                if let Some(known) = self.devices.get_mut(device) {
                    known.revoked = true;
                }
            }
            _ => {}
        }
    }

    /// Applies a grant or revocation, at this block, place in it and time, whose key was judged before.
    pub(crate) fn apply_grant(&mut self, at: (u64, u32, u64), commitment: [u8; 32], key: &[u8; 65], revoked: bool) {
        if (at.0, at.1) <= (self.block, self.index) {
            return;
        }
        (self.block, self.index, self.time) = at;
        self.count_grant(commitment, key, at.0, revoked);
    }

    fn count_grant(&mut self, commitment: [u8; 32], key: &[u8; 65], block: u64, revoked: bool) {
        self.commitments.insert(Commitment(commitment));
        // A repeated grant keeps its first block; a revoked one cannot be granted again.
        let state = self.grants.entry(name_of(&commitment, key)).or_insert(block << 1);
        if revoked && *state & 1 == 0 {
            *state = block << 1 | 1;
        }
    }

    /// One of the institutions.
    pub(crate) fn any_institution(&self, random: u64) -> Option<&Institution> {
        pick(self.institutions.values(), random)
    }

    /// One of the devices.
    pub(crate) fn any_device(&self, random: u64) -> Option<&Device> {
        pick(self.devices.values(), random)
    }

    /// One of the active gateways.
    pub(crate) fn any_gateway(&self, random: u64) -> Option<&GatewayId> {
        pick(self.gateways.iter(), random)
    }

    /// Number of the last block applied.
    #[must_use]
    pub const fn block(&self) -> u64 {
        self.block
    }

    /// Time of the last block applied, seconds since 1970.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// An institution.
    #[must_use]
    pub fn institution_state(&self, id: &InstitutionId) -> Option<&Institution> {
        self.institutions.get(id)
    }

    /// The agreement key of one of an institution's epochs.
    #[must_use]
    pub fn agreement_at(&self, institution: &InstitutionId, epoch: u32) -> Option<PublicKey> {
        self.agreements.get(&(*institution, epoch)).copied()
    }

    /// A device.
    #[must_use]
    pub fn device_state(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// An institution's devices, in no order.
    pub fn devices_of(&self, institution: InstitutionId) -> impl Iterator<Item = &Device> {
        self.devices
            .values()
            .filter(move |device| device.institution == institution)
    }

    /// Whether any key has granted or revoked under a commitment.
    #[must_use]
    pub fn knows(&self, commitment: &Commitment) -> bool {
        self.commitments.contains(commitment)
    }

    /// A grant's status and block.
    #[must_use]
    pub fn grant_state(&self, commitment: &Commitment, key: &PublicKey) -> GrantState {
        self.grant_named(&name(commitment, key))
    }

    /// The same by its short name.
    pub(crate) fn grant_named(&self, name: &[u8; 32]) -> GrantState {
        match self.grants.get(name) {
            None => GrantState {
                status: GrantStatus::Unknown,
                since: 0,
            },
            Some(state) => GrantState {
                status: if state & 1 == 1 {
                    GrantStatus::Revoked
                } else {
                    GrantStatus::Live
                },
                since: state >> 1,
            },
        }
    }

    /// Whether a key is an active gateway's.
    #[must_use]
    pub fn is_gateway(&self, id: &GatewayId) -> bool {
        self.gateways.contains(id)
    }

    /// The newest checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<CheckpointState> {
        self.checkpoint
    }
}

/// A grant's short name: SHA-256 over commitment and one-time key. A third of their room, a million times.
pub fn name(commitment: &Commitment, key: &PublicKey) -> [u8; 32] {
    name_of(&commitment.0, key.bytes())
}

/// The same over plain bytes.
pub fn name_of(commitment: &[u8; 32], key: &[u8; 65]) -> [u8; 32] {
    sha256(&[commitment, key])
}

fn pick<T>(mut all: impl ExactSizeIterator<Item = T>, random: u64) -> Option<T> {
    let count = (all.len() as u64).max(1);
    all.nth(usize::try_from(random % count).unwrap_or(0))
}

impl ChainView for Mirror {
    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> GrantStatus {
        self.grant_state(commitment, key).status
    }

    fn institution(&self, id: &InstitutionId) -> InstitutionStatus {
        self.institutions
            .get(id)
            .map_or(InstitutionStatus::Unknown, |known| known.status.into())
    }

    fn device(&self, id: &DeviceId) -> Option<DeviceState> {
        self.devices.get(id).map(Device::state)
    }
}
