//! The connection to `vpcd`: as long as it lasts, the card is in the reader.

use crate::applet::{ATR, ATR_NFC, Applet};
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A fault that a test arms from outside: when the card is pulled by itself.
#[derive(Clone, Debug, Default)]
pub struct Fault(Arc<Mutex<Armed>>);

#[derive(Debug, Default)]
struct Armed {
    /// Commands that arrived since the card was inserted.
    arrived: u32,
    plan: Option<Plan>,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// The instruction that counts; `None` = every command.
    ins: Option<u8>,
    /// Struck at so many of them from now.
    left: u32,
    moment: Moment,
}

/// When, within one command, the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the card does anything.
    Before,
    /// After the card did it and before its answer is sent.
    After,
}

impl Fault {
    /// The card is pulled when the next command with this instruction arrives, before it is carried out.
    pub fn pull_at(&self, ins: u8) {
        self.pull_at_nth(ins, 1);
    }

    /// The same at the `nth` such command from now.
    pub fn pull_at_nth(&self, ins: u8, nth: u32) {
        self.arm(Some(ins), nth, Moment::Before);
    }

    /// The card is pulled at the `nth` command from now, whichever it is.
    pub fn pull_at_command(&self, nth: u32, moment: Moment) {
        self.arm(None, nth, moment);
    }

    /// Commands that arrived since the card was inserted.
    #[must_use]
    pub fn commands(&self) -> u32 {
        self.armed().arrived
    }

    /// The card is pulled when it has carried out the next command with this instruction and not yet answered.
    pub fn pull_after(&self, ins: u8) {
        self.arm(Some(ins), 1, Moment::After);
    }

    fn arm(&self, ins: Option<u8>, left: u32, moment: Moment) {
        self.armed().plan = Some(Plan { ins, left, moment });
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, command: &[u8]) -> Option<Moment> {
        let mut armed = self.armed();
        armed.arrived += 1;
        let plan = armed.plan.as_mut()?;
        if plan.ins.is_some() && command.get(1).copied() != plan.ins {
            return None;
        }
        plan.left = plan.left.saturating_sub(1);
        let moment = plan.moment;
        (plan.left == 0).then(|| {
            armed.plan = None;
            moment
        })
    }
}

/// An inserted card.
pub struct Card {
    applet: Applet,
    stream: TcpStream,
    fault: Fault,
    nfc: bool,
}

impl Card {
    /// Inserts the card into the reader whose `vpcd` listens on this port of 127.0.0.1.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn insert(applet: Applet, port: u16, fault: Fault) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            applet,
            stream,
            fault,
            nfc: false,
        })
    }

    /// The same card, held to the reader's antenna.
    #[must_use]
    pub fn over_nfc(mut self, nfc: bool) -> Self {
        self.nfc = nfc;
        self
    }

    /// A second handle on the connection; shutting it down pulls the card.
    ///
    /// # Errors
    /// The system's.
    pub fn cord(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Answers commands until the card is pulled or the reader goes away.
    ///
    /// # Errors
    /// The connection's end, as the system words it.
    pub fn run(mut self) -> io::Result<()> {
        let mut connection = vpicc::Connection::from(self.stream.try_clone()?);
        loop {
            // Without this, delayed acknowledgements cost 40 ms per command; the system forgets it after each read.
            #[cfg(target_os = "linux")]
            std::os::linux::net::TcpStreamExt::set_quickack(&self.stream, true)?;
            connection.poll(&mut self)?;
        }
    }
}

impl vpicc::VSmartCard for Card {
    fn atr(&self) -> &[u8] {
        if self.nfc { &ATR_NFC } else { &ATR }
    }
    fn power_on(&mut self) {
        self.applet.power_cycle();
    }
    fn power_off(&mut self) {
        self.applet.power_cycle();
    }
    fn reset(&mut self) {
        self.applet.reset();
    }
    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let struck = self.fault.strikes(command);
        if struck == Some(Moment::After) {
            drop(self.applet.execute(command));
        }
        if struck.is_some() {
            // The answer finds no way out, and run() ends.
            drop(self.stream.shutdown(Shutdown::Both));
            return Vec::new();
        }
        self.applet.execute(command)
    }
}
