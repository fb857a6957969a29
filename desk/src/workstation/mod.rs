//! The workstation: one async method per command of the window (see the modules by area), and what runs by itself.
//!
//! Locking: one short mutex over [`state::State`], never held across an await. Whatever is fetched or opened for a session is kept only
//! if the machine's generation is still the one it was begun under, so nothing survives a pulled card by being late.

mod approvals;
mod cards;
mod chart;
mod devices;
mod enrolment;
mod events;
mod home;
mod import;
mod it_card;
mod key_move;
mod master;
mod master_key;
mod master_made;
mod masters;
mod network;
mod outbox;
mod patients;
mod posters;
mod proposals;
mod readers;
mod renewal;
mod session;
mod sign_in;
mod state;
mod take_up;
mod unblock;
mod uses;
mod write;

pub use enrolment::named;
pub use readers::Enrolling;

use crate::card::{CardPort, PcscPort, WatchGuard};
use crate::error::DeskError;
use crate::notice::{Notice, Tone};
use crate::settings::Settings;
use crate::store::Store;
use crate::view::{CardView, ChainView, GatewayState, MasterPlace, Progress, Snapshot, Topic};
use network::Directory;
use state::{Master, Secrets, Session, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use tokio::sync::Notify;
use wardkey_client::{Gateway, GatewayError};

type OnChange = Box<dyn Fn(&[Topic]) + Send + Sync>;
type OnProgress = Box<dyn Fn(&Progress) + Send + Sync>;

/// A running workstation. Ends, with all its keys, when the last `Arc` goes; what runs by itself ends within half a minute.
pub struct Workstation {
    me: Weak<Self>,
    settings: Settings,
    gateway: Gateway,
    store: Store,
    card: Arc<dyn CardPort>,
    state: Mutex<State>,
    directory: Directory,
    changed: OnChange,
    progress: RwLock<Option<OnProgress>>,
    /// One PIN window at a time.
    pin_window: tokio::sync::Mutex<()>,
    /// One move of the institution's key at a time.
    key_moving: tokio::sync::Mutex<()>,
    outbox_due: Arc<Notify>,
    watch: Mutex<Option<WatchGuard>>,
}

impl Workstation {
    /// Opens the store, watches the readers, and begins to look for the gateway. Must be called within a Tokio runtime. Does not
    /// wait for card or network, so the window is there at once. `on_change` is called from any thread and must not block.
    ///
    /// # Errors
    /// A [`Notice`] if the data folder cannot be used or is in use.
    pub fn start(
        settings: Settings,
        on_change: impl Fn(&[Topic]) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, Notice> {
        let card = Arc::new(PcscPort::new(settings.pinpad_program()));
        Self::start_with(settings, card, on_change)
    }

    /// [`Workstation::start`] with another way to readers and cards.
    ///
    /// # Errors
    /// As [`Workstation::start`].
    pub fn start_with(
        settings: Settings,
        card: Arc<dyn CardPort>,
        on_change: impl Fn(&[Topic]) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, Notice> {
        let store = Store::open(&settings.data, settings.disk_reserve_mib << 20)?;
        let authority = match &settings.gateway_ca {
            Some(path) => Some(std::fs::read(path).map_err(|e| DeskError::FileFailed {
                detail: format!("{}: {e}", path.display()),
            })?),
            None => None,
        };
        let gateway = Gateway::new(
            &settings.gateway,
            authority.as_deref(),
            settings.gateway_is_local(),
            crate::clock::now,
        )?;
        let state = State {
            home: home::remembered(&settings),
            home_name: settings.institution_name.clone(),
            ..State::default()
        };
        let this = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            settings,
            gateway,
            store,
            card,
            state: Mutex::new(state),
            directory: Directory::default(),
            changed: Box::new(on_change),
            progress: RwLock::new(None),
            pin_window: tokio::sync::Mutex::new(()),
            key_moving: tokio::sync::Mutex::new(()),
            outbox_due: Arc::new(Notify::new()),
            watch: Mutex::new(None),
        });
        this.watch_readers()?;
        tokio::spawn(network::follow(Arc::downgrade(&this)));
        tokio::spawn(patients::follow_clock(Arc::downgrade(&this)));
        tokio::spawn(outbox::send_always(Arc::downgrade(&this)));
        Ok(this)
    }

    /// Hears how far long tasks have come.
    pub fn on_progress(&self, heard: impl Fn(&Progress) + Send + Sync + 'static) {
        *self.progress.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(heard));
    }

    /// The settings it runs with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Everything that is always visible. Answers at once.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn snapshot(&self) -> Result<Snapshot, Notice> {
        let outbox = self.store.outbox_count().unwrap_or_default();
        let now = crate::clock::now();
        let state = self.state();
        let card = state.card.as_ref().map(|info| CardView {
            serial: info.serial.clone().unwrap_or_default(),
            firmware: info.firmware.clone().unwrap_or_default(),
            prepared: crate::card::CardKeys::of(info).is_some() && !info.default_pin,
            reader: info.reader.clone(),
            blocked: info.tries_left == Some(0),
        });
        Ok(Snapshot {
            phase: state.machine.phase(),
            covered: state.machine.covered(),
            institution: state.home_name.clone(),
            terminal: self.settings.terminal.clone(),
            emergency: self.settings.emergency.clone(),
            user: state.user.clone(),
            unblock: state.secrets.unblock.as_ref().map(unblock::Asked::view),
            card_end: state
                .secrets
                .session
                .as_ref()
                .and_then(|session| renewal::card_end(session, state.renewal_requested, now)),
            master: state.master_view.clone(),
            card,
            notice: state.notice.clone(),
            gateway: if self.gateway.is_online() {
                GatewayState::Online
            } else {
                GatewayState::Offline
            },
            chain: state.chain.map(|(block, heard)| ChainView {
                block,
                age: now.saturating_sub(heard),
            }),
            outbox,
            trial: self.settings.trust_test_root,
            trial_keys: master_key::place_of(&self.settings) == MasterPlace::File,
            master_place: master_key::place_of(&self.settings),
            lock: state.machine.lock(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, topics: &[Topic]) {
        (self.changed)(topics);
    }

    fn tell_progress(&self, progress: &Progress) {
        if let Some(heard) = self.progress.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            heard(progress);
        }
    }

    /// Shows a notice until the next one, or `None` to take it away.
    fn note(&self, notice: Option<Notice>) {
        let mut state = self.state();
        if state.notice != notice {
            state.notice = notice;
            drop(state);
            self.tell(&[Topic::Snapshot]);
        }
    }

    /// The session, and the generation under which whatever is done with it must end.
    fn session(&self) -> Result<(Arc<Session>, u64), DeskError> {
        let state = self.state();
        let session = state.secrets.session.clone().ok_or(DeskError::NotSignedIn)?;
        Ok((session, state.machine.generation()))
    }

    fn master(&self) -> Result<Arc<Master>, DeskError> {
        let now = crate::clock::now();
        self.state()
            .secrets
            .master
            .clone()
            .filter(|m| now < m.expiry)
            .ok_or(DeskError::MasterRequired)
    }

    /// Runs `keep` if nothing was wiped since `generation`.
    fn keep<T>(&self, generation: u64, keep: impl FnOnce(&mut State) -> T) -> Result<T, DeskError> {
        let mut state = self.state();
        if state.machine.generation() == generation {
            Ok(keep(&mut state))
        } else {
            Err(DeskError::CardRemoved)
        }
    }

    /// After a refusal: what it says about session, card or grant is acted upon.
    fn heed(&self, error: GatewayError) -> Notice {
        match error.code() {
            Some(code @ ("device-revoked" | "device-suspended" | "device-expired" | "device-unknown")) => {
                self.end_session(code, Some(error.clone().into()))
            }
            Some("session-expired" | "session-unknown") => self.renew_soon(),
            _ => {}
        }
        error.into()
    }

    /// Shows the change first, then drops what must go, then makes the card forget its PIN.
    fn wiped(&self, secrets: Secrets) {
        self.tell(&[
            Topic::Snapshot,
            Topic::Patients,
            Topic::Chart,
            Topic::Requests,
            Topic::Devices,
            Topic::Card,
        ]);
        drop(secrets);
        let card = Arc::clone(&self.card);
        std::thread::spawn(move || card.release());
    }

    /// Runs blocking work on a thread of its own.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, DeskError> {
        let this = self.me.upgrade().ok_or(DeskError::Internal)?;
        tokio::task::spawn_blocking(move || work(&this))
            .await
            .map_err(|_| DeskError::Internal)
    }

    fn service_notice(&self, down: bool) {
        let notice = down.then(|| Notice::of(&wardkey_hsm::CardError::ServiceDown).toned(Tone::Danger));
        let shown = self.state().notice.clone();
        if down || shown.is_some_and(|n| n.code == "card-service-down") {
            self.note(notice);
        }
    }
}

impl Drop for Workstation {
    fn drop(&mut self) {
        // What waits for the bell sees that there is nobody any more.
        self.outbox_due.notify_waiters();
    }
}
