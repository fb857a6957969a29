//! The institution's agreement key moves to its next epoch, as after a revocation: prepared whole and durable before the first of it is
//! sent, resumed after a crash with the same key, taken by the chain last.

use super::Workstation;
use super::master::{DEADLINE, wrap_for};
use super::master_key::MasterKeys;
use super::proposals::short;
use super::sign_in::{must_be_the_chains, unseal_agreement, wrap_peer};
use super::state::Master;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::store::{PreparedMove, PreparedWrap};
use crate::view::{KeyView, Progress, Task, Topic};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use wardkey_client::{DeviceWithCertificate, InstitutionFacts, Network, WrapView};
use wardkey_core::action::SignedAction;
use wardkey_core::epoch::seal_older;
use wardkey_core::id::KeyId;
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::typed::structs::RotateAgreement;
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// Who is to have the agreement key: 9D keys of active cards, and the masters' wrap keys, by key id.
type Recipients = HashMap<KeyId, PublicKey>;

impl Workstation {
    /// Where the institution's key stands: whether it must move, and who lacks it.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn key_state(&self) -> Result<KeyView, Notice> {
        let (master, facts) = self.fresh_master().await?;
        let devices = self.all_devices(&master).await?;
        let wrapped: HashSet<KeyId> = self
            .gateway
            .wrapped(master.by(), &facts.id)
            .await
            .map_err(|e| self.heed_master(e))?
            .into_iter()
            .collect();
        let nine_d = |d: &DeviceWithCertificate| d.certificate.as_ref().map(|c| c.agreement.id());
        let active = devices.iter().filter(|d| d.status == "active").filter_map(nine_d);
        let masters = facts.history.masters().keys().iter().map(|k| k.wrap.id());
        let entitled: HashSet<KeyId> = active.chain(masters).collect();
        let left_over = |id: &KeyId| wrapped.contains(id) && !entitled.contains(id);
        let revoked = devices
            .iter()
            .filter(|d| d.status == "revoked")
            .filter(|d| nine_d(d).is_some_and(|id| left_over(&id)));
        let holder = |d: &DeviceWithCertificate| d.certificate.as_ref().map(|c| c.holder.clone()).unwrap_or_default();
        let former = facts.history.former_masters();
        let former = former.filter(|k| left_over(&k.wrap.id())).map(|k| short(&k.key));
        Ok(KeyView {
            epoch: facts.agreement.epoch,
            due: revoked.map(holder).chain(former).collect(),
            missing: count(entitled.difference(&wrapped).count()),
            pending: self.usable_move(&facts)?.is_some(),
        })
    }

    async fn all_devices(&self, master: &Master) -> Result<Vec<DeviceWithCertificate>, Notice> {
        let listed = self.gateway.devices(master.by(), &master.facts.id).await;
        listed.map_err(|e| self.heed_master(e))
    }

    /// The kept move, if the chain may still take it.
    fn usable_move(&self, facts: &InstitutionFacts) -> Result<Option<PreparedMove>, Notice> {
        let kept = self.store.kept_move(&facts.id)?;
        Ok(kept.filter(|m| m.epoch == facts.agreement.epoch + 1))
    }

    /// Active cards and masters, each proved: the card's 9D key by a certificate whose digest a signed approval names.
    async fn recipients(&self, master: &Master, facts: &InstitutionFacts) -> Result<Recipients, Notice> {
        let masters = facts.history.masters().keys().iter().map(|k| k.wrap);
        let mut found: Recipients = masters.map(|key| (key.id(), key)).collect();
        let devices = self.all_devices(master).await?;
        let active: Vec<_> = devices.iter().filter(|d| d.status == "active").collect();
        for (done, device) in active.iter().enumerate() {
            self.key_progress("collecting", done, active.len());
            let Some(certificate) = &device.certificate else {
                continue;
            };
            let known = self.gateway.device(&device.id).await?;
            known.prove(&master.network.domain, &facts.history)?;
            if known.certificate == certificate.digest() && certificate.device_id() == device.id {
                found.insert(certificate.agreement.id(), certificate.agreement);
            }
        }
        Ok(found)
    }

    /// Moves the institution's key to its next epoch, or finishes a move that was broken off: one PIN.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], [`DeskError::KeyMoving`], [`DeskError::KeyRecipients`], and everything of card, PIN and network.
    /// What was prepared is kept and used again.
    pub async fn move_key(&self) -> Result<(), Notice> {
        let _one = self.key_moving.try_lock().map_err(|_| DeskError::KeyMoving)?;
        let (master, facts) = self.fresh_master().await?;
        let kept = self.store.kept_move(&facts.id)?;
        if kept.is_some_and(|m| m.key == facts.agreement.key) {
            // The chain took it, and the answer was lost.
            self.store.drop_move(&facts.id)?;
            return self.give_what_lacks().await;
        }
        let recipients = self.recipients(&master, &facts).await?;
        let mut moving = self.prepared(&facts, &recipients).await?;
        self.seal_missing(&mut moving, &facts, &recipients)?;
        self.upload(&mut moving, &facts).await?;
        self.catch_up(&mut moving, &facts).await?;
        self.key_progress("rotating", 0, 1);
        self.gateway.act(&moving.rotation).await?;
        self.key_progress("rotating", 1, 1);
        self.tell(&[Topic::Devices]);
        // Whoever was approved since the last look has only the key of before.
        self.give(&moving.network, &moving.key).await?;
        self.store.drop_move(&facts.id)?;
        self.key_progress("done", 1, 1);
        self.tell(&[Topic::Devices]);
        Ok(())
    }

    /// Seals the current key to cards that lack it: one PIN.
    ///
    /// # Errors
    /// As [`Workstation::move_key`].
    pub async fn give_key(&self) -> Result<(), Notice> {
        let _one = self.key_moving.try_lock().map_err(|_| DeskError::KeyMoving)?;
        self.give_what_lacks().await
    }

    async fn give_what_lacks(&self) -> Result<(), Notice> {
        if self.key_state().await?.missing == 0 {
            self.tell(&[Topic::Devices]);
            return Ok(());
        }
        let (_, facts) = self.fresh_master().await?;
        let pin = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let master_key = self.master_key_of(&facts).await?;
        let (keys, network) = (master_key.keys, Arc::clone(&master_key.network));
        let own = self.gateway.wrap(&facts.id, &keys.agreement.id()).await?;
        let operations = vec![agree(&own)?];
        let purpose = "Give the institution's key to the cards that lack it";
        let mut answers = self
            .card
            .ask_pin(master_key.job(&facts.name, "Institution's key", purpose, operations))
            .await?;
        drop(pin);
        let key = unseal_agreement(&network, &facts.id, &keys.agreement, &own, &*answers.shared()?)?;
        must_be_the_chains(&facts, &own, &key)?;
        self.give(&network, &key).await?;
        self.key_progress("done", 1, 1);
        self.tell(&[Topic::Devices]);
        Ok(())
    }

    /// One PIN: signs the move, opens the current key, and opens the next one if it was prepared before.
    async fn prepared(&self, facts: &InstitutionFacts, recipients: &Recipients) -> Result<Moving, Notice> {
        let pin = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let master_key = self.master_key_of(facts).await?;
        let (keys, network) = (master_key.keys, Arc::clone(&master_key.network));
        let own = self.gateway.wrap(&facts.id, &keys.agreement.id()).await?;
        // A key that somebody has who must not, or that this card cannot open, is not the next epoch's.
        let kept = self
            .usable_move(facts)?
            .filter(|m| m.wraps.iter().all(|w| recipients.contains_key(&w.recipient)));
        let resumed = kept.and_then(|m| m.wrap_for(&keys.agreement.id()).cloned().map(|own| (m, own)));
        let fresh = SoftKey::generate()?;
        let public = resumed.as_ref().map_or_else(|| fresh.public(), |(m, _)| m.key);
        let action = rotation(facts, &public);
        let digest = network.domain.digest(&action);
        let mut operations = vec![
            Operation::Sign {
                slot: Slot::Signature,
                digest,
            },
            agree(&own)?,
        ];
        operations.extend(resumed.as_ref().map(|(_, own)| agree(own)).transpose()?);
        let purpose = format!("Move the key of {} to its epoch {}", facts.name, action.epoch);
        let mut answers = self
            .card
            .ask_pin(master_key.job(&facts.name, "Institution's key", &purpose, operations))
            .await?;
        drop(pin);
        let rotation = SignedAction::one(action, answers.signature()?);
        rotation
            .action
            .verify(&network.domain, &keys.signature, &rotation.signatures[0])?;
        let current = unseal_agreement(&network, &facts.id, &keys.agreement, &own, &*answers.shared()?)?;
        must_be_the_chains(facts, &own, &current)?;
        let (prepared, key) = match resumed {
            Some((kept, own)) => {
                let key = unseal_agreement(&network, &facts.id, &keys.agreement, &own, &*answers.shared()?)?;
                (kept, key)
            }
            None => (new_move(&network, facts, &current, &fresh)?, fresh),
        };
        if key.public() != public {
            return Err(DeskError::WrongWrap.into());
        }
        Ok(Moving {
            prepared,
            rotation,
            key,
            network,
            keys,
        })
    }

    /// Seals the next key to whoever lacks it, and makes that durable.
    fn seal_missing(&self, moving: &mut Moving, facts: &InstitutionFacts, to: &Recipients) -> Result<(), Notice> {
        let lacking: Vec<_> = to
            .iter()
            .filter(|(id, _)| moving.prepared.wrap_for(id).is_none())
            .collect();
        for (done, (id, key)) in lacking.iter().enumerate() {
            self.key_progress("sealing", done, lacking.len());
            let wrap = wrap_for(&moving.network, &facts.id, moving.prepared.epoch, key, &moving.key)?;
            moving.prepared.wraps.push(PreparedWrap {
                recipient: **id,
                wrap,
                sent: false,
            });
        }
        // The master's own first: with it the move can be resumed wherever it breaks off.
        let own = moving.keys.agreement.id();
        moving.prepared.wraps.sort_by_key(|w| w.recipient != own);
        Ok(self.store.keep_move(&facts.id, &moving.prepared)?)
    }

    /// Sends what was not sent yet.
    async fn upload(&self, moving: &mut Moving, facts: &InstitutionFacts) -> Result<(), Notice> {
        let total = moving.prepared.wraps.len();
        if !moving.prepared.older_sent {
            self.gateway
                .put_older_key(self.master()?.by(), &facts.id, &moving.prepared.older)
                .await
                .map_err(|e| self.heed_master(e))?;
            moving.prepared.older_sent = true;
        }
        for place in 0..total {
            self.key_progress("uploading", place, total);
            let next = &moving.prepared.wraps[place];
            if next.sent {
                continue;
            }
            // The card may have been pulled: then there is no master, and the rest waits.
            let master = self.master()?;
            self.gateway
                .put_wrap(master.by(), &facts.id, &next.recipient, &next.wrap)
                .await
                .map_err(|e| self.heed_master(e))?;
            moving.prepared.wraps[place].sent = true;
            if place % 20 == 19 || place + 1 == total {
                self.store.keep_move(&facts.id, &moving.prepared)?;
            }
        }
        Ok(())
    }

    /// Looks once more at who is to have the key, before the chain takes it.
    async fn catch_up(&self, moving: &mut Moving, facts: &InstitutionFacts) -> Result<(), Notice> {
        let (master, now) = self.fresh_master().await?;
        let recipients = self.recipients(&master, &now).await?;
        if moving
            .prepared
            .wraps
            .iter()
            .any(|w| !recipients.contains_key(&w.recipient))
        {
            self.store.drop_move(&facts.id)?;
            return Err(DeskError::KeyRecipients.into());
        }
        self.seal_missing(moving, facts, &recipients)?;
        self.upload(moving, facts).await
    }

    /// Uploads the chain's key to every card that may act and lacks it.
    async fn give(&self, network: &Arc<Network>, key: &SoftKey) -> Result<(), Notice> {
        let (master, facts) = self.fresh_master().await?;
        if facts.agreement.key != key.public() {
            return Err(DeskError::WrongWrap.into());
        }
        let recipients = self.recipients(&master, &facts).await?;
        let wrapped = self
            .gateway
            .wrapped(master.by(), &facts.id)
            .await
            .map_err(|e| self.heed_master(e))?;
        let lacking: Vec<_> = recipients.iter().filter(|(id, _)| !wrapped.contains(id)).collect();
        for (done, (id, recipient)) in lacking.iter().enumerate() {
            self.key_progress("uploading", done, lacking.len());
            let wrap = wrap_for(network, &facts.id, facts.agreement.epoch, recipient, key)?;
            self.gateway
                .put_wrap(master.by(), &facts.id, id, &wrap)
                .await
                .map_err(|e| self.heed_master(e))?;
        }
        Ok(())
    }

    fn key_progress(&self, step: &str, done: usize, total: usize) {
        self.tell_progress(&Progress {
            task: Task::MoveKey,
            step: step.to_owned(),
            done: count(done),
            total: count(total),
        });
    }
}

/// A move in the memory of one run.
struct Moving {
    prepared: PreparedMove,
    rotation: SignedAction,
    key: SoftKey,
    network: Arc<Network>,
    keys: MasterKeys,
}

fn agree(wrap: &WrapView) -> Result<Operation, Notice> {
    Ok(Operation::Agree {
        slot: Slot::KeyManagement,
        peer: wrap_peer(wrap)?,
    })
}

fn new_move(
    network: &Network,
    facts: &InstitutionFacts,
    current: &SoftKey,
    next: &SoftKey,
) -> Result<PreparedMove, Notice> {
    let epoch = facts.agreement.epoch;
    let older = seal_older(&network.domain, &facts.id, epoch, current, &next.public())?;
    Ok(PreparedMove {
        epoch: epoch + 1,
        key: next.public(),
        older,
        older_sent: false,
        wraps: vec![],
    })
}

fn rotation(facts: &InstitutionFacts, next: &PublicKey) -> RotateAgreement {
    RotateAgreement {
        institution: facts.id.0.into(),
        epoch: facts.agreement.epoch + 1,
        agreementX: next.x().into(),
        agreementY: next.y().into(),
        nonce: facts.history.nonce(),
        deadline: now() + DEADLINE,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
