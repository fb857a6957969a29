//! The PIV application itself: one command in, one answer out.

use crate::apdu::Apdu;
use crate::attest::{self, TestCa};
use crate::authenticate::{ALGORITHM_3DES, ALGORITHM_P256, Challenge, MANAGEMENT_KEY};
use crate::management;
use crate::state::{CardState, FACTORY_MANAGEMENT_KEY, FACTORY_PIN, FACTORY_PUK, Key, Reference};
use crate::touch::Finger;
use crate::{CardFault, tlv};
use std::path::{Path, PathBuf};

/// 5.4.3: later than 5.7 would promise an AES management key.
pub(crate) const VERSION: [u8; 3] = [5, 4, 3];
const AID: [u8; 11] = [0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0];
/// A YubiKey 5's answer to reset (T=1).
pub(crate) const ATR: [u8; 23] = [
    0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69,
    0x4b, 0x65, 0x79, 0x40,
];
/// The same over NFC, where `ykman --reader` works: it takes a contact card in a reader of any other name for no YubiKey.
pub(crate) const ATR_NFC: [u8; 18] = [
    0x3b, 0x8d, 0x80, 0x01, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0xf9,
];
/// The attestation certificate's object.
const F9_OBJECT: &str = "5fff01";
/// The discovery object (SP 800-73-4 part 1 §3.3.2); OpenSC uses it to tell that the application is selected.
const DISCOVERY: &str = "7e";
/// Printed information: readable with the PIN only.
const PRINTED: &str = "5fc109";

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

    fn save(&self) -> Result<(), Refusal> {
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

    fn verify(&mut self, p1: u8, p2: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        if p2 != 0x80 {
            return Err(0x6a88.into());
        }
        if p1 == 0xff {
            self.session.verified = false;
            return Ok(Vec::new());
        }
        if data.is_empty() {
            return match (self.session.verified, self.state.pin.left) {
                (true, _) => Ok(Vec::new()),
                (false, 0) => Err(0x6983.into()),
                (false, left) => Err((0x63c0 | u16::from(left)).into()),
            };
        }
        if data.len() != 8 {
            return Err(0x6a80.into());
        }
        self.session.verified = false;
        let outcome = self.state.pin.check(data);
        self.save()?;
        outcome?;
        self.session.verified = true;
        self.session.fresh = true;
        Ok(Vec::new())
    }

    fn change_reference(&mut self, p2: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (old, new) = pair(data)?;
        let reference = match p2 {
            0x80 => &mut self.state.pin,
            0x81 => &mut self.state.puk,
            _ => return Err(0x6a88.into()),
        };
        let outcome = reference.check(&old);
        if outcome.is_ok() {
            reference.value = new;
        }
        self.save()?;
        outcome?;
        Ok(Vec::new())
    }

    fn reset_retry(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (puk, pin) = pair(data)?;
        let outcome = self.state.puk.check(&puk);
        if outcome.is_ok() {
            self.state.pin = Reference::new(pin, self.state.pin.tries);
        }
        self.save()?;
        outcome?;
        Ok(Vec::new())
    }

    fn managed(&self) -> Result<(), Refusal> {
        if self.session.management {
            Ok(())
        } else {
            Err(0x6982.into())
        }
    }

    fn generate(&mut self, reference: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let template = tlv::find(data, 0xac).ok_or(0x6a80)?;
        if tlv::find(template, 0x80) != Some(&[ALGORITHM_P256]) {
            return Err(0x6a80.into());
        }
        let scalar = loop {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|_| 0x6f00)?;
            if p256::SecretKey::from_slice(&bytes).is_ok() {
                break bytes;
            }
        };
        self.put_key(reference, scalar, template, true)?;
        Ok(tlv::encode(0x7f49, &tlv::encode(0x86, &point(&scalar)?)))
    }

    fn import(&mut self, algorithm: u8, reference: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let scalar = tlv::find(data, 0x06)
            .and_then(|value| <[u8; 32]>::try_from(value).ok())
            .ok_or(0x6a80)?;
        if algorithm != ALGORITHM_P256 || p256::SecretKey::from_slice(&scalar).is_err() {
            return Err(0x6a80.into());
        }
        self.put_key(reference, scalar, data, false)?;
        Ok(Vec::new())
    }

    fn put_key(&mut self, reference: u8, scalar: [u8; 32], policies: &[u8], generated: bool) -> Result<(), Refusal> {
        if !matches!(reference, 0x82..=0x95 | 0x9a | 0x9c | 0x9d | 0x9e) {
            return Err(0x6a86.into());
        }
        let policy = |tag, default: u8| match tlv::find(policies, tag) {
            None | Some([0]) => Ok(default),
            Some(&[value @ 1..=3]) => Ok(value),
            Some(_) => Err(0x6a80),
        };
        let pin_default = match reference {
            0x9c => 3,
            0x9e => 1,
            _ => 2,
        };
        let key = Key {
            scalar,
            pin_policy: policy(0xaa, pin_default)?,
            touch_policy: policy(0xab, 1)?,
            generated,
        };
        self.state.keys.insert(reference, key);
        self.save()
    }

    fn get_data(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let tag = hex::encode(tlv::find(data, 0x5c).ok_or(0x6a80)?);
        if tag == DISCOVERY {
            let content = [tlv::encode(0x4f, &AID), tlv::encode(0x5f2f, &[0x40, 0])].concat();
            return Ok(tlv::encode(0x7e, &content));
        }
        if tag == PRINTED && !self.session.verified {
            return Err(0x6982.into());
        }
        let content = match self.state.objects.get(&tag) {
            Some(content) => hex::decode(content).map_err(|_| 0x6f00)?,
            None if tag == F9_OBJECT => {
                let der = hex::decode(&self.state.attestation_certificate).map_err(|_| 0x6f00)?;
                [tlv::encode(0x70, &der), tlv::encode(0x71, &[0]), tlv::encode(0xfe, &[])].concat()
            }
            None => return Err(0x6a82.into()),
        };
        Ok(tlv::encode(0x53, &content))
    }

    fn put_data(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let tag = hex::encode(tlv::find(data, 0x5c).ok_or(0x6a80)?);
        match tlv::find(data, 0x53).ok_or(0x6a80)? {
            [] => self.state.objects.remove(&tag),
            content => self.state.objects.insert(tag, hex::encode(content)),
        };
        self.save()?;
        Ok(Vec::new())
    }

    fn metadata(&self, reference: u8) -> Result<Vec<u8>, Refusal> {
        let secret = |reference: &Reference, factory: &[u8; 8]| {
            vec![
                1,
                1,
                0xff,
                5,
                1,
                u8::from(reference.value == *factory),
                6,
                2,
                reference.tries,
                reference.left,
            ]
        };
        Ok(match reference {
            0x80 => secret(&self.state.pin, &FACTORY_PIN),
            0x81 => secret(&self.state.puk, &FACTORY_PUK),
            MANAGEMENT_KEY => {
                let default = self.state.management_key == FACTORY_MANAGEMENT_KEY;
                vec![1, 1, ALGORITHM_3DES, 2, 2, 0, 1, 5, 1, u8::from(default)]
            }
            _ => {
                let key = self.state.keys.get(&reference).ok_or(0x6a88)?;
                let origin = if key.generated { 1 } else { 2 };
                let mut answer = vec![
                    1,
                    1,
                    ALGORITHM_P256,
                    2,
                    2,
                    key.pin_policy,
                    key.touch_policy,
                    3,
                    1,
                    origin,
                ];
                answer.extend(tlv::encode(4, &tlv::encode(0x86, &point(&key.scalar)?)));
                answer
            }
        })
    }

    fn attest(&self, reference: u8) -> Result<Vec<u8>, Refusal> {
        let key = self
            .state
            .keys
            .get(&reference)
            .filter(|key| key.generated)
            .ok_or(0x6a80)?;
        Ok(attest::leaf(&self.state, VERSION, reference, key, point(&key.scalar)?)?)
    }

    fn set_retries(&mut self, pin: u8, puk: u8) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        if !self.session.verified || pin == 0 || puk == 0 {
            return Err(0x6982.into());
        }
        self.state.pin = Reference::new(FACTORY_PIN, pin.min(15));
        self.state.puk = Reference::new(FACTORY_PUK, puk.min(15));
        self.save()?;
        Ok(Vec::new())
    }

    fn factory_reset(&mut self) -> Result<Vec<u8>, Refusal> {
        if self.state.pin.left != 0 || self.state.puk.left != 0 {
            return Err(0x6985.into());
        }
        let old = self.state.clone();
        self.state = CardState::factory(old.serial, old.attestation_key, old.attestation_certificate);
        self.session = Session::default();
        self.save()?;
        Ok(Vec::new())
    }

    fn set_management_key(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        match data {
            [ALGORITHM_3DES, MANAGEMENT_KEY, 24, key @ ..] => {
                self.state.management_key = key.try_into().map_err(|_| 0x6700)?;
                self.save()?;
                Ok(Vec::new())
            }
            _ => Err(0x6a80.into()),
        }
    }
}

fn pair(data: &[u8]) -> Result<([u8; 8], [u8; 8]), u16> {
    match data.split_first_chunk::<8>() {
        Some((old, new)) => Ok((*old, new.try_into().map_err(|_| 0x6700u16)?)),
        None => Err(0x6700),
    }
}

/// The uncompressed public point.
fn point(scalar: &[u8; 32]) -> Result<Vec<u8>, u16> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let secret = p256::SecretKey::from_slice(scalar).map_err(|_| 0x6f00u16)?;
    Ok(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
}
