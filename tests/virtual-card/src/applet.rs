//! The PIV application itself: one command in, one answer out.

use crate::apdu::Apdu;
use crate::attest::TestCa;
use crate::authenticate::Challenge;
use crate::management;
use crate::state::CardState;
use crate::touch::Finger;
use crate::{CardFault, tlv};
use std::path::{Path, PathBuf};

/// 5.4.3: later than 5.7 would promise an AES management key.
pub(crate) const VERSION: [u8; 3] = [5, 4, 3];
pub(crate) const AID: [u8; 11] = [0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0];
/// A YubiKey 5's answer to reset (T=1).
pub(crate) const ATR: [u8; 23] = [
    0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69,
    0x4b, 0x65, 0x79, 0x40,
];
/// The same over NFC, where `ykman --reader` works: it takes a contact card in a reader of any other name for no YubiKey.
pub(crate) const ATR_NFC: [u8; 18] = [
    0x3b, 0x8d, 0x80, 0x01, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0xf9,
];
/// A status word other than 9000, or a failure of the simulation (6F00).
#[derive(Debug)]
pub(crate) struct Refusal(u16);

impl From<u16> for Refusal {
    fn from(status: u16) -> Self {
        Self(status)
    }
}
impl From<CardFault> for Refusal {
    fn from(fault: CardFault) -> Self {
        eprintln!("virtual card: {fault}");
        Self(0x6f00)
    }
}

/// What ends with power, reset or SELECT.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) verified: bool,
    /// True if VERIFY was the last command: what "PIN always" asks for.
    pub(crate) fresh: bool,
    pub(crate) management: bool,
    pub(crate) challenge: Option<Challenge>,
}

/// The application that commands go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Application {
    None,
    Piv,
    Management,
}

/// One card.
pub struct Applet {
    pub(crate) state: CardState,
    path: PathBuf,
    selected: Application,
    pub(crate) session: Session,
    pub(crate) finger: Finger,
    chain: Vec<u8>,
    rest: Vec<u8>,
}

impl Applet {
    /// The card kept in the file `path`; a factory-fresh one if there is none. `serial` counts for a new card only; without it
    /// a random one is taken.
    ///
    /// # Errors
    /// [`CardFault`].
    pub fn open(path: &Path, ca: &TestCa, serial: Option<u32>) -> Result<Self, CardFault> {
        let path = if path.is_dir() {
            path.join("card.json")
        } else {
            path.to_owned()
        };
        let state = match CardState::load(&path)? {
            Some(state) => state,
            None => {
                let mut random = [0; 4];
                getrandom::fill(&mut random).map_err(|_| CardFault::Randomness)?;
                let state = ca.new_card(serial.unwrap_or(10_000_000 + u32::from_be_bytes(random) % 10_000_000))?;
                state.save(&path)?;
                state
            }
        };
        Ok(Self {
            state,
            path,
            selected: Application::None,
            session: Session::default(),
            finger: Finger::default(),
            chain: Vec::new(),
            rest: Vec::new(),
        })
    }

    /// The serial number.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.state.serial
    }

    /// Who touches this card.
    #[must_use]
    pub fn finger(&self) -> Finger {
        self.finger.clone()
    }

    /// Power off or power on: what a reset forgets, and the last touch.
    pub fn power_cycle(&mut self) {
        self.reset();
        self.finger.forget();
    }

    /// Reset: everything that does not last is forgotten.
    pub fn reset(&mut self) {
        self.selected = Application::None;
        self.session = Session::default();
        self.chain.clear();
        self.rest.clear();
    }

    /// Carries out one command; the answer ends with the status word.
    pub fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let Some(apdu) = Apdu::parse(command) else {
            return vec![0x67, 0x00];
        };
        if apdu.class & 0x10 != 0 {
            self.chain.extend_from_slice(apdu.data);
            return vec![0x90, 0x00];
        }
        let answer = if apdu.ins == 0xc0 {
            std::mem::take(&mut self.rest)
        } else {
            let mut data = std::mem::take(&mut self.chain);
            data.extend_from_slice(apdu.data);
            match self.dispatch(&apdu, &data) {
                Ok(answer) => answer,
                Err(Refusal(status)) => return status.to_be_bytes().to_vec(),
            }
        };
        self.in_pieces(answer, apdu.le)
    }

    fn in_pieces(&mut self, mut answer: Vec<u8>, le: usize) -> Vec<u8> {
        if answer.len() > le {
            self.rest = answer.split_off(le);
            answer.extend([0x61, u8::try_from(self.rest.len()).unwrap_or(0)]);
        } else {
            self.rest.clear();
            answer.extend([0x90, 0x00]);
        }
        answer
    }

    fn dispatch(&mut self, apdu: &Apdu<'_>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let Apdu { ins, p1, p2, .. } = *apdu;
        if ins == 0xa4 {
            return self.select(data);
        }
        match self.selected {
            Application::None => return Err(0x6d00.into()),
            Application::Management => return self.management(ins),
            Application::Piv => {}
        }
        let fresh = std::mem::take(&mut self.session.fresh);
        match ins {
            0x20 => self.verify(p1, p2, data),
            0x24 => self.change_reference(p2, data),
            0x2c => self.reset_retry(data),
            0x47 => self.generate(p2, data),
            0x87 => self.general_authenticate(p1, p2, data, fresh),
            0xcb => self.get_data(data),
            0xdb => self.put_data(data),
            0xf7 => self.metadata(p2),
            0xf8 => Ok(self.state.serial.to_be_bytes().to_vec()),
            0xf9 => self.attest(p1),
            0xfa => self.set_retries(p1, p2),
            0xfb => self.factory_reset(),
            0xfd => Ok(VERSION.to_vec()),
            0xfe => self.import(p1, p2, data),
            0xff => self.set_management_key(data),
            _ => Err(0x6d00.into()),
        }
    }

    pub(crate) fn save(&self) -> Result<(), Refusal> {
        Ok(self.state.save(&self.path)?)
    }

    fn select(&mut self, aid: &[u8]) -> Result<Vec<u8>, Refusal> {
        if aid == management::AID {
            self.reset();
            self.selected = Application::Management;
            return Ok(Self::management_banner());
        }
        if aid.len() < 5 || !AID.starts_with(aid) {
            return Err(0x6a82.into());
        }
        self.reset();
        self.selected = Application::Piv;
        let authority = tlv::encode(0x79, &tlv::encode(0x4f, &AID[..5]));
        Ok(tlv::encode(0x61, &[tlv::encode(0x4f, &AID[5..]), authority].concat()))
    }

    pub(crate) fn managed(&self) -> Result<(), Refusal> {
        if self.session.management {
            Ok(())
        } else {
            Err(0x6982.into())
        }
    }
}
