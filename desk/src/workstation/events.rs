//! What the gateway tells by itself: grants, revocations, requests, the end of the session.

use super::Workstation;
use crate::notice::{Notice, Tone};
use crate::view::Topic;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::{Credential, Event, Events, Network};
use wardkey_core::id::Commitment;
use wardkey_core::permission::Denial;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Listens for as long as this very session (a clinician's or a master key's) lasts; connects again when the line is lost.
pub(super) async fn listen(workstation: Weak<Workstation>, generation: u64) {
    let (mut pause, mut last): (_, Option<String>) = (FIRST_PAUSE, None);
    loop {
        let Some(stream) = open(&workstation, generation, last.as_deref()).await else {
            return;
        };
        if let Some(mut events) = stream {
            pause = FIRST_PAUSE;
            while let Some(batch) = events.next().await {
                let Some(this) = workstation.upgrade() else { return };
                if this.listener(generation).is_none() {
                    return;
                }
                batch.into_iter().for_each(|event| this.hear(event));
                last = events.last().map(str::to_owned).or(last);
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// `None` when the session is over; `Some(None)` when the line could not be opened.
async fn open(workstation: &Weak<Workstation>, generation: u64, last: Option<&str>) -> Option<Option<Events>> {
    let this = workstation.upgrade()?;
    let (credential, network) = this.listener(generation)?;
    let stream = Events::open(&this.gateway, &credential, &network.gateway, last).await;
    if stream.is_ok() && last.is_none() {
        // Whatever happened before there was a line; what is missed later, the gateway tells.
        this.read_anew();
    }
    Some(stream.ok())
}

impl Workstation {
    fn listener(&self, generation: u64) -> Option<(Credential, Arc<Network>)> {
        let state = self.state();
        if state.machine.generation() != generation {
            return None;
        }
        let device = state
            .secrets
            .session
            .as_ref()
            .map(|s| (s.credential.clone(), Arc::clone(&s.network)));
        device.or_else(|| {
            state
                .secrets
                .master
                .as_ref()
                .map(|m| (m.credential.clone(), Arc::clone(&m.network)))
        })
    }

    fn hear(&self, event: Event) {
        match event {
            Event::Grant(_) => self.patients_may_have_changed(),
            Event::Revoke(commitment) => {
                self.close_revoked(&commitment, &Denial::Revoked.into());
                self.patients_may_have_changed();
            }
            Event::Request | Event::Proposal => self.tell(&[Topic::Requests]),
            Event::Institution | Event::Resync => self.read_anew(),
            Event::Device(device) => self.device_changed(device),
            Event::SessionEnded(code) if code == "session-expired" => self.renew_soon(),
            Event::SessionEnded(code) => {
                let message = "this card or its institution may not be used any more";
                let notice = Notice::new(Tone::Danger, &code, message, "Ask IT. What you wrote is kept.");
                self.end_session(&code, Some(notice));
            }
        }
    }

    fn read_anew(&self) {
        self.tell(&[Topic::Snapshot, Topic::Patients, Topic::Requests, Topic::Devices]);
        tokio::spawn(super::take_up::take_up(self.me.clone()));
    }

    fn device_changed(&self, device: Option<wardkey_core::id::DeviceId>) {
        self.tell(&[Topic::Devices, Topic::Requests]);
        let own = self.state().machine.user();
        if device.is_some() && device == own {
            // The gateway's own words follow at the next request; asking for them now covers at once if it was revoked.
            self.patients_may_have_changed();
        }
    }

    /// Closes the chart if it was opened under this grant.
    pub(super) fn close_revoked(&self, commitment: &Commitment, notice: &Notice) {
        let closed = {
            let mut state = self.state();
            let open = state
                .secrets
                .chart
                .as_ref()
                .is_some_and(|c| c.granted.commitment == *commitment);
            if open {
                state.notice = Some(notice.clone().toned(Tone::Warning));
                state.secrets.import = None;
            }
            open.then(|| state.secrets.chart.take())
        };
        if closed.is_some() {
            self.tell(&[Topic::Chart, Topic::Snapshot]);
        }
    }
}
