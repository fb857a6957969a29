//! The state that every screen shows.

use crate::notice::Notice;
use serde::Serialize;
use ts_rs::TS;

/// Where the workstation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum PhaseName {
    /// No card.
    Locked,
    /// A card, nobody signed in.
    CardPresent,
    /// The PIN window is open or the session is being made.
    SigningIn,
    /// Somebody is signed in.
    Open,
}

/// What changed; the window reads again what it shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// [`Snapshot`].
    Snapshot,
    /// The list of patients.
    Patients,
    /// The open chart.
    Chart,
    /// The outbox.
    Outbox,
    /// Device requests.
    Requests,
    /// Devices of the institution.
    Devices,
    /// The card in the reader.
    Card,
}

/// Everything that is always visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Where the workstation stands.
    pub phase: PhaseName,
    /// The card was pulled: everything is hidden until the same person returns with card and PIN.
    pub covered: bool,
    /// Name of this terminal's institution.
    pub institution: String,
    /// Name of this terminal.
    pub terminal: String,
    /// Number to call in an emergency; empty when none is set.
    pub emergency: String,
    /// Who is signed in, or whose work is covered.
    pub user: Option<UserView>,
    /// This terminal waits for IT to unblock the card in its reader.
    pub unblock: Option<super::UnblockAsked>,
    /// The approval of the signed-in card ends within 30 days.
    pub card_end: Option<CardEnd>,
    /// The master key in use.
    pub master: Option<MasterView>,
    /// The card in the reader, once it has been read.
    pub card: Option<CardView>,
    /// What the person should know now.
    pub notice: Option<Notice>,
    /// Whether the gateway answers.
    pub gateway: GatewayState,
    /// The chain as the gateway sees it.
    pub chain: Option<ChainView>,
    /// Writes on their way.
    pub outbox: OutboxCount,
    /// Test roots are trusted here: said on every screen.
    pub trial: bool,
    /// The master key is a software key: said on every screen.
    pub trial_keys: bool,
    /// Where this terminal's master key is kept.
    pub master_place: MasterPlace,
    /// Why the screen was locked or covered.
    pub lock: Option<LockView>,
}

/// A signed-in clinician.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct UserView {
    /// Name.
    pub holder: String,
    /// Role in plain words.
    pub role: String,
    /// Name of the institution.
    pub institution: String,
    /// Device id.
    pub device: String,
}

/// The approval of the signed-in card ends soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CardEnd {
    /// First second at which it is no longer approved.
    pub not_after: u64,
    /// Its renewal is asked for and not decided.
    pub requested: bool,
}

/// State of the institution of a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum MasterStatus {
    /// The registry does not know this key.
    Unregistered,
    /// Registered, not yet accredited.
    Registered,
    /// Accredited.
    Accredited,
    /// Suspended by the operator.
    Suspended,
}

/// Where a master key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum MasterPlace {
    /// On the card in the reader.
    Card,
    /// In an HSM, which gives no attestation.
    Hsm,
    /// In a sealed file, for trials only.
    File,
}

/// The master key in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct MasterView {
    /// Name of the institution; empty before it is registered.
    pub name: String,
    /// Institution id.
    pub id: String,
    /// Its state.
    pub status: MasterStatus,
}

/// The card in the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct CardView {
    /// Serial number; empty if the card has none.
    pub serial: String,
    /// Firmware; empty if unknown.
    pub firmware: String,
    /// All three keys are there.
    pub prepared: bool,
    /// PC/SC name of the reader.
    pub reader: String,
    /// No PIN try is left.
    pub blocked: bool,
}

/// Whether the gateway answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum GatewayState {
    /// It answered last time.
    Online,
    /// It did not.
    Offline,
}

/// The chain as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ChainView {
    /// Number of the newest block.
    pub block: u64,
    /// Seconds since the gateway heard from the chain.
    pub age: u64,
}

/// Writes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct OutboxCount {
    /// Not yet acknowledged.
    pub waiting: u32,
    /// Refused by the gateway.
    pub failed: u32,
}

/// Why the screen was locked or covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LockView {
    /// A code: `card-removed`, `locked`, `session-ended`, `device-revoked`.
    pub reason: String,
}
