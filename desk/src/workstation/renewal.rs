//! Renewal: a card whose approval is about to end asks for a longer one, without a new card and without IT.

use super::Workstation;
use super::enrolment::REQUEST_LIFE;
use super::state::Session;
use crate::clock::now;
use crate::notice::Notice;
use crate::view::{CardEnd, DeviceRequested, Topic};
use crate::words::words;
use wardkey_core::device::DeviceRequest;
use wardkey_hsm::Slot;

/// The holder is warned from so long before the end, seconds.
const WARNED: u64 = 30 * 24 * 3600;

/// What the window says of the end of the approval; `None` while it is far.
pub(super) fn card_end(session: &Session, requested: bool, now: u64) -> Option<CardEnd> {
    (session.not_after < now + WARNED).then_some(CardEnd {
        not_after: session.not_after,
        requested,
    })
}

impl Workstation {
    /// Asks the master-key holder to approve the signed-in card for longer: the card signs a fresh challenge over its old
    /// certificate. The PIN is verified still, so nobody is asked for it.
    ///
    /// # Errors
    /// Nobody is signed in, the card wants its PIN again, and the gateway's refusals.
    pub async fn request_renewal(&self) -> Result<DeviceRequested, Notice> {
        let (session, generation) = self.live_session().await?;
        let certificate = (*session.certificate).clone();
        let attestation = self.gateway.evidence(&certificate.device_id()).await?;
        let challenge = self.gateway.challenge().await?.challenge;
        let deadline = now() + REQUEST_LIFE;
        let typed = DeviceRequest::typed(&certificate, &challenge, deadline);
        let digest = session.network.domain.digest(&typed);
        let signature = self
            .blocking(move |this| this.card.sign_unlocked(Slot::Authentication, &digest))
            .await??;
        let request = DeviceRequest {
            certificate,
            challenge,
            deadline,
            signature,
            attestation,
        };
        request.verify(&session.network.domain)?;
        self.gateway.request_device(&request).await?;
        self.keep(generation, |state| state.renewal_requested = true)?;
        self.tell(&[Topic::Snapshot]);
        let digest = request.certificate.digest();
        Ok(DeviceRequested {
            request: digest.to_string(),
            words: words(&digest),
        })
    }

    /// Whether a renewal of this session's card waits for its approval; asked once after the sign-in.
    pub(super) async fn look_for_renewal(&self, session: &Session, generation: u64) {
        if card_end(session, false, now()).is_none() {
            return;
        }
        let asked = self.gateway.device_request(&session.certificate.digest()).await;
        let waits = asked.is_ok_and(|request| request.state == "waiting");
        if waits && self.keep(generation, |state| state.renewal_requested = true).is_ok() {
            self.tell(&[Topic::Snapshot]);
        }
    }
}
