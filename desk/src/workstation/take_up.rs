//! The institution's agreement key moves to its next epoch while people work: a running session takes the new key up, without a PIN
//! while the card still holds it verified; otherwise it goes on with the keys it has until the next sign-in.

use super::Workstation;
use super::sign_in::{must_be_the_chains, unseal_agreement, wrap_peer};
use super::state::Session;
use crate::notice::Notice;
use crate::view::Topic;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::{InstitutionFacts, Network};
use wardkey_core::epoch::{EpochKeys, unroll};
use wardkey_core::key::SoftKey;
use wardkey_hsm::Slot;

/// A card that was approved during the move gets its wrap a moment later.
const AGAIN: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)];

/// Looks for a newer key of the institution, and again if it was not there yet.
pub(super) async fn take_up(workstation: Weak<Workstation>) {
    for pause in std::iter::once(Duration::ZERO).chain(AGAIN) {
        tokio::time::sleep(pause).await;
        let Some(this) = workstation.upgrade() else { return };
        let Ok((session, generation)) = this.session() else {
            return;
        };
        match this.newer_keys(&session).await {
            Ok(None) => return,
            Ok(Some(keys)) => {
                session.agreements.take_up(keys);
                // Grants that could not be opened before are opened anew.
                let _ = this.keep(generation, |state| state.secrets.grants = None);
                this.tell(&[Topic::Patients]);
                return;
            }
            Err(notice) => tracing::info!(code = %notice.code, "the institution's new key was not taken up yet"),
        }
    }
}

impl Workstation {
    /// Agreement keys of a newer epoch than the session holds, if the chain has one.
    async fn newer_keys(&self, session: &Arc<Session>) -> Result<Option<EpochKeys>, Notice> {
        let domain = &session.network.domain;
        let institution = self.gateway.institution(domain, &session.institution).await?;
        if institution.agreement.epoch <= session.agreements.epoch() {
            return Ok(None);
        }
        let own = &session.certificate.agreement;
        let wrap = self.gateway.wrap(&institution.id, &own.id()).await?;
        let peer = wrap_peer(&wrap)?;
        let shared = self
            .blocking(move |this| this.card.agree_unlocked(Slot::KeyManagement, &peer))
            .await??;
        let agreement = unseal_agreement(&session.network, &institution.id, own, &wrap, &shared)?;
        must_be_the_chains(&institution, &wrap, &agreement)?;
        Ok(Some(self.unrolled(&session.network, &institution, agreement).await?))
    }

    /// The chain's agreement key with the older ones that it opens.
    pub(super) async fn unrolled(
        &self,
        network: &Network,
        institution: &InstitutionFacts,
        agreement: SoftKey,
    ) -> Result<EpochKeys, Notice> {
        let epoch = institution.agreement.epoch;
        let offered = if epoch > 1 {
            self.gateway.older_keys(&institution.id).await?
        } else {
            vec![]
        };
        Ok(unroll(
            &network.domain,
            &institution.history,
            epoch,
            agreement,
            &offered,
        ))
    }
}
