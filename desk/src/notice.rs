//! What a person is told: what happened and what to do now. Every refused command answers with one.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use wardkey_client::{GatewayError, NotLogged};
use wardkey_core::fault::{Coded, Fault};

/// How a notice looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Tone {
    /// Good to know.
    Info,
    /// Needs attention.
    Warning,
    /// Something failed.
    Danger,
}

/// What happened and what to do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Notice {
    /// Stable kebab-case code; the window translates by it.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do now.
    pub action: String,
    /// How it looks.
    pub tone: Tone,
}

/// Codes that are no failure of anything.
const CALM: &[&str] = &[
    "pin-cancelled",
    "card-removed",
    "grant-revoked",
    "import-duplicate",
    "chart-none",
];

impl Notice {
    /// From its parts.
    #[must_use]
    pub fn new(tone: Tone, code: &str, message: impl Into<String>, action: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            action: action.to_owned(),
            tone,
        }
    }

    /// From a coded error.
    #[must_use]
    pub fn of(error: &dyn Coded) -> Self {
        error.fault().into()
    }

    /// The same with another tone.
    #[must_use]
    pub fn toned(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl From<Fault> for Notice {
    fn from(fault: Fault) -> Self {
        let tone = if CALM.contains(&fault.code.as_str()) {
            Tone::Warning
        } else {
            Tone::Danger
        };
        Self {
            code: fault.code,
            message: fault.message,
            action: fault.action,
            tone,
        }
    }
}

impl From<GatewayError> for Notice {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Offline => Self::new(
                Tone::Warning,
                "gateway-offline",
                error.to_string(),
                "What you wrote is kept and sent later. Check the network cable; tell IT if it lasts.",
            ),
            GatewayError::Refused { fault, .. } => fault.into(),
            GatewayError::Untrusted(signature) => signature.fault().into(),
            GatewayError::Unproved(unproved) => unproved.into(),
            GatewayError::Unreadable => Self::new(
                Tone::Danger,
                "gateway-unreadable",
                error.to_string(),
                "Tell IT: the workstation's program and the gateway may be of different versions.",
            ),
        }
    }
}

impl From<NotLogged> for Notice {
    fn from(error: NotLogged) -> Self {
        match error {
            NotLogged::Missing => crate::error::DeskError::ProofMissing.into(),
            NotLogged::Receipt(error) => error.into(),
            NotLogged::NotIncluded(error) => error.into(),
        }
    }
}

macro_rules! from_coded {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Notice { fn from(error: $error) -> Self { Self::of(&error) } }
    )+};
}

from_coded!(
    wardkey_core::delegation::DelegationError,
    wardkey_core::grant::NotAGrant,
    wardkey_core::hpke::SealError,
    wardkey_core::http_signature::HttpSignatureError,
    wardkey_core::institution::Unproved,
    wardkey_core::key::KeyError,
    wardkey_core::log::NotIncluded,
    wardkey_core::permission::Denial,
    wardkey_core::record::RecordError,
    wardkey_hsm::CardError,
    crate::error::DeskError,
    crate::import::ImportError,
    crate::settings::SettingsError,
    crate::store::StoreError,
);
