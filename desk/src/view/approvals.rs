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
    /// Sound in itself, but its issuer is not on this terminal's list: newer than the list, or somebody's own.
    Newer,
    /// No evidence.
    None,
    /// It contradicts itself or the request.
    Invalid,
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
    /// The card is approved already and asks to be longer: until when it is now.
    pub renews: Option<u64>,
    /// Serial numbers of other active cards of a person with this name.
    pub others: Vec<String>,
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
    /// When it last opened a session, within a quarter of an hour.
    pub last_use: Option<u64>,
    /// Why it was revoked; empty if nothing was noted.
    pub note: String,
}
