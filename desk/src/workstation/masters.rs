//! Changing the list of master keys: a further card, another card in a key's place, one key less, another number of signatures.

use super::Workstation;
use super::approvals::show;
use super::master::{DEADLINE, wrap_for};
use super::master_key::MasterKey as OwnKey;
use super::proposals::{change_words, patience, short};
use super::sign_in::{must_be_the_chains, unseal_agreement, wrap_peer};
use super::state::{Offered, OfferedKey};
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{Evidence as EvidenceView, EvidenceVerdict, MasterRow, MastersView, OfferedMaster, Topic};
use crate::words::words;
use std::sync::Arc;
use wardkey_client::{InstitutionFacts, WrapTo};
use wardkey_core::action::SignedAction;
use wardkey_core::id::Digest;
use wardkey_core::key::PublicKey;
use wardkey_core::masters::{MasterKey, Masters, NotMasters};
use wardkey_core::typed::structs::SetMasters;
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// Digits of a short name.
const SHORT: usize = 8;

fn key_words(key: &PublicKey) -> Vec<String> {
    words(&Digest(key.id().0))
}

fn refused(not: NotMasters) -> Notice {
    match not {
        NotMasters::List | NotMasters::Key => DeskError::BadMasters.into(),
        NotMasters::Threshold => DeskError::BadThreshold.into(),
    }
}

fn change(facts: &InstitutionFacts, new: &Masters) -> SetMasters {
    SetMasters {
        institution: facts.id.0.into(),
        keys: new.bytes().into(),
        threshold: new.threshold(),
        nonce: facts.history.nonce(),
        deadline: now() + patience(facts).max(DEADLINE),
    }
}

/// The list with one key replaced, or one more at its end.
fn with(facts: &InstitutionFacts, new: MasterKey, replaces: Option<&str>, threshold: u8) -> Result<Masters, Notice> {
    let mut keys = facts.history.masters().keys().to_vec();
    match replaces {
        Some(old) => {
            let named = |k: &MasterKey| old.len() >= SHORT && k.key.id().to_string().starts_with(old);
            let place = keys.iter().position(named);
            keys[place.ok_or(DeskError::MasterUnknown)?] = new;
        }
        None => keys.push(new),
    }
    Masters::new(keys, threshold).map_err(refused)
}

impl Workstation {
    /// The institution's master keys, and a new card that was offered on this terminal.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn masters(&self) -> Result<MastersView, Notice> {
        let (master, facts) = self.fresh_master().await?;
        let list = facts.history.masters();
        let row = |k: &MasterKey| MasterRow {
            key: k.key.id().to_string(),
            name: short(&k.key),
            words: key_words(&k.key),
            own: k.key == master.key,
        };
        let offered = self.state().offered.clone();
        let offered = offered.filter(|o| o.change.institution == facts.id.0 && o.change.nonce == facts.history.nonce());
        Ok(MastersView {
            keys: list.keys().iter().map(row).collect(),
            threshold: list.threshold(),
            offered: offered.map(|o| self.offered_view(&o)),
        })
    }

    fn offered_view(&self, offered: &Offered) -> OfferedMaster {
        let OfferedKey { serial, keys, card } = &offered.prepared;
        let evidence = match card {
            Some((card, evidence)) => show(&self.examine(evidence, card), serial),
            None => EvidenceView {
                verdict: EvidenceVerdict::None,
                detail: String::new(),
                slots: vec![],
            },
        };
        OfferedMaster {
            card: serial.clone(),
            evidence,
            words: key_words(&keys.signature),
            replaces: offered.replaces.clone(),
            threshold: offered.change.threshold,
        }
    }

    /// Offers the new master card in the reader to this terminal's institution: the card signs the change, so that whoever accepts it
    /// knows that its holder has it. `replaces` is the id, or at least the short name, of the key whose place it takes.
    ///
    /// # Errors
    /// [`DeskError::MasterKnown`], [`DeskError::MasterUnknown`], a threshold that is none, and everything of card, PIN and network.
    pub async fn offer_master(&self, replaces: Option<&str>, threshold: u8) -> Result<OfferedMaster, Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let key = self.master_key().await?;
        let (keys, network) = (key.keys, Arc::clone(&key.network));
        let home = self.state().home.ok_or(DeskError::NoInstitution)?;
        let facts = self.gateway.institution(&network.domain, &home).await?;
        if self.is_clinicians(&key).await || facts.history.masters().find(&keys.signature).is_some() {
            return Err(DeskError::MasterKnown.into());
        }
        let new = MasterKey {
            key: keys.signature,
            wrap: keys.agreement,
        };
        let list = with(&facts, new, replaces, threshold)?;
        let change = change(&facts, &list);
        let operations = vec![Operation::Sign {
            slot: Slot::Signature,
            digest: network.domain.digest(&change),
        }];
        let asked = self
            .card
            .ask_pin(key.job(&facts.name, "New master key", &change_words(&list), operations));
        let signature = asked.await?.signature()?;
        network.domain.verify(&keys.signature, &change, &signature)?;
        let offered = Offered {
            prepared: self.offered_key(&key).await,
            change,
            signature,
            replaces: replaces.map(|id| id.chars().take(SHORT).collect()).unwrap_or_default(),
        };
        let shown = self.offered_view(&offered);
        self.state().offered = Some(offered);
        self.tell(&[Topic::Requests]);
        Ok(shown)
    }

    /// With what the card attests now; an HSM and a key file attest nothing.
    async fn offered_key(&self, key: &OwnKey) -> OfferedKey {
        let card = match key.on_card() {
            Some((reader, keys)) => {
                let read = self.blocking(move |this| this.card.evidence(&reader)).await;
                Some((keys, read.ok().and_then(Result::ok).unwrap_or_default()))
            }
            None => None,
        };
        OfferedKey {
            serial: key.serial(),
            keys: key.keys,
            card,
        }
    }

    /// Accepts the offered card with the master card in the reader, which also seals the institution's key to it: one PIN.
    ///
    /// # Errors
    /// [`DeskError::OfferNone`], [`DeskError::OfferOld`], and everything of card, PIN and network.
    pub async fn accept_master(&self) -> Result<(), Notice> {
        let (master, facts) = self.fresh_master().await?;
        let offered = self.state().offered.clone().ok_or(DeskError::OfferNone)?;
        let change = offered.change;
        if change.institution != facts.id.0 || change.nonce != facts.history.nonce() {
            return Err(DeskError::OfferOld.into());
        }
        let list = Masters::of_change(&change).map_err(refused)?;
        let pin = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let key = self.master_key_of(&facts).await?;
        let (keys, network) = (key.keys, Arc::clone(&key.network));
        let own = self.gateway.wrap(&facts.id, &keys.agreement.id()).await?;
        let operations = vec![
            Operation::Sign {
                slot: Slot::Signature,
                digest: network.domain.digest(&change),
            },
            Operation::Agree {
                slot: Slot::KeyManagement,
                peer: wrap_peer(&own)?,
            },
        ];
        let asked = self
            .card
            .ask_pin(key.job(&facts.name, "Master keys", &change_words(&list), operations));
        let mut answers = asked.await?;
        drop(pin);
        let mut signed = SignedAction::one(change, answers.signature()?);
        signed
            .action
            .verify(&network.domain, &keys.signature, &signed.signatures[0])?;
        signed.signatures.push(offered.signature);
        let agreement = unseal_agreement(&network, &facts.id, &keys.agreement, &own, &*answers.shared()?)?;
        must_be_the_chains(&facts, &own, &agreement)?;
        let to = &offered.prepared.keys.agreement;
        let wrap = wrap_for(&network, &facts.id, own.epoch, to, &agreement)?;
        let to = WrapTo {
            recipient: to.id(),
            wrap,
        };
        self.carry_out(&master, &facts, &signed, vec![to]).await?;
        self.state().offered = None;
        self.tell(&[Topic::Requests, Topic::Devices]);
        Ok(())
    }

    /// Removes a master key, or only changes how many must sign (`key` absent): one PIN.
    ///
    /// # Errors
    /// [`DeskError::MasterUnknown`], a threshold that is none, and everything of card, PIN and network.
    pub async fn change_masters(&self, remove: Option<&str>, threshold: u8) -> Result<(), Notice> {
        let (master, facts) = self.fresh_master().await?;
        let mut keys = facts.history.masters().keys().to_vec();
        if let Some(gone) = remove {
            let before = keys.len();
            keys.retain(|k| k.key.id().to_string() != gone);
            if keys.len() == before {
                return Err(DeskError::MasterUnknown.into());
            }
        }
        let list = Masters::new(keys, threshold).map_err(refused)?;
        let signed = self
            .sign_as_master(&facts, change(&facts, &list), "Master keys", &change_words(&list))
            .await?;
        self.carry_out(&master, &facts, &signed, vec![]).await?;
        self.tell(&[Topic::Requests, Topic::Devices]);
        Ok(())
    }
}
