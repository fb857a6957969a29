//! What is told at once to the workstations of an institution.

use serde::Serialize;
use tokio::sync::broadcast;
use wardkey_core::id::{Commitment, DeviceId, Digest, InstitutionId};

/// One thing that happened. The names are those of protocol §7, `GET /v1/events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum News {
    /// A grant is live.
    Grant {
        /// Which.
        commitment: Commitment,
    },
    /// A grant was revoked.
    Revoke {
        /// Which.
        commitment: Commitment,
    },
    /// A card was approved, suspended, resumed or revoked.
    Device {
        /// Which.
        device: DeviceId,
    },
    /// A card asks to be approved.
    Request {
        /// Digest of its certificate.
        request: Digest,
    },
    /// An action waits for more master keys, was signed, withdrawn or carried out.
    Proposal {
        /// Digest of the action.
        proposal: Digest,
    },
    /// The institution's accreditation, agreement key or master keys changed.
    Institution {
        /// Itself.
        institution: InstitutionId,
    },
}

impl News {
    /// Name of the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Revoke { .. } => "revoke",
            Self::Device { .. } => "device",
            Self::Request { .. } => "request",
            Self::Proposal { .. } => "proposal",
            Self::Institution { .. } => "institution",
        }
    }
}

/// Spreads news to whoever listens now; what nobody hears is lost, and read from the gateway later.
#[derive(Debug)]
pub struct Board(broadcast::Sender<(InstitutionId, News)>);

impl Default for Board {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Board {
    /// Tells an institution.
    pub fn tell(&self, institution: InstitutionId, news: News) {
        // Nobody listening is no failure.
        let _listeners = self.0.send((institution, news));
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<(InstitutionId, News)> {
        self.0.subscribe()
    }
}
