//! The master key on a card: preparing it, registering its institution, signing in with it.

use super::Workstation;
use super::master_key::{MasterKey, MasterKeys};
use super::sign_in::delegate;
use super::state::Master;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{MasterStatus, MasterView, Topic};
use std::sync::Arc;
use wardkey_client::{Credential, GatewayError, InstitutionFacts, Network, WrapView};
use wardkey_core::action::SignedAction;
use wardkey_core::delegation::{LONGEST, PrincipalKind, SignedDelegation};
use wardkey_core::device::{agreement_aad, agreement_context};
use wardkey_core::hpke::seal;
use wardkey_core::id::{InstitutionId, KeyId};
use wardkey_core::institution::Unproved;
use wardkey_core::key::SoftKey;
use wardkey_core::typed::Domain;
use wardkey_core::typed::structs::RegisterInstitution;
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// Seconds that an action may take from the card to the chain.
pub(super) const DEADLINE: u64 = 600;
/// The contract numbers an institution's agreement keys from this.
const FIRST_EPOCH: u32 = 1;

fn status(word: &str) -> MasterStatus {
    match word {
        "accredited" => MasterStatus::Accredited,
        "suspended" => MasterStatus::Suspended,
        _ => MasterStatus::Registered,
    }
}

fn view(facts: &InstitutionFacts) -> MasterView {
    MasterView {
        name: facts.name.clone(),
        id: facts.id.to_string(),
        status: status(&facts.status),
    }
}

impl Workstation {
    async fn institution_of(&self, domain: &Domain, keys: &MasterKeys) -> Result<Option<InstitutionFacts>, Notice> {
        let rows = self.gateway.institutions().await?;
        let Some(row) = rows.into_iter().find(|row| row.masters.contains(&keys.signature)) else {
            return Ok(None);
        };
        let facts = self.gateway.institution(domain, &row.id).await?;
        if facts.history.masters().find(&keys.signature).is_none() {
            return Err(Unproved::Signature.into());
        }
        Ok(Some(facts))
    }

    pub(super) async fn is_clinicians(&self, key: &MasterKey) -> bool {
        match key.authentication {
            Some(device) => self.gateway.device(&device.id().into()).await.is_ok(),
            None => false,
        }
    }

    /// Shows a new master key as not registered yet; no PIN is needed for that.
    pub(super) fn show_unregistered(&self, keys: &MasterKeys) {
        let id = InstitutionId::from(keys.signature.id()).to_string();
        self.state().master_view = Some(MasterView {
            name: String::new(),
            id,
            status: MasterStatus::Unregistered,
        });
        self.tell(&[Topic::Snapshot]);
    }

    /// Signs in with the master key on the card in the reader. For a key that the registry does not know it only says so in the
    /// snapshot, without asking for the PIN.
    ///
    /// # Errors
    /// Everything that can be wrong with card, PIN or network.
    pub async fn master_sign_in(&self) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let key = self.master_key().await?;
        let (keys, network) = (key.keys, Arc::clone(&key.network));
        let generation = self.state().machine.generation();
        let Some(facts) = self.institution_of(&network.domain, &keys).await? else {
            // A clinician's card is told apart from a master card that is still to be registered.
            if self.is_clinicians(&key).await {
                return Err(DeskError::NotAMaster.into());
            }
            self.show_unregistered(&keys);
            return Ok(());
        };
        let (delegation, session) = delegate(KeyId(facts.id.0), PrincipalKind::Master, &network, LONGEST)?;
        let digest = network.domain.digest(&delegation.typed());
        let purpose = format!("Use the master key of {}", facts.name);
        let operations = vec![Operation::Sign {
            slot: Slot::Signature,
            digest,
        }];
        let signature = self
            .card
            .ask_pin(key.job(&facts.name, "Master key", &purpose, operations))
            .await?
            .signature()?;
        let signed = SignedDelegation {
            delegation,
            signature,
            key: keys.signature,
        };
        self.open_master(generation, signed, session, facts, &keys, network)
            .await
    }

    async fn open_master(
        &self,
        generation: u64,
        signed: SignedDelegation,
        key: SoftKey,
        facts: InstitutionFacts,
        keys: &MasterKeys,
        network: Arc<Network>,
    ) -> Result<(), Notice> {
        signed.verify(&network.domain)?;
        self.forget_it();
        self.gateway.open_session(&signed).await?;
        let shown = view(&facts);
        let master = Arc::new(Master {
            credential: Credential::new(key),
            expiry: signed.delegation.expiry,
            key: keys.signature,
            facts,
            network,
        });
        self.upload_kept_wrap(&master, keys).await?;
        self.come_home(&master.facts)?;
        self.keep(generation, |state| {
            state.secrets.master = Some(Arc::clone(&master));
            state.master_view = Some(shown);
            state.notice = None;
        })?;
        tokio::spawn(super::events::listen(self.me.clone(), generation));
        self.tell(&[Topic::Snapshot, Topic::Requests, Topic::Devices]);
        Ok(())
    }

    /// The wrap made at registration reaches the gateway at the first sign-in that succeeds.
    async fn upload_kept_wrap(&self, master: &Master, keys: &MasterKeys) -> Result<(), Notice> {
        let recipient = keys.agreement.id();
        match self.gateway.wrap(&master.facts.id, &recipient).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_missing() => {
                let Some(kept) = self.store.kept_wrap(recipient.bytes())? else {
                    return Err(DeskError::NoWrap.into());
                };
                let wrap: WrapView = serde_json::from_slice(&kept).map_err(|_| crate::store::StoreError::Unreadable)?;
                Ok(self
                    .gateway
                    .put_wrap(master.by(), &master.facts.id, &recipient, &wrap)
                    .await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Registers an institution under the master key on the card in the reader, and signs in with it: one PIN. The new agreement
    /// key is sealed to the card before anything is sent, and never stored in clear.
    ///
    /// # Errors
    /// [`DeskError::BadName`], [`DeskError::AlreadyRegistered`], and everything that can be wrong with card, PIN or network.
    pub async fn register_institution(&self, name: &str, country: &str) -> Result<(), Notice> {
        let (name, country) = (name.trim(), country.trim().to_uppercase());
        if name.is_empty() || name.len() > 100 || country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase())
        {
            return Err(DeskError::BadName.into());
        }
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let key = self.master_key().await?;
        let (keys, network) = (key.keys, Arc::clone(&key.network));
        let generation = self.state().machine.generation();
        if self.institution_of(&network.domain, &keys).await?.is_some() {
            return Err(DeskError::AlreadyRegistered.into());
        }
        let institution: InstitutionId = keys.signature.id().into();
        let agreement = SoftKey::generate()?;
        let action = registration(&institution, name, &country, &keys, &agreement);
        let (delegation, session) = delegate(keys.signature.id(), PrincipalKind::Master, &network, LONGEST)?;
        let operations = vec![
            Operation::Sign {
                slot: Slot::Signature,
                digest: network.domain.digest(&action),
            },
            Operation::Sign {
                slot: Slot::Signature,
                digest: network.domain.digest(&delegation.typed()),
            },
        ];
        let purpose = format!("Register {name} ({country})");
        let mut answers = self
            .card
            .ask_pin(key.job(name, "Register institution", &purpose, operations))
            .await?;
        let signed_action = SignedAction::one(action, answers.signature()?);
        signed_action
            .action
            .verify(&network.domain, &keys.signature, &signed_action.signatures[0])?;
        let signed = SignedDelegation {
            delegation,
            signature: answers.signature()?,
            key: keys.signature,
        };
        self.keep_agreement(&network, &institution, &keys, agreement).await?;
        self.gateway.act(&signed_action).await?;
        let facts = self.gateway.institution(&network.domain, &institution).await?;
        self.open_master(generation, signed, session, facts, &keys, network)
            .await
    }

    /// Seals the new agreement key to the master card's 9D key and makes that durable. The key itself goes.
    async fn keep_agreement(
        &self,
        network: &Network,
        institution: &InstitutionId,
        keys: &MasterKeys,
        agreement: SoftKey,
    ) -> Result<(), Notice> {
        let wrap = wrap_for(network, institution, FIRST_EPOCH, &keys.agreement, &agreement)?;
        drop(agreement);
        let recipient = keys.agreement.id();
        let bytes = serde_json::to_vec(&wrap).map_err(|_| DeskError::Internal)?;
        Ok(self
            .blocking(move |this| this.store.keep_wrap(recipient.bytes(), &bytes))
            .await??)
    }

    /// The session of the master key, with facts that hold now.
    pub(super) async fn fresh_master(&self) -> Result<(Arc<Master>, InstitutionFacts), Notice> {
        let master = self.master()?;
        let facts = self
            .gateway
            .institution(&master.network.domain, &master.facts.id)
            .await
            .map_err(Notice::from)?;
        let shown = view(&facts);
        let changed = {
            let mut state = self.state();
            let changed = state.master_view.is_some() && state.master_view.as_ref() != Some(&shown);
            if changed {
                state.master_view = Some(shown);
            }
            changed
        };
        if changed {
            self.tell(&[Topic::Snapshot]);
        }
        Ok((master, facts))
    }

    /// A refusal in a master session; an ended one is forgotten.
    pub(super) fn heed_master(&self, error: GatewayError) -> Notice {
        if matches!(
            error.code(),
            Some("session-expired" | "session-unknown" | "session-master-replaced")
        ) {
            let gone = self.state().secrets.master.take();
            drop(gone);
            self.state().master_view = None;
            self.tell(&[Topic::Snapshot]);
        }
        error.into()
    }
}

/// An agreement key sealed to a card's 9D key.
pub(super) fn wrap_for(
    network: &Network,
    institution: &InstitutionId,
    epoch: u32,
    recipient: &wardkey_core::key::PublicKey,
    agreement: &SoftKey,
) -> Result<WrapView, Notice> {
    let aad = agreement_aad(institution, epoch, &recipient.id());
    let sealed = seal(
        recipient,
        &agreement_context(&network.domain, &aad),
        agreement.to_bytes().as_slice(),
    )?;
    Ok(WrapView {
        epoch,
        key: agreement.public(),
        sealed,
    })
}

fn registration(
    institution: &InstitutionId,
    name: &str,
    country: &str,
    keys: &MasterKeys,
    agreement: &SoftKey,
) -> RegisterInstitution {
    let public = agreement.public();
    RegisterInstitution {
        institution: institution.0.into(),
        name: name.to_owned(),
        country: country.to_owned(),
        masterX: keys.signature.x().into(),
        masterY: keys.signature.y().into(),
        wrapX: keys.agreement.x().into(),
        wrapY: keys.agreement.y().into(),
        agreementX: public.x().into(),
        agreementY: public.y().into(),
        deadline: now() + DEADLINE,
    }
}
