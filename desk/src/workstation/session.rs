//! A session that lasts as long as the card stays: silent renewal, and the ways in which it ends.

use super::Workstation;
use super::sign_in::delegate;
use super::state::Session;
use crate::clock::now;
use crate::notice::Notice;
use crate::view::Topic;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::{Credential, GatewayError};
use wardkey_core::delegation::{PrincipalKind, SignedDelegation};
use wardkey_hsm::Slot;

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Renews for as long as this very session lasts.
pub(super) async fn renew_always(workstation: Weak<Workstation>, generation: u64) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(this) = workstation.upgrade() else { return };
        let Ok((session, current)) = this.session() else { return };
        if current != generation {
            return;
        }
        this.keep_alive(&session, generation).await;
    }
}

impl Workstation {
    async fn keep_alive(&self, session: &Session, generation: u64) {
        let left = session.delegation.delegation.expiry.saturating_sub(now());
        // Renewed in its second half, so that a gateway that is away for minutes ends no session.
        let current = if left < self.settings.session_seconds / 2 {
            self.renew(session, generation).await
        } else {
            Ok(session.clone())
        };
        match current {
            Ok(session) if !session.registered => self.register(session, generation).await,
            Ok(_) => {}
            Err(notice) if left == 0 => self.end_session("session-ended", Some(notice)),
            Err(notice) => tracing::info!(code = %notice.code, "the session could not be renewed yet"),
        }
    }

    /// Signs a new delegation with the card, without a PIN; the gateway learns of it next.
    async fn renew(&self, session: &Session, generation: u64) -> Result<Session, Notice> {
        let device = session.certificate.device;
        let (delegation, key) = delegate(
            device.id(),
            PrincipalKind::Device,
            &session.network,
            self.settings.session_seconds,
        )?;
        let digest = session.network.domain.digest(&delegation.typed());
        let signature = self
            .blocking(move |this| this.card.sign_unlocked(Slot::Authentication, &digest))
            .await??;
        let signed = SignedDelegation {
            delegation,
            signature,
            key: device,
        };
        // The card was not asked who it is; its signature tells.
        signed.verify(&session.network.domain)?;
        let renewed = Session {
            credential: Credential::new(key),
            delegation: signed,
            registered: false,
            ..session.clone()
        };
        self.keep(generation, |state| {
            state.secrets.session = Some(Arc::new(renewed.clone()))
        })?;
        Ok(renewed)
    }

    async fn register(&self, session: Session, generation: u64) {
        match self.gateway.open_session(&session.delegation).await {
            Ok(_) => {
                let registered = Arc::new(Session {
                    registered: true,
                    ..session
                });
                let _ = self.keep(generation, |state| state.secrets.session = Some(registered));
                self.outbox_due.notify_one();
            }
            Err(error) => {
                self.heed(error);
            }
        }
    }

    /// The gateway does not know the session any more: it is told again at the next look.
    pub(super) fn renew_soon(&self) {
        let mut state = self.state();
        if let Some(session) = state.secrets.session.take() {
            state.secrets.session = Some(Arc::new(Session {
                registered: false,
                ..(*session).clone()
            }));
        }
    }

    /// Covers and wipes while the card stays.
    pub(super) fn end_session(&self, reason: &str, notice: Option<Notice>) {
        let secrets = {
            let mut state = self.state();
            if !state.machine.ended(reason).wipe {
                return;
            }
            state.notice = notice;
            state.take_secrets()
        };
        self.wiped(secrets);
    }

    /// Locks by hand: keys are wiped, the terminal is free for another person. Drafts stay, sealed to their author.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn lock(&self) -> Result<(), Notice> {
        let secrets = {
            let mut state = self.state();
            let _ = state.machine.locked();
            state.user = None;
            state.keep_service_notice();
            state.take_secrets()
        };
        self.forget_it();
        self.wiped(secrets);
        Ok(())
    }

    /// A session for a request: renewed first if the gateway may not know it.
    pub(super) async fn live_session(&self) -> Result<(Arc<Session>, u64), Notice> {
        let (session, generation) = self.session()?;
        if session.registered {
            return Ok((session, generation));
        }
        match self.gateway.open_session(&session.delegation).await {
            Ok(_) => {
                let registered = Arc::new(Session {
                    registered: true,
                    ..(*session).clone()
                });
                self.keep(generation, |state| {
                    state.secrets.session = Some(Arc::clone(&registered))
                })?;
                Ok((registered, generation))
            }
            Err(error @ GatewayError::Offline) => Err(error.into()),
            Err(error) => Err(self.heed(error)),
        }
    }

    /// Tells the window that what it shows of patients may be old.
    pub(super) fn patients_may_have_changed(&self) {
        self.tell(&[Topic::Patients]);
    }
}
