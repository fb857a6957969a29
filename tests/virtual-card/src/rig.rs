//! A private `pcscd` with virtual readers for tests, and cards to insert and pull.
//!
//! `pcscd` has one socket per machine, so a lock file makes test processes take turns. Needs root (as `pcscd` does) and the
//! packages `pcscd` and `vsmartcard-vpcd`.

use crate::{Applet, Card, CardFault, Fault, Finger, Moment, TestCa};
use std::fs::File;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The ports of vpcd's two slots on 127.0.0.1, as Debian configures them.
pub const PORTS: [u16; 2] = [35963, 35964];
/// The readers' names, in the order of [`PORTS`].
pub const READERS: [&str; 2] = ["Virtual PCD 00 00", "Virtual PCD 00 01"];
const PATIENCE: Duration = Duration::from_secs(15);

/// The card service with two empty virtual readers; ends when dropped, unless it ran before.
pub struct Rig {
    service: Option<Child>,
    owned: bool,
    ca: TestCa,
    // Last: released after everything else.
    _turn: File,
}

impl Rig {
    /// Waits for its turn, starts `pcscd` unless one with virtual readers runs already, and waits until it answers.
    /// `ca` is the folder of the test attestation root.
    ///
    /// # Errors
    /// [`CardFault::Service`] if `pcscd` or `vpcd` is missing or another user's service is in the way.
    pub fn start(ca: &Path) -> Result<Self, CardFault> {
        let file = std::env::temp_dir().join("wardkey-pcscd.lock");
        let fault = || CardFault::file(format!("cannot lock {}", file.display()));
        let turn = File::create(&file).map_err(fault())?;
        turn.lock().map_err(fault())?;
        let ca = TestCa::open(ca)?;
        let mut rig = Self {
            service: None,
            owned: true,
            ca,
            _turn: turn,
        };
        if readers().is_some() {
            rig.owned = false;
        } else {
            rig.start_service()?;
        }
        rig.wait_until("the virtual readers", || {
            readers().is_some_and(|found| {
                READERS
                    .iter()
                    .all(|name| found.iter().any(|(reader, _)| reader == name))
            })
        })?;
        Ok(rig)
    }

    /// Starts `pcscd` again after [`Rig::stop_service`].
    ///
    /// # Errors
    /// [`CardFault::Service`].
    pub fn start_service(&mut self) -> Result<(), CardFault> {
        let child = Command::new("pcscd")
            .args(["--foreground", "--error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                CardFault::Service(format!(
                    "cannot start pcscd ({error}); install pcscd and vsmartcard-vpcd"
                ))
            })?;
        self.service = Some(child);
        self.wait_until("pcscd", || readers().is_some_and(|found| !found.is_empty()))
    }

    /// Ends `pcscd`, as if it had crashed. All cards are gone then.
    ///
    /// # Errors
    /// [`CardFault::Service`] if it was started by somebody else.
    pub fn stop_service(&mut self) -> Result<(), CardFault> {
        if !self.owned {
            return Err(CardFault::Service(
                "pcscd was started by somebody else and is left alone".to_owned(),
            ));
        }
        if let Some(mut child) = self.service.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        Ok(())
    }

    /// Inserts the card kept in the file `state` (made factory-fresh if missing) into the reader on `port`, and waits until the
    /// service sees it.
    ///
    /// # Errors
    /// [`CardFault`].
    pub fn insert(&self, port: u16, state: &Path, serial: Option<u32>) -> Result<CardHandle, CardFault> {
        self.bring(port, state, serial, false)
    }

    /// The same by NFC.
    ///
    /// # Errors
    /// [`CardFault`].
    pub fn hold_to_antenna(&self, port: u16, state: &Path, serial: Option<u32>) -> Result<CardHandle, CardFault> {
        self.bring(port, state, serial, true)
    }

    fn bring(&self, port: u16, state: &Path, serial: Option<u32>, nfc: bool) -> Result<CardHandle, CardFault> {
        let applet = Applet::open(state, &self.ca, serial)?;
        let serial = applet.serial();
        let fault = Fault::default();
        let finger = applet.finger();
        let reader = reader(port)?;
        let lost = |error| CardFault::Service(format!("cannot insert a card on port {port}: {error}"));
        let card = Card::insert(applet, port, fault.clone()).map_err(lost)?.over_nfc(nfc);
        let cord = card.cord().map_err(lost)?;
        let runner = std::thread::spawn(move || drop(card.run()));
        let handle = CardHandle {
            reader,
            serial,
            fault,
            finger,
            cord,
            runner: Some(runner),
        };
        self.wait_for_card(handle.reader, true)?;
        Ok(handle)
    }

    /// Waits until the service sees a card, or none, in a reader.
    ///
    /// # Errors
    /// [`CardFault::Service`] after 15 seconds.
    pub fn wait_for_card(&self, reader: &str, present: bool) -> Result<(), CardFault> {
        self.wait_until("the card", || {
            readers().is_some_and(|found| found.contains(&(reader.to_owned(), present)))
        })
    }

    /// The test attestation root.
    #[must_use]
    pub fn root_pem(&self) -> PathBuf {
        self.ca.root_pem()
    }

    fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) -> Result<(), CardFault> {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            if Instant::now() > deadline {
                return Err(CardFault::Service(format!("{what} did not appear within 15 s")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Politely, so that it takes its socket away.
        if let Some(mut child) = self.service.take() {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let deadline = Instant::now() + Duration::from_secs(3);
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn reader(port: u16) -> Result<&'static str, CardFault> {
    let found = PORTS
        .iter()
        .position(|&known| known == port)
        .and_then(|index| READERS.get(index));
    found
        .copied()
        .ok_or_else(|| CardFault::Service(format!("no virtual reader has port {port}")))
}

/// Names of the readers and whether a card is in; `None` if no service answers.
fn readers() -> Option<Vec<(String, bool)>> {
    let context = pcsc::Context::establish(pcsc::Scope::System).ok()?;
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
        Err(_) => return None,
    };
    let mut states: Vec<_> = names
        .into_iter()
        .map(|name| pcsc::ReaderState::new(name, pcsc::State::UNAWARE))
        .collect();
    if !states.is_empty() {
        context.get_status_change(Duration::ZERO, &mut states).ok()?;
    }
    let seen = |state: &pcsc::ReaderState| {
        (
            state.name().to_string_lossy().into_owned(),
            state.event_state().contains(pcsc::State::PRESENT),
        )
    };
    Some(states.iter().map(seen).collect())
}

/// An inserted card; dropping it pulls it.
pub struct CardHandle {
    reader: &'static str,
    serial: u32,
    fault: Fault,
    finger: Finger,
    cord: TcpStream,
    runner: Option<JoinHandle<()>>,
}

impl CardHandle {
    /// The PC/SC name of the reader it is in.
    #[must_use]
    pub const fn reader(&self) -> &'static str {
        self.reader
    }

    /// The card's serial number, as the card layer reports it.
    #[must_use]
    pub fn serial(&self) -> String {
        self.serial.to_string()
    }

    /// Pulls the card when the next command with this instruction arrives, before it is answered.
    pub fn pull_at(&self, ins: u8) {
        self.fault.pull_at(ins);
    }

    /// The same at the `nth` such command from now.
    pub fn pull_at_nth(&self, ins: u8, nth: u32) {
        self.fault.pull_at_nth(ins, nth);
    }

    /// Pulls the card when it has carried out the next command with this instruction, before its answer is sent.
    pub fn pull_after(&self, ins: u8) {
        self.fault.pull_after(ins);
    }

    /// Pulls the card at the `nth` command from now, whichever it is.
    pub fn pull_at_command(&self, nth: u32, moment: Moment) {
        self.fault.pull_at_command(nth, moment);
    }

    /// Commands that arrived since the card was inserted.
    #[must_use]
    pub fn commands(&self) -> u32 {
        self.fault.commands()
    }

    /// Who touches this card.
    #[must_use]
    pub const fn finger(&self) -> &Finger {
        &self.finger
    }
}

impl Drop for CardHandle {
    fn drop(&mut self) {
        // The contacts part first: a card that waits for a finger must not answer any more.
        drop(self.cord.shutdown(Shutdown::Both));
        self.finger.pull();
        if let Some(runner) = self.runner.take() {
            drop(runner.join());
        }
    }
}
