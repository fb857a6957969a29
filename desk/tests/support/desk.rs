//! A workstation with its reader.

use super::{Server, SoftCard, SoftPort, until};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tempfile::TempDir;
use wardkey_desk::view::{OutboxState, Snapshot, Topic};
use wardkey_desk::{Settings, Workstation};
use wardkey_gateway::bench::actors::Hospital;

type Told = Arc<Mutex<Vec<(Instant, Vec<Topic>)>>>;

/// A workstation with its reader and what it said.
pub struct Desk {
    pub folder: TempDir,
    pub work: Arc<Workstation>,
    pub port: SoftPort,
    pub told: Told,
    its: Mutex<Option<Arc<Mutex<SoftCard>>>>,
}

impl Desk {
    pub fn start(server: &Server, hospital: Option<&Hospital>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = server.settings(folder.path(), hospital);
        Self::with(folder, settings)
    }

    pub fn with(folder: TempDir, settings: Settings) -> Self {
        let (port, told) = (SoftPort::default(), Arc::new(Mutex::new(Vec::new())));
        let sink = Arc::clone(&told);
        let heard = move |topics: &[Topic]| sink.lock().unwrap().push((Instant::now(), topics.to_vec()));
        let work = Workstation::start_with(settings, Arc::new(port.clone()), heard).unwrap();
        Self {
            folder,
            work,
            port,
            told,
            its: Mutex::default(),
        }
    }

    /// Puts a card into the reader in the place of the one there.
    pub async fn swap(&self, card: &Arc<Mutex<SoftCard>>) {
        self.port.pull();
        self.port.insert(card);
        until("the card is read", || async { self.snapshot().await.card.is_some() }).await;
    }

    /// Sets IT's card up; the reader is empty afterwards, and the secret open.
    pub async fn it(&self) -> Arc<Mutex<SoftCard>> {
        let card = SoftCard::blank("7001");
        self.swap(&card).await;
        self.work.found_it_card().await.unwrap();
        self.port.pull();
        *self.its.lock().unwrap() = Some(Arc::clone(&card));
        card
    }

    /// Opens IT's secret, which a sign-in has locked; sets IT's card up at the first time.
    pub async fn open_it(&self) {
        let known = self.its.lock().unwrap().clone();
        match known {
            Some(it) => self.unlock(&it).await,
            None => drop(self.it().await),
        }
    }

    /// Unlocks with IT's card, as before every task after a sign-in; the reader is empty afterwards.
    pub async fn unlock(&self, it: &Arc<Mutex<SoftCard>>) {
        self.swap(it).await;
        self.work.unlock_it_card().await.unwrap();
        self.port.pull();
    }

    pub async fn sign_in(&self, card: &Arc<Mutex<SoftCard>>) {
        self.port.insert(card);
        until("the card is read", || async { self.snapshot().await.card.is_some() }).await;
        self.work.sign_in().await.unwrap();
    }

    pub async fn snapshot(&self) -> Snapshot {
        self.work.snapshot().await.unwrap()
    }

    /// Times at which a topic was told since `from`.
    pub fn heard(&self, topic: Topic, from: Instant) -> usize {
        self.told
            .lock()
            .unwrap()
            .iter()
            .filter(|(at, topics)| *at >= from && topics.contains(&topic))
            .count()
    }

    pub async fn all_sent(&self) {
        until("everything is sent", || async {
            let rows = self.work.outbox().await.unwrap();
            assert!(rows.iter().all(|r| r.state != OutboxState::Refused), "{rows:?}");
            !rows.is_empty() && rows.iter().all(|r| r.state == OutboxState::Sent)
        })
        .await;
    }
}
