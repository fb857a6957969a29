//! What the workstation asks of the PIN window, and what it answers (protocol §9). One JSON line each way.
//!
//! The window's program calls [`run`] or [`choose`]: the card is opened, its serial number compared, the PIN verified and every
//! operation done in one card transaction. The PIN never leaves that program.

use crate::unblock::unblock_on;
use crate::{CardError, KeyStore, KeyUri, Keys, Pin, PivCard, Slot, store};
use serde::{Deserialize, Serialize};
use wardkey_core::fault::Coded;
use wardkey_core::hexbytes;
use wardkey_core::key::{PublicKey, Signature};
use zeroize::{Zeroize, Zeroizing};

/// One request to the PIN window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinJob {
    /// The PC/SC reader's name; empty if the job is for a key store that is no card in a reader.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reader: String,
    /// The key store, instead of a reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<KeyUri>,
    /// The serial number of card or token as in [`crate::CardInfo::serial`] and [`crate::StoreInfo::serial`]; another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// What the window is headed with, in the person's language.
    pub title: String,
    /// Which program or institution asks, in the person's language.
    pub asker: String,
    /// What for, in the person's language.
    pub purpose: String,
    /// Use the PIN, or choose a new one.
    pub kind: PinJobKind,
    /// What is done with it, in this order. May be empty for `choose`.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// For `choose`: the PIN that the card has now, if it is not `123456`. Known to IT, so no secret of the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factory_pin: Option<String>,
    /// For `choose` on a card whose PIN is blocked or forgotten: IT's unblocking code, in place of the PIN that the card has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puk: Option<Puk>,
}

/// A card's unblocking code, as ASCII digits; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Puk(pub String);

impl Drop for Puk {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Puk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Puk(…)")
    }
}

/// What the PIN is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PinJobKind {
    /// Type the PIN, do the operations.
    Use,
    /// Type a new PIN twice; it replaces the factory's, or a new key store is made under it; then do the operations.
    Choose,
}

/// One operation of card or key store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Operation {
    /// ECDSA over a digest.
    Sign {
        /// Which key.
        slot: Slot,
        /// SHA-256 digest.
        #[serde(with = "hexbytes::array")]
        digest: [u8; 32],
    },
    /// ECDH with a peer's key.
    Agree {
        /// Which key.
        slot: Slot,
        /// The other side.
        peer: PublicKey,
    },
    /// A new key, in a store that makes keys with its PIN.
    Generate {
        /// For which use; refused if there is a key already.
        slot: Slot,
    },
}

/// What the PIN window answers: `{"ok": […]}` or `{"error": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PinAnswer {
    /// One outcome per operation, in order.
    Ok(Vec<Outcome>),
    /// Nothing was done that lasts, except that a wrong PIN costs a try.
    Error(PinFault),
}

/// The result of one operation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of `sign`.
    Signature {
        /// 64 bytes, low-S.
        signature: Signature,
    },
    /// Of `agree`.
    Shared {
        /// The X coordinate, secret; wiped when dropped.
        shared: SharedSecret,
    },
    /// Of `generate`.
    Key {
        /// The new public key.
        key: PublicKey,
    },
}

/// 32 secret bytes, hex in JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedSecret(#[serde(with = "hexbytes::array")] pub [u8; 32]);

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signature { signature } => write!(f, "Signature({signature:?})"),
            Self::Shared { .. } => f.write_str("Shared(…)"),
            Self::Key { key } => write!(f, "Key({key:?})"),
        }
    }
}

/// A [`CardError`] as it crosses the pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinFault {
    /// Stable code, see `docs/errors.md`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do now.
    pub action: String,
    /// Tries left, if the error is about the PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u8>,
}

impl From<&CardError> for PinFault {
    fn from(error: &CardError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            action: error.action().to_owned(),
            tries_left: error.tries_left(),
        }
    }
}

impl From<Result<Vec<Outcome>, CardError>> for PinAnswer {
    fn from(result: Result<Vec<Outcome>, CardError>) -> Self {
        match result {
            Ok(outcomes) => Self::Ok(outcomes),
            Err(error) => Self::Error(PinFault::from(&error)),
        }
    }
}

impl PinAnswer {
    /// The JSON line, without the line feed, in a buffer that is wiped.
    ///
    /// # Errors
    /// Never in practice; serde's signature.
    pub fn to_line(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        // Room for everything, so that growing leaves no copies behind.
        let room = match self {
            Self::Ok(outcomes) => 64 + 160 * outcomes.len(),
            Self::Error(_) => 1024,
        };
        let mut line = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *line, self)?;
        Ok(Zeroizing::new(
            String::from_utf8(std::mem::take(&mut *line)).unwrap_or_default(),
        ))
    }
}

/// Opens the card, checks that it is the one meant, verifies the PIN and does all operations in one card transaction; or the same
/// with another key store.
#[must_use]
pub fn run(job: &PinJob, pin: &Pin) -> PinAnswer {
    match &job.store {
        Some(uri) => open_store(job, uri).and_then(|mut store| operate_in(&mut *store, pin, &job.operations)),
        None => open(job).and_then(|mut card| card.with_pin(pin, |verified| operate(verified, &job.operations))),
    }
    .into()
}

/// [`run`] with the PIN typed on the reader's own keys.
#[must_use]
pub fn run_on_reader(job: &PinJob) -> PinAnswer {
    open(job)
        .and_then(|mut card| card.with_reader_pin(|verified| operate(verified, &job.operations)))
        .into()
}

/// Replaces the factory's PIN, or a blocked one, by the holder's, or makes the key store under it; then does the operations with it.
#[must_use]
pub fn choose(job: &PinJob, new: &Pin) -> PinAnswer {
    match &job.store {
        Some(uri) => open_store(job, uri).and_then(|mut store| {
            store.create(new)?;
            operate_in(&mut *store, new, &job.operations)
        }),
        None => choose_pin(job, new),
    }
    .into()
}

fn choose_pin(job: &PinJob, new: &Pin) -> Result<Vec<Outcome>, CardError> {
    let mut card = open(job)?;
    match (&job.puk, &job.factory_pin) {
        (Some(puk), _) => unblock_on(&mut card, puk.0.as_bytes(), new)?,
        (None, Some(text)) => card.change_pin(&Pin::new(text.as_bytes())?, new)?,
        (None, None) => card.change_pin(&Pin::factory(), new)?,
    }
    if job.operations.is_empty() {
        return Ok(Vec::new());
    }
    card.with_pin(new, |verified| operate(verified, &job.operations))
}

fn open(job: &PinJob) -> Result<PivCard, CardError> {
    let mut card = PivCard::open(&job.reader)?;
    if let Some(expected) = &job.serial {
        card.expect_serial(expected)?;
    }
    Ok(card)
}

/// The job's key store, which must be the one that was seen when the job was written.
fn open_store(job: &PinJob, uri: &KeyUri) -> Result<Box<dyn KeyStore>, CardError> {
    if !job.reader.is_empty() {
        return Err(CardError::BadJob {
            reason: "it names a reader and a key store",
        });
    }
    let mut store = store::open(uri)?;
    if let Some(expected) = &job.serial {
        let found = store.info()?.serial.unwrap_or_else(|| "none".to_owned());
        if found != *expected {
            return Err(CardError::WrongCard {
                expected: expected.clone(),
                found,
            });
        }
    }
    Ok(store)
}

fn operate_in(store: &mut dyn KeyStore, pin: &Pin, operations: &[Operation]) -> Result<Vec<Outcome>, CardError> {
    let mut outcomes = Vec::new();
    store.with_pin(pin, &mut |keys| {
        outcomes = operate(keys, operations)?;
        Ok(())
    })?;
    Ok(outcomes)
}

fn operate(keys: &mut dyn Keys, operations: &[Operation]) -> Result<Vec<Outcome>, CardError> {
    operations
        .iter()
        .map(|operation| match operation {
            Operation::Sign { slot, digest } => keys
                .sign(*slot, digest)
                .map(|signature| Outcome::Signature { signature }),
            Operation::Agree { slot, peer } => keys.agree(*slot, peer).map(|shared| Outcome::Shared {
                shared: SharedSecret(*shared),
            }),
            Operation::Generate { slot } => keys.generate(*slot).map(|key| Outcome::Key { key }),
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use serde_json::json;
    use wardkey_core::key::SoftKey;

    #[test]
    fn a_job_reads_as_the_protocol_writes_it() {
        let peer = SoftKey::generate().unwrap().public();
        let text = json!({
            "reader": "Virtual PCD 00 00", "serial": "17", "title": "Sign in", "asker": "Summit Clinic", "purpose": "session",
            "kind": "use",
            "operations": [
                {"op": "sign", "slot": "9a", "digest": "07".repeat(32)},
                {"op": "agree", "slot": "9d", "peer": peer.to_string()},
            ],
        });
        let job: PinJob = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(
            job.operations[0],
            Operation::Sign {
                slot: Slot::Authentication,
                digest: [7; 32]
            }
        );
        assert_eq!(serde_json::to_value(&job).unwrap(), text);
        assert!(serde_json::from_value::<PinJob>(json!({"reader": "x", "pin": "123456"})).is_err());
    }

    #[test]
    fn a_job_for_a_key_store_names_it_instead_of_a_reader() {
        let text = json!({
            "store": "pkcs11:token=t;object=master?module-path=/m.so", "title": "Make keys", "asker": "Summit Clinic",
            "purpose": "master key", "kind": "use", "operations": [{"op": "generate", "slot": "9c"}],
        });
        let job: PinJob = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&job).unwrap(), text);
        // A PIN in a URI is refused wherever one is read.
        let mut with_pin = text;
        with_pin["store"] = "pkcs11:token=t?pin-value=1234".into();
        let refused = serde_json::from_value::<PinJob>(with_pin).unwrap_err().to_string();
        assert!(refused.contains("PIN window"), "{refused}");
        let both = PinJob {
            reader: "R".to_owned(),
            ..job
        };
        let answer = run(&both, &Pin::new(b"482913").unwrap());
        assert!(matches!(answer, PinAnswer::Error(fault) if fault.code == "pin-job-bad"));
    }

    #[test]
    fn answers_are_written_as_the_protocol_says() {
        let key = SoftKey::generate().unwrap().public();
        let ok = PinAnswer::Ok(vec![
            Outcome::Signature {
                signature: Signature([1; 64]),
            },
            Outcome::Shared {
                shared: SharedSecret([2; 32]),
            },
            Outcome::Key { key },
        ]);
        let line = ok.to_line().unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&line).unwrap(),
            json!({"ok": [{"signature": "01".repeat(64)}, {"shared": "02".repeat(32)}, {"key": key.to_string()}]})
        );
        assert_eq!(serde_json::from_str::<PinAnswer>(&line).unwrap(), ok);
        assert!(!format!("{ok:?}").contains("0202"));
        let wrong = PinAnswer::from(Err(CardError::WrongPin { tries_left: 2 }));
        let value = serde_json::to_value(&wrong).unwrap();
        assert_eq!(value["error"]["code"], "pin-wrong");
        assert_eq!(value["error"]["triesLeft"], 2);
    }
}
