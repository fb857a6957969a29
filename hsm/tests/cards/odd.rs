//! Cards that are not as they should be: the virtual YubiKey with its answers altered on their way.

use super::Bench;
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use wardkey_virtual_card::rig::{PORTS, READERS};
use wardkey_virtual_card::{Applet, TestCa};

/// From the command and the true answer, the one that is given.
pub(crate) type Alter = fn(&[u8], Vec<u8>) -> Vec<u8>;

struct Altered {
    applet: Applet,
    alter: Alter,
    atr: &'static [u8],
}

impl vpicc::VSmartCard for Altered {
    fn atr(&self) -> &[u8] {
        self.atr
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
        let answer = self.applet.execute(command);
        (self.alter)(command, answer)
    }
}

/// An odd card in the first reader; dropping it pulls it.
pub(crate) struct Odd {
    pub(crate) serial: String,
    cord: TcpStream,
    runner: Option<JoinHandle<()>>,
}

impl Drop for Odd {
    fn drop(&mut self) {
        drop(self.cord.shutdown(Shutdown::Both));
        if let Some(runner) = self.runner.take() {
            drop(runner.join());
        }
    }
}

/// A YubiKey 5's answer to reset.
const ATR: [u8; 23] = *b"\x3b\xfd\x13\x00\x00\x81\x31\xfe\x15\x80\x73\xc0\x21\xc0\x57\x59\x75\x62\x69\x4b\x65\x79\x40";

impl Bench {
    /// The card of this name, altered.
    pub(crate) fn insert_odd(&self, name: &str, alter: Alter) -> Odd {
        let odd = self.put_in(name, alter, &ATR);
        self.rig.wait_for_card(READERS[0], true).unwrap();
        odd
    }

    /// The same with an answer to reset of its own, and without waiting for the service to take it for a card.
    pub(crate) fn put_in(&self, name: &str, alter: Alter, atr: &'static [u8]) -> Odd {
        let ca = TestCa::open(&self.folder.path().join("ca")).unwrap();
        let applet = Applet::open(&self.state(name), &ca, None).unwrap();
        let serial = applet.serial().to_string();
        let stream = TcpStream::connect(("127.0.0.1", PORTS[0])).unwrap();
        stream.set_nodelay(true).unwrap();
        let cord = stream.try_clone().unwrap();
        let mut card = Altered { applet, alter, atr };
        let runner = std::thread::spawn(move || {
            let mut connection = vpicc::Connection::from(stream.try_clone().unwrap());
            loop {
                // Without this, delayed acknowledgements cost 40 ms per command.
                let _ = std::os::linux::net::TcpStreamExt::set_quickack(&stream, true);
                if connection.poll(&mut card).is_err() {
                    return;
                }
            }
        });
        Odd {
            serial,
            cord,
            runner: Some(runner),
        }
    }
}
