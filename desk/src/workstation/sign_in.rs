//! Signing in with a clinician's card: one PIN for the delegation, the institution's key and the clinician's own vault.

use super::Workstation;
use super::state::{Keyring, Session};
use crate::card::CardKeys;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{Topic, UserView};
use std::sync::Arc;
use wardkey_client::{Credential, DeviceFacts, GatewayError, InstitutionFacts, Network, WrapView};
use wardkey_core::delegation::{Delegation, PrincipalKind, SignedDelegation};
use wardkey_core::device::{DeviceCertificate, agreement_aad, agreement_context};
use wardkey_core::hpke::open_agreed;
use wardkey_core::id::{DeviceId, InstitutionId, KeyId};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::permission::Denial;
use wardkey_hsm::pinjob::{Operation, PinJob, PinJobKind};
use wardkey_hsm::{CardError, CardInfo, Slot};
use zeroize::Zeroizing;

/// How far this terminal's clock may be ahead of the gateway's.
const CLOCK_SLACK: u64 = 60;

/// Everything about a card that must be known before its PIN is asked for.
struct Known {
    network: Arc<Network>,
    info: CardInfo,
    keys: CardKeys,
    device: DeviceFacts,
    certificate: DeviceCertificate,
    institution: InstitutionFacts,
    wrap: WrapView,
}

/// A fresh delegation to a fresh key, for so many seconds (the slack included).
pub(super) fn delegate(
    principal: KeyId,
    kind: PrincipalKind,
    network: &Network,
    seconds: u64,
) -> Result<(Delegation, SoftKey), Notice> {
    let key = SoftKey::generate()?;
    let not_before = now().saturating_sub(CLOCK_SLACK);
    let delegation = Delegation {
        principal,
        kind,
        session: key.public(),
        audience: network.gateway_id(),
        not_before,
        expiry: not_before + seconds,
    };
    Ok((delegation, key))
}

/// A job for the PIN window.
pub(super) fn job(info: &CardInfo, asker: &str, title: &str, purpose: &str, operations: Vec<Operation>) -> PinJob {
    PinJob {
        reader: info.reader.clone(),
        serial: info.serial.clone(),
        title: title.to_owned(),
        asker: asker.to_owned(),
        purpose: purpose.to_owned(),
        kind: PinJobKind::Use,
        operations,
        factory_pin: None,
        store: None,
        puk: None,
    }
}

/// The institution's agreement key out of a wrap, with what the card agreed on.
pub(super) fn unseal_agreement(
    network: &Network,
    institution: &InstitutionId,
    recipient: &PublicKey,
    wrap: &WrapView,
    shared: &[u8; 32],
) -> Result<SoftKey, Notice> {
    let aad = agreement_aad(institution, wrap.epoch, &recipient.id());
    let plain: Zeroizing<Vec<u8>> = open_agreed(
        recipient,
        shared,
        &agreement_context(&network.domain, &aad),
        &wrap.sealed,
    )?;
    let bytes: &[u8; 32] = plain.as_slice().try_into().map_err(|_| DeskError::WrongWrap)?;
    Ok(SoftKey::from_bytes(bytes)?)
}

/// A wrap of another epoch than the chain's, or with another key, is refused.
pub(super) fn must_be_the_chains(
    institution: &InstitutionFacts,
    wrap: &WrapView,
    agreement: &SoftKey,
) -> Result<(), Notice> {
    let proved = institution.agreement;
    if wrap.epoch == proved.epoch && agreement.public() == proved.key {
        Ok(())
    } else {
        Err(DeskError::WrongWrap.into())
    }
}

/// The point that a card's 9D key must agree with to open a wrap.
pub(super) fn wrap_peer(wrap: &WrapView) -> Result<PublicKey, Notice> {
    Ok(PublicKey::from_sec1(&wrap.sealed.enc).map_err(|_| DeskError::WrongWrap)?)
}

impl Workstation {
    /// Signs in with the card in the reader: opens the PIN window and returns when the session is open.
    ///
    /// # Errors
    /// Everything that can be wrong with card, PIN, approval, institution or network, each with its code.
    pub async fn sign_in(&self) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let begun = {
            let mut state = self.state();
            let begun = state.machine.signing_in();
            if begun.is_some() {
                state.notice = None;
            }
            begun.ok_or(if state.machine.user().is_some() {
                DeskError::AlreadySigningIn
            } else {
                DeskError::NoCard
            })?
        };
        self.tell(&[Topic::Snapshot]);
        let outcome = self.make_session().await;
        match outcome {
            Ok(session) => self.open(begun, session),
            Err(notice) => {
                let still = self.state().machine.sign_in_failed(begun).changed;
                let _ = self.blocking(|this| this.card.release()).await;
                self.tell(&[Topic::Snapshot]);
                Err(if still { notice } else { DeskError::CardRemoved.into() })
            }
        }
    }

    fn let_go(&self) {
        let card = Arc::clone(&self.card);
        std::thread::spawn(move || card.release());
    }

    async fn make_session(&self) -> Result<Session, Notice> {
        let known = self.look_up().await?;
        let device: DeviceId = known.keys.authentication.id().into();
        let (delegation, key) = delegate(
            known.keys.authentication.id(),
            PrincipalKind::Device,
            &known.network,
            self.settings.session_seconds,
        )?;
        let digest = known.network.domain.digest(&delegation.typed());
        let vault_peer = self.store.vault_peer(&device)?;
        let mut operations = vec![
            Operation::Sign {
                slot: Slot::Authentication,
                digest,
            },
            Operation::Agree {
                slot: Slot::KeyManagement,
                peer: wrap_peer(&known.wrap)?,
            },
        ];
        operations.extend(vault_peer.map(|peer| Operation::Agree {
            slot: Slot::KeyManagement,
            peer,
        }));
        let reader = known.info.reader.clone();
        self.blocking(move |this| this.card.hold(&reader)).await??;
        let purpose = format!("Open a session for {}", known.certificate.holder);
        let mut answers = self
            .card
            .ask_pin(job(
                &known.info,
                &known.institution.name,
                "Sign in",
                &purpose,
                operations,
            ))
            .await?;
        let signed = SignedDelegation {
            delegation,
            signature: answers.signature()?,
            key: known.keys.authentication,
        };
        signed.verify(&known.network.domain)?;
        let agreement = unseal_agreement(
            &known.network,
            &known.institution.id,
            &known.keys.agreement,
            &known.wrap,
            &*answers.shared()?,
        )?;
        must_be_the_chains(&known.institution, &known.wrap, &agreement)?;
        let agreements = self.unrolled(&known.network, &known.institution, agreement).await?;
        let (domain, agree_key) = (known.network.domain, known.keys.agreement);
        let vault = match vault_peer {
            Some(_) => self
                .store
                .open_vault(&domain, &device, &agree_key, &*answers.shared()?)?,
            None => {
                self.blocking(move |this| this.store.new_vault(&domain, &device, &agree_key))
                    .await??
            }
        };
        self.gateway.open_session(&signed).await?;
        Ok(Session {
            credential: Credential::new(key),
            delegation: signed,
            registered: true,
            rights: known.device.rights,
            not_after: known.device.not_after,
            certificate: Arc::new(known.certificate),
            institution: known.institution.id,
            institution_name: known.institution.name,
            agreements: Arc::new(Keyring::new(agreements)),
            vault: Arc::new(vault),
            network: known.network,
        })
    }

    async fn look_up(&self) -> Result<Known, Notice> {
        let info = self.card_info().await?;
        if info.default_pin {
            return Err(CardError::PinDefault.into());
        }
        let keys = CardKeys::of(&info).ok_or(DeskError::NotPrepared)?;
        let network = self.network().await?;
        let id: DeviceId = keys.authentication.id().into();
        let missing = |error: GatewayError, denial: Denial| -> Notice {
            if error.is_missing() {
                denial.into()
            } else {
                error.into()
            }
        };
        let device = self
            .gateway
            .device(&id)
            .await
            .map_err(|e| missing(e, Denial::DeviceUnknown))?;
        match device.status.as_str() {
            "active" => {}
            "expired" => return Err(Denial::DeviceExpired.into()),
            "suspended" => return Err(Denial::DeviceSuspended.into()),
            _ => return Err(Denial::DeviceRevoked.into()),
        }
        let certificate = self.gateway.certificate(&id).await?;
        let own = certificate.device == keys.authentication
            && certificate.signature == keys.signature
            && certificate.agreement == keys.agreement
            && certificate.institution == device.institution
            && certificate.digest() == device.certificate;
        if !own {
            return Err(DeskError::WrongWrap.into());
        }
        let institution = self.gateway.institution(&network.domain, &device.institution).await?;
        device.prove(&network.domain, &institution.history)?;
        let wrap = self.gateway.wrap(&institution.id, &keys.agreement.id()).await;
        let wrap = wrap.map_err(|e| {
            if e.is_missing() {
                DeskError::NoWrap.into()
            } else {
                Notice::from(e)
            }
        })?;
        Ok(Known {
            network,
            info,
            keys,
            device,
            certificate,
            institution,
            wrap,
        })
    }

    fn open(&self, begun: crate::phase::Begun, session: Session) -> Result<(), Notice> {
        self.forget_it();
        let user = UserView {
            holder: session.certificate.holder.clone(),
            role: session.certificate.role.clone(),
            institution: session.institution_name.clone(),
            device: session.certificate.device_id().to_string(),
        };
        let session = Arc::new(session);
        let renewing = Arc::clone(&session);
        let generation = {
            let mut state = self.state();
            if !state.machine.signed_in(begun, session.certificate.device_id()) {
                drop(state);
                self.let_go();
                return Err(DeskError::CardRemoved.into());
            }
            state.user = Some(user);
            state.draft_vault = Some(session.vault.vault());
            state.renewal_requested = false;
            state.master_view = None;
            state.notice = None;
            state.secrets = super::Secrets {
                session: Some(session),
                ..super::Secrets::default()
            };
            state.machine.generation()
        };
        self.tell(&[Topic::Snapshot, Topic::Patients, Topic::Chart, Topic::Outbox]);
        tokio::spawn(super::session::renew_always(self.me.clone(), generation));
        tokio::spawn(super::events::listen(self.me.clone(), generation));
        let me = self.me.clone();
        tokio::spawn(async move {
            if let Some(this) = me.upgrade() {
                this.look_for_renewal(&renewing, generation).await;
            }
        });
        self.outbox_due.notify_one();
        Ok(())
    }
}
