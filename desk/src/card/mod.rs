//! The card as the workstation uses it. Behind a trait, so that the whole workstation is tested without a reader; the product has one
//! implementation, [`PcscPort`].

mod pcsc;
mod pinpad;

pub use pcsc::PcscPort;

use crate::notice::Notice;
use futures::future::BoxFuture;
use wardkey_core::key::{PublicKey, Signature};
use wardkey_hsm::attestation::Evidence;
use wardkey_hsm::monitor::ReaderEvent;
use wardkey_hsm::pinjob::{Outcome, PinJob};
use wardkey_hsm::prepare::{PrepareSettings, Prepared, Step};
use wardkey_hsm::{CardError, CardInfo, KeyUri, Slot, StoreInfo};
pub use zeroize::Zeroizing;

/// Ends a watch when dropped.
pub type WatchGuard = Box<dyn Send + Sync>;

/// Everything the workstation asks of readers, cards and the PIN window. Methods block, except where they say otherwise; the
/// workstation calls them on threads of their own.
pub trait CardPort: Send + Sync + 'static {
    /// Reports cards that come and go, those already there first. `only` names the one reader that counts.
    ///
    /// # Errors
    /// [`CardError::Service`].
    fn watch(&self, only: Option<String>, heard: Box<dyn Fn(ReaderEvent) + Send>) -> Result<WatchGuard, CardError>;

    /// What the card tells without a PIN. May end a verified PIN, so it is not called while somebody is signed in.
    ///
    /// # Errors
    /// [`CardError`].
    fn info(&self, reader: &str) -> Result<CardInfo, CardError>;

    /// Keeps a connection, so that the card stays powered and its PIN verified for [`CardPort::sign_unlocked`].
    ///
    /// # Errors
    /// [`CardError`].
    fn hold(&self, reader: &str) -> Result<(), CardError>;

    /// Lets go of that connection, and makes the card forget the PIN if it is still there.
    fn release(&self);

    /// Signs over the held connection while the PIN is still verified.
    ///
    /// # Errors
    /// [`CardError::PinRequired`].
    fn sign_unlocked(&self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError>;

    /// ECDH over the held connection while the PIN is still verified.
    ///
    /// # Errors
    /// [`CardError::PinRequired`].
    fn agree_unlocked(&self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError>;

    /// Makes the keys of a new card, or finishes what was broken off.
    ///
    /// # Errors
    /// [`CardError`].
    fn prepare(
        &self,
        reader: &str,
        settings: &PrepareSettings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Prepared, CardError>;

    /// The attestation of a card's keys, whenever they were made.
    ///
    /// # Errors
    /// [`CardError`].
    fn evidence(&self, reader: &str) -> Result<Evidence, CardError>;

    /// What a key store that is no card in a reader tells without a PIN.
    ///
    /// # Errors
    /// [`CardError`].
    fn store(&self, uri: &KeyUri) -> Result<StoreInfo, CardError> {
        wardkey_hsm::store::open(uri)?.info()
    }

    /// Opens the PIN window; not blocking.
    fn ask_pin(&self, job: PinJob) -> BoxFuture<'_, Result<Answers, Notice>>;
}

/// What the PIN window answered, taken in order.
#[derive(Debug)]
pub struct Answers(std::vec::IntoIter<Outcome>);

impl Answers {
    /// From the outcomes of a job's operations.
    #[must_use]
    pub fn new(outcomes: Vec<Outcome>) -> Self {
        Self(outcomes.into_iter())
    }

    /// The next one, a signature.
    ///
    /// # Errors
    /// The window answered something else.
    pub fn signature(&mut self) -> Result<Signature, Notice> {
        match self.0.next() {
            Some(Outcome::Signature { signature }) => Ok(signature),
            _ => Err(crate::error::DeskError::PinpadBroken.into()),
        }
    }

    /// The next one, a new public key.
    ///
    /// # Errors
    /// The window answered something else.
    pub fn key(&mut self) -> Result<PublicKey, Notice> {
        match self.0.next() {
            Some(Outcome::Key { key }) => Ok(key),
            _ => Err(crate::error::DeskError::PinpadBroken.into()),
        }
    }

    /// The next one, an agreed secret.
    ///
    /// # Errors
    /// The window answered something else.
    pub fn shared(&mut self) -> Result<Zeroizing<[u8; 32]>, Notice> {
        match self.0.next() {
            Some(Outcome::Shared { shared }) => Ok(Zeroizing::new(shared.0)),
            _ => Err(crate::error::DeskError::PinpadBroken.into()),
        }
    }
}

/// The three public keys of a prepared card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardKeys {
    /// 9A.
    pub authentication: PublicKey,
    /// 9C.
    pub signature: PublicKey,
    /// 9D.
    pub agreement: PublicKey,
}

impl CardKeys {
    /// The keys, if all three are there.
    #[must_use]
    pub fn of(info: &CardInfo) -> Option<Self> {
        let key = |slot| info.keys.iter().find(|k| k.slot == slot).and_then(|k| k.public_key);
        Some(Self {
            authentication: key(Slot::Authentication)?,
            signature: key(Slot::Signature)?,
            agreement: key(Slot::KeyManagement)?,
        })
    }
}
