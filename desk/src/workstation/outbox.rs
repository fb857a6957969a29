//! Sending what is in the outbox, until the gateway's receipt is here.

use super::Workstation;
use super::state::Session;
use crate::notice::Notice;
use crate::store::{Outgoing, Queued, StoreError};
use crate::view::{OutboxRow, OutboxState, Topic};
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::{GatewayError, Permission, WrittenReceipts};
use wardkey_core::id::{Commitment, RecordId};

/// Records of one request, at most.
const BATCH: usize = 100;
/// Bytes of one request, about; one larger record goes alone.
const BATCH_BYTES: usize = 4 << 20;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends for as long as the workstation lives: whenever something is due, and again after a pause that grows.
pub(super) async fn send_always(workstation: Weak<Workstation>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(this) = workstation.upgrade() else { return };
        let bell = Arc::clone(&this.outbox_due);
        let done = this.send_due().await;
        // Only the bell is held while waiting, so that the workstation can end.
        drop(this);
        let wait = if done { LONGEST_PAUSE } else { pause };
        let rung = tokio::time::timeout(wait, bell.notified()).await.is_ok();
        pause = if done || rung {
            FIRST_PAUSE
        } else {
            (pause * 2).min(LONGEST_PAUSE)
        };
    }
}

impl Workstation {
    /// Sends everything that is due; false if something must be tried again later.
    async fn send_due(&self) -> bool {
        let mut refused_grants = HashSet::new();
        loop {
            let Ok((session, _)) = self.session() else { return true };
            let device = session.certificate.device_id();
            let not = refused_grants.clone();
            let due = self
                .blocking(move |this| this.store.due(&device, BATCH, BATCH_BYTES, &not))
                .await;
            let Ok(Ok(due)) = due else { return false };
            let Some(commitment) = due.first().map(|d| d.commitment) else {
                return refused_grants.is_empty();
            };
            // A grant whose records must wait does not hold up another patient's.
            if !self.send(due, commitment).await {
                refused_grants.insert(commitment);
            }
        }
    }

    async fn send(&self, due: Vec<Outgoing>, commitment: Commitment) -> bool {
        let which: Vec<Queued> = due.iter().map(|d| d.queued).collect();
        self.settle(&which, OutboxState::Sending, "").await;
        let outcome = match self.live_session().await {
            Ok((session, _)) => self.post(&session, &due, &commitment).await,
            Err(notice) => {
                self.settle(&which, OutboxState::Waiting, &notice.message).await;
                return false;
            }
        };
        match outcome {
            Ok(places) => {
                for (queued, index) in which.iter().zip(places) {
                    self.settle_quietly(&[*queued], OutboxState::Sent, &format!("log line {}", index + 1))
                        .await;
                }
                self.tell(&[Topic::Outbox, Topic::Snapshot]);
                true
            }
            Err(error) if error.passes() => {
                let why = Notice::from(error.clone()).message;
                self.heed(error);
                self.settle(&which, OutboxState::Waiting, &why).await;
                false
            }
            // All or none: one bad record must not take the others with it.
            Err(_) if due.len() > 1 => self.send_singly(due, commitment).await,
            Err(error) => {
                let notice = self.heed(error);
                self.settle(&which, OutboxState::Refused, &notice.message).await;
                self.note(Some(notice));
                true
            }
        }
    }

    async fn send_singly(&self, due: Vec<Outgoing>, commitment: Commitment) -> bool {
        let mut all = true;
        for one in due {
            all &= Box::pin(self.send(vec![one], commitment)).await;
        }
        all
    }

    /// Posts and verifies the receipts; answers each record's place in the log.
    async fn post(
        &self,
        session: &Arc<Session>,
        due: &[Outgoing],
        commitment: &Commitment,
    ) -> Result<Vec<u64>, GatewayError> {
        let Some(patient) = due.first().map(|d| d.record.header.patient) else {
            return Ok(vec![]);
        };
        let records: Vec<_> = due.iter().map(|d| d.record.clone()).collect();
        let permission = Permission {
            commitment,
            reason: None,
        };
        let answer: WrittenReceipts = self.gateway.write(session.by(), &patient, &records, permission).await?;
        let place = |one: &Outgoing| {
            let line = answer
                .receipts
                .iter()
                .find(|r| r.record == one.record.header.record)
                .ok_or(GatewayError::Unreadable)?;
            let network = &session.network;
            line.receipt
                .verify(&network.domain, &network.gateway)
                .map_err(|_| GatewayError::Unreadable)?;
            Ok(line.receipt.index)
        };
        due.iter().map(place).collect()
    }

    async fn settle_quietly(&self, which: &[Queued], state: OutboxState, detail: &str) {
        let (which, detail) = (which.to_vec(), detail.to_owned());
        let settled = self
            .blocking(move |this| this.store.settle(&which, state, &detail))
            .await;
        if let Ok(Err(error)) = settled {
            // The record stays queued and is sent again; the gateway knows it by its id.
            tracing::warn!(%error, "the outbox could not be brought up to date");
        }
    }

    async fn settle(&self, which: &[Queued], state: OutboxState, detail: &str) {
        self.settle_quietly(which, state, detail).await;
        self.tell(&[Topic::Outbox, Topic::Snapshot]);
    }

    /// Everything that was written here and what became of it, newest first.
    ///
    /// # Errors
    /// [`crate::store::StoreError`].
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, Notice> {
        let vault = self.session().ok().map(|(session, _)| Arc::clone(&session.vault));
        Ok(self
            .blocking(move |this| this.store.outbox_rows(vault.as_deref()))
            .await??)
    }

    /// Tries again now, refused writes included.
    ///
    /// # Errors
    /// Nobody is signed in, or the store failed.
    pub async fn retry(&self) -> Result<(), Notice> {
        let (session, _) = self.session()?;
        let device = session.certificate.device_id();
        self.blocking(move |this| this.store.retry_refused(&device)).await??;
        self.outbox_due.notify_one();
        self.tell(&[Topic::Outbox, Topic::Snapshot]);
        Ok(())
    }

    /// Makes a refused write a draft again, to be written once more under the same access.
    ///
    /// # Errors
    /// The access does not hold any more, another draft is in the way, or it was not refused.
    pub async fn write_again(&self, record: &str) -> Result<(), Notice> {
        let record: RecordId = record.parse().map_err(|_| StoreError::NotRefused)?;
        let (session, _) = self.session()?;
        let device = session.certificate.device_id();
        let (_, commitment) = self
            .blocking(move |this| this.store.refused(&device, &record))
            .await??;
        self.live_grant(&commitment.to_string()).await?;
        self.blocking(move |this| this.store.write_again(&session.vault, &record))
            .await??;
        // It may have been refused for a section key that is no longer the newest.
        self.with_open_chart(&commitment, |chart| chart.keys = None);
        self.tell(&[Topic::Outbox, Topic::Snapshot]);
        Ok(())
    }
}
