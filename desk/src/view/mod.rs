//! View models: what the window shows. Serialised in camelCase; TypeScript is generated from here ([`crate::bindings`]).
//! Times are whole seconds since 1970 (UTC), dates are ISO text, ids are hex.

mod approvals;
mod cards;
mod chart;
mod key;
mod masters;
mod patients;
mod snapshot;
mod unblock;
mod uses;
mod write;

pub use approvals::{DeviceRow, DeviceStatus, Evidence, EvidenceSlot, EvidenceVerdict, RequestRow};
pub use cards::{
    CardDevice, CardDeviceStatus, CardSlot, CardStatus, DeviceRequested, ItState, ItView, Progress, SlotState, Task,
};
pub use chart::{
    Chart, ChartPatient, ChartSection, Entry, LogPlace, SectionState, Severity, SignatureState, SignedWith, Source,
    Value,
};
pub use key::KeyView;
pub use masters::{MasterRow, MastersView, OfferedMaster, ProposalKind, ProposalRow, ProposalState, SignatureRow};
pub use patients::{GrantState, PatientRow};
pub use snapshot::{
    CardEnd, CardView, ChainView, GatewayState, LockView, MasterPlace, MasterStatus, MasterView, OutboxCount,
    PhaseName, Snapshot, Topic, UserView,
};
pub use unblock::{UnblockAsked, UnblockFound};
pub use uses::{DeviceUses, UseAction, UseRow};
pub use write::{
    Draft, DraftKind, ImportDone, ImportPreview, OutboxRow, OutboxState, Poster, PosterFiles, Prescription,
    SectionCount,
};
