//! The card in the reader, and preparing it.

use super::EvidenceVerdict;
use serde::Serialize;
use ts_rs::TS;

/// Whether a slot holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SlotState {
    /// No key.
    Empty,
    /// A key.
    Key,
}

/// One slot of the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct CardSlot {
    /// `9A`, `9C`, `9D`.
    pub slot: String,
    /// What its key is for: `sign-in`, `signature`, `agreement`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// Whether there is a key.
    pub state: SlotState,
    /// Evidence of where the key was made, as far as it was read in this run.
    pub evidence: EvidenceVerdict,
}

/// State of a card's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CardDeviceStatus {
    /// Approved.
    Active,
    /// Suspended by the institution.
    Suspended,
    /// Revoked.
    Revoked,
    /// Its approval has ended.
    Expired,
    /// Requested, not yet approved.
    Waiting,
    /// Not known to the chain.
    Unknown,
}

/// The device that the card is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct CardDevice {
    /// Device id.
    pub id: String,
    /// Holder's name; empty if unknown.
    pub holder: String,
    /// Holder's role; empty if unknown.
    pub role: String,
    /// State.
    pub status: CardDeviceStatus,
}

/// All that is known of the card in the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CardStatus {
    /// Reader.
    pub reader: String,
    /// Serial number.
    pub serial: String,
    /// Firmware.
    pub firmware: String,
    /// All three keys are there.
    pub prepared: bool,
    /// PIN tries left.
    pub pin_tries: Option<u8>,
    /// The three slots.
    pub slots: Vec<CardSlot>,
    /// Its device, if it has a 9A key.
    pub device: Option<CardDevice>,
}

/// Which long task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// A clinician's card.
    PrepareCard,
    /// A master-key card.
    PrepareMaster,
    /// IT's card.
    PrepareIt,
    /// The institution's key moves to its next epoch.
    MoveKey,
}

/// How IT's secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ItState {
    /// There is no IT card yet.
    None,
    /// An earlier version kept the secret in clear; the first IT card takes it over.
    Clear,
    /// Sealed.
    Locked,
    /// Opened by IT's card.
    Open,
}

/// IT's card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ItView {
    /// How the secret stands.
    pub state: ItState,
    /// Serial numbers of the IT cards.
    pub cards: Vec<String>,
    /// Until when it is open, seconds since 1970.
    pub until: Option<u64>,
}

/// How far a long task has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Progress {
    /// Which.
    pub task: Task,
    /// A code of the step.
    pub step: String,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct DeviceRequested {
    /// Its id.
    pub request: String,
    /// Six words to compare with those that the master-key holder sees.
    pub words: Vec<String>,
}
