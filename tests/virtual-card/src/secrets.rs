//! PIN, PUK and management key: comparing, counting, replacing, and the reset that needs both blocked.

use crate::applet::{Applet, Refusal, Session};
use crate::authenticate::{ALGORITHM_3DES, MANAGEMENT_KEY};
use crate::state::{CardState, FACTORY_PIN, FACTORY_PUK, Reference};

impl Applet {
    pub(crate) fn verify(&mut self, p1: u8, p2: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
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

    pub(crate) fn change_reference(&mut self, p2: u8, data: &[u8]) -> Result<Vec<u8>, Refusal> {
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

    pub(crate) fn reset_retry(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (puk, pin) = pair(data)?;
        let outcome = self.state.puk.check(&puk);
        if outcome.is_ok() {
            self.state.pin = Reference::new(pin, self.state.pin.tries);
        }
        self.save()?;
        outcome?;
        Ok(Vec::new())
    }

    pub(crate) fn set_retries(&mut self, pin: u8, puk: u8) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        if !self.session.verified || pin == 0 || puk == 0 {
            return Err(0x6982.into());
        }
        self.state.pin = Reference::new(FACTORY_PIN, pin.min(15));
        self.state.puk = Reference::new(FACTORY_PUK, puk.min(15));
        self.save()?;
        Ok(Vec::new())
    }

    pub(crate) fn factory_reset(&mut self) -> Result<Vec<u8>, Refusal> {
        if self.state.pin.left != 0 || self.state.puk.left != 0 {
            return Err(0x6985.into());
        }
        let old = self.state.clone();
        self.state = CardState::factory(old.serial, old.attestation_key, old.attestation_certificate);
        self.session = Session::default();
        self.save()?;
        Ok(Vec::new())
    }

    pub(crate) fn set_management_key(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
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
