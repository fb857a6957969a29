//! The list of patients who granted access.

use super::Workstation;
use super::state::Session;
use crate::clock::now;
use crate::error::DeskError;
use crate::grants::Granted;
use crate::notice::Notice;
use crate::view::{GrantState, PatientRow};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::GrantOffer;
use wardkey_core::id::Commitment;
use wardkey_core::permission::Denial;

const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Follows the clock for as long as the workstation lives: accesses begin and end without anybody saying so. A look every second
/// also holds after the machine slept or its clock was set.
pub(super) async fn follow_clock(workstation: Weak<Workstation>) {
    let mut live = 0;
    loop {
        tokio::time::sleep(CLOCK_EVERY).await;
        let Some(this) = workstation.upgrade() else { return };
        live = this.look_at_clock(live);
    }
}

impl Workstation {
    /// Closes a chart whose access ended, and tells when another number of accesses holds than `before`.
    fn look_at_clock(&self, before: usize) -> usize {
        let now = now();
        let (open, live) = {
            let state = self.state();
            let open = state.secrets.chart.as_ref().map(|c| Arc::clone(&c.granted));
            let grants = state.secrets.grants.iter().flat_map(HashMap::values);
            (open, grants.filter(|g| g.state(now) == GrantState::Live).count())
        };
        if let Some(granted) = open
            && granted.state(now) == GrantState::Expired
        {
            self.close_revoked(&granted.commitment, &Denial::Expired.into());
        }
        if live != before {
            self.patients_may_have_changed();
        }
        live
    }

    /// Who granted access to the signed-in person's institution, newest first. Asks the gateway; while it cannot be reached, the
    /// list is the one of before.
    ///
    /// # Errors
    /// [`DeskError::NotSignedIn`], or the gateway's refusal.
    pub async fn patients(&self) -> Result<Vec<PatientRow>, Notice> {
        let grants = self.refresh_grants().await?;
        let now = now();
        let state = self.state();
        let mut rows: Vec<PatientRow> = grants
            .values()
            .map(|g| g.row(now, !state.secrets.seen.contains(&g.commitment)))
            .collect();
        rows.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.commitment.cmp(&b.commitment)));
        Ok(rows)
    }

    async fn refresh_grants(&self) -> Result<HashMap<Commitment, Arc<Granted>>, Notice> {
        let known = self.state().secrets.grants.clone();
        let (session, generation) = match (self.live_session().await, &known) {
            (Ok(found), _) => found,
            (Err(notice), Some(known)) if notice.code == "gateway-offline" => return Ok(known.clone()),
            (Err(notice), _) => return Err(notice),
        };
        let offers = match (self.gateway.grants(session.by()).await, known) {
            (Ok(offers), known) => (offers, known),
            (Err(error), Some(known)) if error.passes() => {
                self.heed(error);
                return Ok(known);
            }
            (Err(error), None) => return Err(self.heed(error)),
            (Err(error), Some(_)) => return Err(self.heed(error)),
        };
        let (offers, known) = offers;
        let first = known.is_none();
        let grants = self
            .blocking(move |_| open_all(&session, offers, &known.unwrap_or_default()))
            .await?;
        let closed = self.keep(generation, |state| {
            if first {
                state.secrets.seen = grants.keys().copied().collect();
            }
            let open = state.secrets.chart.as_ref().map(|c| c.granted.commitment);
            state.secrets.grants = Some(grants.clone());
            open.filter(|c| grants.get(c).is_none_or(|g| g.state(now()) != GrantState::Live))
        })?;
        if let Some(commitment) = closed {
            let why = match grants.get(&commitment).map(|g| g.state(now())) {
                Some(GrantState::Expired) => Denial::Expired,
                Some(GrantState::NotYetValid) => Denial::NotYetValid,
                _ => Denial::Revoked,
            };
            self.close_revoked(&commitment, &why.into());
        }
        Ok(grants)
    }

    /// One grant that holds now.
    pub(super) async fn live_grant(&self, commitment: &str) -> Result<Arc<Granted>, Notice> {
        let commitment: Commitment = commitment.parse().map_err(|_| DeskError::UnknownGrant)?;
        let known = self
            .state()
            .secrets
            .grants
            .as_ref()
            .and_then(|g| g.get(&commitment).cloned());
        let granted = match known {
            Some(granted) => granted,
            None => self
                .refresh_grants()
                .await?
                .get(&commitment)
                .cloned()
                .ok_or(DeskError::UnknownGrant)?,
        };
        match granted.state(now()) {
            GrantState::Live => Ok(granted),
            GrantState::Revoked => Err(Denial::Revoked.into()),
            GrantState::Expired => Err(Denial::Expired.into()),
            GrantState::NotYetValid => Err(Denial::NotYetValid.into()),
        }
    }
}

/// Opens what is new; an offer that does not hold is left out and noted without anything of the patient.
fn open_all(
    session: &Session,
    offers: Vec<GrantOffer>,
    known: &HashMap<Commitment, Arc<Granted>>,
) -> HashMap<Commitment, Arc<Granted>> {
    let mut out = HashMap::with_capacity(offers.len());
    for offer in offers {
        let commitment = offer.commitment;
        let granted = match known.get(&commitment) {
            Some(granted) => Ok(granted.told_again(&offer.state, offer.since)),
            None => Granted::open(
                offer,
                &session.network.domain,
                &session.institution,
                &session.agreements.now(),
            ),
        };
        match granted {
            Ok(granted) => {
                out.insert(commitment, Arc::new(granted));
            }
            Err(notice) => tracing::warn!(code = %notice.code, "a grant from the gateway does not hold"),
        }
    }
    out
}
