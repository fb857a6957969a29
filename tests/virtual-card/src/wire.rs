//! The connection to `vpcd`: as long as it lasts, the card is in the reader.

use crate::applet::{ATR, Applet};
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// A fault that a test arms from outside.
#[derive(Clone, Debug, Default)]
pub struct Fault(Arc<Armed>);

#[derive(Debug, Default)]
struct Armed {
    /// The instruction that counts.
    ins: AtomicU8,
    /// Pulled at so many of them from now; 0 = never.
    left: AtomicU32,
}

impl Fault {
    /// The card is pulled when the next command with this instruction arrives, before it is answered.
    pub fn pull_at(&self, ins: u8) {
        self.pull_at_nth(ins, 1);
    }

    /// The same at the `nth` such command from now.
    pub fn pull_at_nth(&self, ins: u8, nth: u32) {
        self.0.ins.store(ins, Ordering::SeqCst);
        self.0.left.store(nth, Ordering::SeqCst);
    }

    fn strikes(&self, command: &[u8]) -> bool {
        if command.get(1) != Some(&self.0.ins.load(Ordering::SeqCst)) {
            return false;
        }
        let count = |left: u32| left.checked_sub(1);
        self.0.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) == Ok(1)
    }
}

/// An inserted card.
pub struct Card {
    applet: Applet,
    stream: TcpStream,
    fault: Fault,
}

impl Card {
    /// Inserts the card into the reader whose `vpcd` listens on this port of 127.0.0.1.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn insert(applet: Applet, port: u16, fault: Fault) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self { applet, stream, fault })
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
        &ATR
    }
    fn power_on(&mut self) {
        self.applet.reset();
    }
    fn power_off(&mut self) {
        self.applet.reset();
    }
    fn reset(&mut self) {
        self.applet.reset();
    }
    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        if self.fault.strikes(command) {
            // The answer finds no way out, and run() ends.
            drop(self.stream.shutdown(Shutdown::Both));
            return Vec::new();
        }
        self.applet.execute(command)
    }
}
