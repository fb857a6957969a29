//! What the master-key holder sees.

use serde::Serialize;
use ts_rs::TS;

/// What the attestation proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceVerdict {
    /// Made in a genuine YubiKey.
    Verified,
    /// Made in a test card, whose root a setting trusts.
    TestRoot,
    /// There is evidence that cannot be verified, or that is wrong.
    Unverified,
    /// No evidence.
    None,
}

/// Policies of one slot, as attested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct EvidenceSlot {
    /// `9A`, `9C`, `9D`.
    pub slot: String,
    /// PIN policy: `once`, `always`, `never`, or empty.
    pub pin: String,
    /// Touch policy: `never`, `always`, `cached`, or empty.
    pub touch: String,
}

/// Evidence of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Evidence {
    /// The weakest of the slots.
    pub verdict: EvidenceVerdict,
    /// What is wrong or unusual, in words; empty if nothing.
    pub detail: String,
    /// By slot.
    pub slots: Vec<EvidenceSlot>,
}

/// A request to approve a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RequestRow {
    /// Its id.
    pub request: String,
    /// Who.
    pub holder: String,
    /// As what.
    pub role: String,
    /// Serial number of the card.
    pub card: String,
    /// Firmware of the card.
    pub firmware: String,
    /// Evidence.
    pub evidence: Evidence,
    /// Six words to compare with those that IT sees.
    pub words: Vec<String>,
    /// When it was sent; 0 if the gateway does not say.
    pub submitted: u64,
}

/// State of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum DeviceStatus {
    /// Approved.
    Active,
    /// Suspended until the master-key holders resume it.
    Suspended,
    /// Revoked.
    Revoked,
    /// Its approval has ended.
    Expired,
}

/// A device of the institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRow {
    /// Device id.
    pub device: String,
    /// Who.
    pub holder: String,
    /// As what.
    pub role: String,
    /// Serial number of the card.
    pub card: String,
    /// Firmware of the card.
    pub firmware: String,
    /// Bit 0 read, bit 1 write.
    pub rights: u8,
    /// First second at which it is no longer active.
    pub not_after: u64,
    /// State.
    pub status: DeviceStatus,
}
