//! What the contract keeps, in the domain's types and in the JSON of protocol §7.

use crate::abi;
use crate::error::ChainError;
use crate::event::key;
use serde::Serialize;
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::{DeviceState, GrantStatus, InstitutionStatus};

/// Where an institution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Registered, never accredited.
    Registered,
    /// May use grants.
    Accredited,
    /// No longer accredited, or refused.
    Suspended,
}

impl From<Standing> for InstitutionStatus {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Accredited => Self::Accredited,
            Standing::Registered | Standing::Suspended => Self::NotAccredited,
        }
    }
}

/// An institution's agreement key; epochs count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Epoch.
    pub epoch: u32,
    /// HPKE public key.
    pub key: PublicKey,
}

/// An institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Institution {
    /// Id of its first master key.
    pub id: InstitutionId,
    /// Name.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Where it stands.
    pub status: Standing,
    /// Master keys in their order.
    pub masters: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u8,
    /// Version of the list, from 1.
    pub masters_version: u32,
    /// Agreement key.
    pub agreement: Agreement,
    /// Nonce of its next RotateAgreement or SetMasters.
    pub nonce: u64,
    /// Block of its registration.
    pub block: u64,
}

impl Institution {
    pub(crate) fn from_view(id: InstitutionId, v: abi::InstitutionView) -> Result<Option<Self>, ChainError> {
        let status = match v.status {
            0 => return Ok(None),
            1 => Standing::Registered,
            2 => Standing::Accredited,
            _ => Standing::Suspended,
        };
        Ok(Some(Self {
            id,
            name: v.name,
            country: v.country,
            status,
            masters: v
                .keys
                .iter()
                .take(usize::from(v.count))
                .map(|k| key(k.x, k.y))
                .collect::<Result<_, _>>()?,
            threshold: v.threshold,
            masters_version: v.masters,
            agreement: Agreement {
                epoch: v.epoch,
                key: key(v.agreementX, v.agreementY)?,
            },
            nonce: v.nonce,
            block: v.registered,
        }))
    }
}

/// Whether a device may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceStatus {
    /// It may.
    Active,
    /// Revoked for good.
    Revoked,
    /// Suspended by its institution.
    Suspended,
    /// Its approval has ended.
    Expired,
}

/// An approved device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Id of its 9A key.
    pub id: DeviceId,
    /// Its 9A key.
    pub key: PublicKey,
    /// Institution that approved it.
    pub institution: InstitutionId,
    /// Bit 0 read, bit 1 write.
    pub rights: u8,
    /// First second at which it is no longer active.
    pub not_after: u64,
    /// True once revoked.
    pub revoked: bool,
    /// True while suspended.
    pub suspended: bool,
    /// Nonce of its next approval or suspension.
    pub nonce: u32,
    /// Digest (hashStruct) of its certificate.
    pub certificate: Digest,
}

impl Device {
    /// Whether it may act at `now`, seconds since 1970.
    #[must_use]
    pub const fn status(&self, now: u64) -> DeviceStatus {
        if self.revoked {
            DeviceStatus::Revoked
        } else if self.suspended {
            DeviceStatus::Suspended
        } else if now >= self.not_after {
            DeviceStatus::Expired
        } else {
            DeviceStatus::Active
        }
    }

    /// As the permission rule sees it.
    #[must_use]
    pub const fn state(&self) -> DeviceState {
        DeviceState {
            institution: self.institution,
            revoked: self.revoked,
            suspended: self.suspended,
            not_after: self.not_after,
            rights: self.rights,
        }
    }
}

/// A grant's status and the block of the grant or, if revoked, of the revocation; 0 if unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantState {
    /// Status.
    pub status: GrantStatus,
    /// Block number.
    pub since: u64,
}

/// The newest checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CheckpointState {
    /// Leaves covered.
    pub size: u64,
    /// RFC 6962 root.
    #[serde(with = "wardkey_core::hexbytes::array")]
    pub root: [u8; 32],
    /// Block number.
    pub block: u64,
    /// Time of the block, seconds since 1970.
    pub time: u64,
}
