//! The network: known from the first contact on, looked at every few seconds; names of institutions and devices.

use super::Workstation;
use crate::error::DeskError;
use crate::gateway::{InstitutionFacts, Network};
use crate::notice::Notice;
use crate::reading::Writer;
use crate::store::{known_network, remember_network};
use crate::view::Topic;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use wardkey_core::id::{DeviceId, InstitutionId};

const EVERY: Duration = Duration::from_secs(10);
const EVERY_WHILE_OFFLINE: Duration = Duration::from_secs(2);

/// What was looked up before.
#[derive(Default)]
pub(super) struct Directory {
    institutions: Mutex<HashMap<InstitutionId, InstitutionFacts>>,
    writers: Mutex<HashMap<DeviceId, Writer>>,
}

/// Looks at the network for as long as the workstation lives.
pub(super) async fn follow(workstation: Weak<Workstation>) {
    loop {
        let Some(this) = workstation.upgrade() else { return };
        let was = this.gateway.is_online();
        let seen = this.look().await;
        if was != this.gateway.is_online() {
            this.outbox_due.notify_one();
            this.tell(&[Topic::Snapshot]);
        }
        if let Err(notice) = &seen
            && notice.code == "network-changed"
        {
            this.note(Some(notice.clone()));
        }
        let pause = if seen.is_ok() { EVERY } else { EVERY_WHILE_OFFLINE };
        drop(this);
        tokio::time::sleep(pause).await;
    }
}

impl Workstation {
    /// The network, asked for if it is not known in this run.
    pub(super) async fn network(&self) -> Result<Arc<Network>, Notice> {
        let known = self.state().network.clone();
        match known {
            Some(network) => Ok(network),
            None => self.look().await,
        }
    }

    async fn look(&self) -> Result<Arc<Network>, Notice> {
        let network = self.gateway.network().await?;
        self.admit(&network)?;
        let chain = network
            .head
            .as_ref()
            .map(|head| (head.number, network.heard.unwrap_or(head.time)));
        let network = Arc::new(network);
        let (first, moved) = {
            let mut state = self.state();
            let moved = state.chain.map(|c| c.0) != chain.map(|c| c.0);
            state.chain = chain;
            (state.network.replace(Arc::clone(&network)).is_none(), moved)
        };
        if first && self.state().home.is_some() {
            // The name on the lock screen is the registry's as soon as it is known.
            let _ = self.home().await;
        }
        if moved || first {
            self.tell(&[Topic::Snapshot]);
        }
        Ok(network)
    }

    /// Refuses another gateway than the one in the settings or the one met first.
    fn admit(&self, network: &Network) -> Result<(), Notice> {
        if self.settings.gateway_key.is_some_and(|key| key != network.gateway) {
            return Err(DeskError::NetworkChanged.into());
        }
        match known_network(&self.settings.data)? {
            Some(known) if known.is_same(network) => Ok(()),
            Some(_) => Err(DeskError::NetworkChanged.into()),
            None => Ok(remember_network(&self.settings.data, network)?),
        }
    }

    /// An institution's facts, remembered for its name.
    pub(super) async fn institution(&self, id: &InstitutionId) -> Result<InstitutionFacts, Notice> {
        let known = self
            .directory
            .institutions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if let Some(facts) = known {
            return Ok(facts);
        }
        let facts = self.gateway.institution(id).await?;
        self.directory
            .institutions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(*id, facts.clone());
        Ok(facts)
    }

    /// Who wrote, for each device that could be looked up.
    pub(super) async fn writers(&self, devices: impl IntoIterator<Item = DeviceId>) -> HashMap<DeviceId, Writer> {
        let found = futures::future::join_all(
            devices
                .into_iter()
                .map(|id| async move { Some((id, self.writer(&id).await?)) }),
        )
        .await;
        found.into_iter().flatten().collect()
    }

    async fn writer(&self, id: &DeviceId) -> Option<Writer> {
        let known = self
            .directory
            .writers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if known.is_some() {
            return known;
        }
        let facts = self
            .gateway
            .device(id)
            .await
            .ok()
            .filter(|facts| facts.id == *id && DeviceId::from(facts.key.id()) == *id)?;
        let certificate = self.gateway.certificate(id).await.ok();
        let certificate = certificate
            .filter(|c| c.digest() == facts.certificate && c.device_id() == *id && c.institution == facts.institution);
        let institution_name = self.institution(&facts.institution).await.ok()?.name;
        let writer = Writer {
            institution: facts.institution,
            institution_name,
            certificate,
        };
        if writer.certificate.is_some() {
            self.directory
                .writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*id, writer.clone());
        }
        Some(writer)
    }
}
