//! What is told at once to the workstations of an institution.

use crate::error::{Problem, Refusal};
use crate::state::Gateway;
use crate::store::shared::{Item, Told};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};
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

    /// The news as the store keeps it.
    ///
    /// # Errors
    /// None in practice: [`Refusal::Internal`] if it could not be written as JSON.
    pub(crate) fn item(self, institution: InstitutionId, origin: Option<Digest>) -> Result<Item, Problem> {
        Ok(Item {
            institution,
            origin,
            kind: self.name(),
            data: serde_json::to_string(&self).map_err(|_| Refusal::Internal)?,
        })
    }
}

/// Spreads the store's news to whoever listens at this gateway.
#[derive(Debug)]
pub struct Board {
    listeners: broadcast::Sender<Told>,
    /// The newest id that was spread.
    spread: Mutex<u64>,
}

/// Most news that are fetched at once.
pub const MOST: u32 = 500;

impl Board {
    /// A board that spreads what comes after this id.
    #[must_use]
    pub fn after(id: u64) -> Self {
        Self {
            listeners: broadcast::Sender::new(1024),
            spread: Mutex::new(id),
        }
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Told> {
        self.listeners.subscribe()
    }
}

impl Gateway {
    /// Tells an institution, at every gateway. What could not be told is read from the gateway later. Blocks.
    pub fn tell(&self, institution: InstitutionId, news: News) {
        let told = news.item(institution, None).and_then(|item| self.tell_all(vec![item]));
        if let Err(problem) = told {
            tracing::warn!(%problem.fault, "an institution could not be told");
        }
    }

    /// Tells several at once. Blocks.
    ///
    /// # Errors
    /// A failing store.
    pub(crate) fn tell_all(&self, news: Vec<Item>) -> Result<(), Problem> {
        self.store.tell(news, self.clock.now())?;
        self.hear()
    }

    /// Spreads what is new in the store, whichever gateway told it. Blocks.
    ///
    /// # Errors
    /// A failing store.
    pub fn hear(&self) -> Result<(), Problem> {
        let mut spread = self.board.spread.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let news = self.store.news(None, *spread, MOST)?;
            let whole = news.len() == MOST as usize;
            for told in news {
                *spread = told.id;
                // Nobody listening is no failure.
                let _listeners = self.board.listeners.send(told);
            }
            if !whole {
                return Ok(());
            }
        }
    }
}
