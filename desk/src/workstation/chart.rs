//! Opening a chart.

use super::Workstation;
use super::state::{OpenChart, Session};
use crate::clock::now;
use crate::error::DeskError;
use crate::grants::Granted;
use crate::notice::Notice;
use crate::reading::Reading;
use crate::view::{Chart, ChartPatient, ChartSection, LogPlace, SectionState, Topic};
use std::collections::HashSet;
use std::sync::Arc;
use wardkey_client::{Permission, Records, check_read};
use wardkey_core::device::RIGHT_READ;
use wardkey_core::id::Commitment;
use wardkey_core::section::Section;
use wardkey_core::section_keys::SectionKeys;

impl Workstation {
    /// Reads every section that was granted, verifies, opens and keeps the chart open. The patient sees the reason.
    ///
    /// # Errors
    /// Reason missing, grant not live, refused by the rule, no proof that the read is logged.
    pub async fn open_chart(&self, commitment: &str, reason: &str) -> Result<Chart, Notice> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(DeskError::EmptyReason.into());
        }
        let granted = self.live_grant(commitment).await?;
        let (session, generation) = self.live_session().await?;
        let may_read = session.rights & RIGHT_READ != 0;
        let sections: Vec<Section> = if may_read {
            granted.grant.document.readable().collect()
        } else {
            vec![]
        };
        let permission = Permission {
            commitment: &granted.commitment,
            reason: Some(reason),
        };
        let (answer, keys) = futures::future::join(
            self.read_sections(&session, &granted, &sections, permission),
            self.section_keys(&session, &granted),
        )
        .await;
        let (records, log) = answer.inspect_err(|notice| {
            if notice.code.starts_with("grant-") {
                self.close_revoked(&granted.commitment, notice);
                self.patients_may_have_changed();
            }
        })?;
        let loaded = self.understand(&session, &granted, sections, records).await?;
        let view = chart(&granted, loaded, log, may_read);
        let open = OpenChart {
            granted: Arc::clone(&granted),
            view: view.clone(),
            keys: keys.ok(),
        };
        self.keep(generation, |state| {
            state.secrets.seen.insert(granted.commitment);
            state.secrets.chart = Some(open);
            state.secrets.import = None;
            state.notice = state.notice.take().filter(|n| !n.code.starts_with("grant-"));
        })?;
        self.tell(&[Topic::Chart, Topic::Patients, Topic::Snapshot]);
        Ok(view)
    }

    async fn read_sections(
        &self,
        session: &Session,
        granted: &Granted,
        sections: &[Section],
        permission: Permission<'_>,
    ) -> Result<(Records, Option<LogPlace>), Notice> {
        if sections.is_empty() {
            return Ok((
                Records {
                    records: vec![],
                    log: vec![],
                },
                None,
            ));
        }
        let answer = self
            .gateway
            .records(session.by(), &granted.patient(), sections, permission)
            .await
            .map_err(|e| self.heed(e))?;
        let log = check_read(
            &answer.log,
            sections,
            &session.network.domain,
            &session.network.gateway,
            now(),
        )?
        .map(|place| LogPlace {
            index: place.index,
            size: place.size,
        });
        Ok((answer, log))
    }

    /// Verifies, opens and reads; on threads of its own.
    async fn understand(
        &self,
        session: &Arc<Session>,
        granted: &Arc<Granted>,
        sections: Vec<Section>,
        answer: Records,
    ) -> Result<Vec<ChartSection>, Notice> {
        let devices: HashSet<_> = answer.records.iter().map(|r| r.header.device).collect();
        let writers = self.writers(devices).await;
        let (session, granted) = (Arc::clone(session), Arc::clone(granted));
        let read = move |_: &Self| {
            let domain = &session.network.domain;
            let secrets = granted.section_secrets(domain, &session.agreements.now());
            let reading = Reading {
                domain,
                patient: granted.patient(),
                sections: &sections,
                secrets: &secrets,
                writers: &writers,
            };
            reading.sections(&answer.records)
        };
        Ok(self.blocking(read).await?)
    }

    /// The patient's section keys, verified.
    pub(super) async fn section_keys(&self, session: &Session, granted: &Granted) -> Result<SectionKeys, Notice> {
        let permission = Permission {
            commitment: &granted.commitment,
            reason: None,
        };
        let answer = self
            .gateway
            .section_keys(session.by(), &granted.patient(), permission)
            .await
            .map_err(|e| self.heed(e))?;
        if answer.patient_key != granted.grant.patient_key {
            return Err(wardkey_core::key::KeyError::Unverified.into());
        }
        answer
            .keys
            .verify(&session.network.domain, &granted.patient(), &answer.patient_key)?;
        Ok(answer.keys)
    }

    /// The open chart as it is now; no new read.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn chart(&self) -> Result<Option<Chart>, Notice> {
        Ok(self.state().secrets.chart.as_ref().map(|c| c.view.clone()))
    }

    /// Closes the chart.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn close_chart(&self) -> Result<(), Notice> {
        let closed = {
            let mut state = self.state();
            state.secrets.import = None;
            state.secrets.chart.take()
        };
        if closed.is_some() {
            self.tell(&[Topic::Chart]);
        }
        Ok(())
    }

    /// Changes the open chart, if it is this grant's.
    pub(super) fn with_open_chart(&self, commitment: &Commitment, change: impl FnOnce(&mut OpenChart)) {
        let mut state = self.state();
        if let Some(chart) = state
            .secrets
            .chart
            .as_mut()
            .filter(|c| c.granted.commitment == *commitment)
        {
            change(chart);
            drop(state);
            self.tell(&[Topic::Chart]);
        }
    }
}

/// Every section of the protocol: what was loaded, and for the others why not.
fn chart(granted: &Granted, loaded: Vec<ChartSection>, log: Option<LogPlace>, may_read: bool) -> Chart {
    let mut loaded: std::collections::HashMap<Section, ChartSection> =
        loaded.into_iter().map(|s| (s.section, s)).collect();
    let sections = Section::ALL.iter().map(|section| {
        loaded.remove(section).unwrap_or_else(|| {
            let granted = granted.grant.document.read & section.bit() != 0;
            let state = if granted && !may_read {
                SectionState::Refused
            } else {
                SectionState::Withheld
            };
            ChartSection {
                section: *section,
                state,
                entries: vec![],
            }
        })
    });
    Chart {
        commitment: granted.commitment.to_string(),
        patient: ChartPatient {
            id: granted.patient().to_string(),
            name: granted.name.clone(),
            birth_date: granted.birth_date.clone(),
        },
        sections: sections.collect(),
        log,
    }
}
