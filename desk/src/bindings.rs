//! TypeScript of the view models: one file, written by `cargo run`-less test `bindings` and compared by it in CI.

use crate::import::LARGEST;
use crate::{notice, view};
use ts_rs::{Config, TS};
use wardkey_core::section::Section;

macro_rules! declare {
    ($config:expr, $out:expr, $($type:ty),+ $(,)?) => {$(
        $out.push_str("export ");
        $out.push_str(&<$type as TS>::decl($config));
        $out.push_str("\n\n");
    )+};
}

/// The whole file.
#[must_use]
pub fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(
        "// Generated from the crate wardkey-desk (desk/src/view); do not edit.\n\
         // Write it anew with: WARDKEY_WRITE_BINDINGS=1 cargo test --release -p wardkey-desk --test bindings\n\n",
    );
    let names: Vec<String> = Section::ALL.iter().map(|s| format!("'{}'", s.name())).collect();
    out.push_str("/** Sections; the position is the section's number. */\nexport type SectionName = ");
    out.push_str(&names.join(" | "));
    out.push_str(";\n\n");
    out.push_str("/** Bytes of the largest document that is imported. */\n");
    out.push_str(&format!("export const IMPORT_LARGEST = {LARGEST};\n\n"));
    declare!(
        &config,
        out,
        notice::Tone,
        notice::Notice,
        view::PhaseName,
        view::Topic,
        view::UserView,
        view::CardEnd,
        view::UnblockAsked,
        view::UnblockFound,
        view::MasterStatus,
        view::MasterPlace,
        view::MasterView,
        view::CardView,
        view::GatewayState,
        view::ChainView,
        view::OutboxCount,
        view::LockView,
        view::Snapshot,
        view::GrantState,
        view::PatientRow,
        view::Severity,
        view::Value,
        view::Source,
        view::SignatureState,
        view::SignedWith,
        view::Entry,
        view::SectionState,
        view::ChartSection,
        view::ChartPatient,
        view::LogPlace,
        view::Chart,
        view::DraftKind,
        view::Draft,
        view::Prescription,
        view::SectionCount,
        view::ImportPreview,
        view::ImportDone,
        view::OutboxState,
        view::OutboxRow,
        view::Poster,
        view::PosterFiles,
        view::EvidenceVerdict,
        view::EvidenceSlot,
        view::Evidence,
        view::RequestRow,
        view::DeviceStatus,
        view::DeviceRow,
        view::KeyView,
        view::MasterRow,
        view::OfferedMaster,
        view::MastersView,
        view::ProposalKind,
        view::ProposalState,
        view::SignatureRow,
        view::ProposalRow,
        view::UseAction,
        view::UseRow,
        view::DeviceUses,
        view::SlotState,
        view::CardSlot,
        view::CardDeviceStatus,
        view::CardDevice,
        view::CardStatus,
        view::ItState,
        view::ItView,
        view::Task,
        view::Progress,
        view::DeviceRequested,
    );
    out
}
