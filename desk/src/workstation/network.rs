//! The network: known from the first contact on, looked at every few seconds; names of institutions and devices.

use super::Workstation;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::reading::Writer;
use crate::store::{known_network, remember_network};
use crate::view::Topic;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use wardkey_client::{GatewayError, Network};
use wardkey_core::id::DeviceId;

const EVERY: Duration = Duration::from_secs(10);
const EVERY_WHILE_OFFLINE: Duration = Duration::from_secs(2);

/// What was looked up before.
#[derive(Default)]
pub(super) struct Directory {
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
            let _ = self.home_in(&network.domain).await;
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
        let writer = self.look_up_writer(id).await?;
        if writer.certificate.is_some() {
            self.directory
                .writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*id, writer.clone());
        }
        Some(writer)
    }

    /// Who holds a device, if an institution's signatures prove it; a writer without institution if they do not.
    async fn look_up_writer(&self, id: &DeviceId) -> Option<Writer> {
        let facts = self.gateway.device(id).await.ok().filter(|facts| facts.id == *id)?;
        let domain = self.network().await.ok()?.domain;
        let institution = self.gateway.institution(&domain, &facts.institution).await;
        let proved = institution.and_then(|i| facts.prove(&domain, &i.history).map(|()| i).map_err(GatewayError::from));
        let institution = match proved {
            Ok(institution) => institution,
            Err(error @ GatewayError::Unproved(_)) => {
                tracing::warn!(%error, "who wrote cannot be proved");
                return Some(Writer::default());
            }
            Err(_) => return None,
        };
        let certificate = self.gateway.certificate(id).await.ok();
        let certificate = certificate
            .filter(|c| c.digest() == facts.certificate && c.device_id() == *id && c.institution == facts.institution);
        Some(Writer {
            institution: Some(institution.id),
            institution_name: institution.name,
            certificate,
        })
    }
}
