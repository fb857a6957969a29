//! Institutions, cards and patients whose keys are all in memory. They do what workstations and phones do.

mod card;
mod hospital;
mod patient;

pub use card::Card;
pub use hospital::Hospital;
pub use patient::{ALL_SECTIONS, Given, Patient, Terms, unsigned};

use super::stage::{Ask, Reply, Signer, Stage};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::delegation::{Delegation, LONGEST, PrincipalKind, SignedDelegation};
use wardkey_core::http_signature::KeyName;
use wardkey_core::id::KeyId;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::Domain;

fn must(reply: &Reply) -> anyhow::Result<()> {
    anyhow::ensure!(
        reply.status.is_success(),
        "{} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    Ok(())
}

impl Stage {
    fn domain(&self) -> &Domain {
        self.gateway.domain()
    }

    fn deadline(&self) -> u64 {
        self.gateway.clock.now() + 600
    }

    /// Signs an action and posts it.
    ///
    /// # Errors
    /// Signing fails, or the answer is broken. A refusal is an answer.
    pub async fn act(&self, key: &SoftKey, action: impl Into<Action>) -> anyhow::Result<Reply> {
        let action = action.into();
        let signature = key.sign(&action.preimage(self.domain()))?;
        self.submit(&SignedAction::one(action, signature)).await
    }

    /// Posts an action.
    ///
    /// # Errors
    /// The answer is broken.
    pub async fn submit(&self, action: &SignedAction) -> anyhow::Result<Reply> {
        self.ask(Ask::post("/v1/actions", &serde_json::to_value(action)?)).await
    }

    /// A delegation for as long as it may hold, posted.
    ///
    /// # Errors
    /// The gateway refuses it.
    pub async fn delegate(&self, key: &SoftKey, kind: PrincipalKind, principal: KeyId) -> anyhow::Result<Session> {
        let (session, now) = (SoftKey::generate()?, self.gateway.clock.now());
        let delegation = Delegation {
            principal,
            kind,
            session: session.public(),
            audience: self.gateway.scribe.gateway(),
            not_before: now,
            expiry: now + LONGEST,
        };
        let signature = self.domain().sign(key, &delegation.typed())?;
        let delegation = SignedDelegation {
            delegation,
            signature,
            key: key.public(),
        };
        must(
            &self
                .ask(Ask::post("/v1/sessions", &serde_json::to_value(&delegation)?))
                .await?,
        )?;
        Ok(Session {
            key: session,
            delegation,
        })
    }
}

/// A short-lived key with its delegation.
#[derive(Debug)]
pub struct Session {
    /// The key.
    pub key: SoftKey,
    /// By whom it was delegated.
    pub delegation: SignedDelegation,
}

impl Session {
    /// Signs requests with the session's key.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer {
            key: &self.key,
            name: KeyName::Session(self.delegation.delegation.session_id()),
        }
    }
}
