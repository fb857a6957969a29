//! Data objects (SP 800-73-4 part 1 §3), and what GET METADATA (Yubico) tells of keys and secrets.

use crate::applet::{AID, Applet, Refusal};
use crate::authenticate::{ALGORITHM_3DES, ALGORITHM_P256, MANAGEMENT_KEY};
use crate::keys::point;
use crate::state::{FACTORY_MANAGEMENT_KEY, FACTORY_PIN, FACTORY_PUK, Reference};
use crate::tlv;

/// The attestation certificate's object.
const F9_OBJECT: &str = "5fff01";
/// The discovery object (SP 800-73-4 part 1 §3.3.2); OpenSC uses it to tell that the application is selected.
const DISCOVERY: &str = "7e";
/// Printed information: readable with the PIN only.
const PRINTED: &str = "5fc109";

impl Applet {
    pub(crate) fn get_data(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
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

    pub(crate) fn put_data(&mut self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.managed()?;
        let tag = hex::encode(tlv::find(data, 0x5c).ok_or(0x6a80)?);
        match tlv::find(data, 0x53).ok_or(0x6a80)? {
            [] => self.state.objects.remove(&tag),
            content => self.state.objects.insert(tag, hex::encode(content)),
        };
        self.save()?;
        Ok(Vec::new())
    }

    pub(crate) fn metadata(&self, reference: u8) -> Result<Vec<u8>, Refusal> {
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
}
