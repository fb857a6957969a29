//! A connection to one card.

use super::reader_pad::ReaderPad;
use super::transport::{self, Line};
use super::{CardInfo, Verified, capabilities, commands};
use crate::attestation::Evidence;
use crate::store::Capabilities;
use crate::{CardError, Pin, Slot, TouchPolicy, holder};
use std::sync::mpsc;
use std::time::Duration;
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// A shared connection to the PIV application of a card. Bound to this very insertion: after a pull every call fails with
/// [`CardError::Pulled`], and another card needs a new connection.
///
/// Calls block while another program has a transaction, so use it on a thread of its own, never on the window's.
/// Dropping leaves the card as it is, a verified PIN included; [`PivCard::forget_pin`] ends that.
pub struct PivCard {
    card: Option<pcsc::Card>,
    /// What card and reader agreed on; asking the service before every transaction would cost a twentieth of it.
    protocol: Option<pcsc::Protocol>,
    reader: String,
}

impl PivCard {
    /// Connects and selects the PIV application, which drops a verified PIN.
    ///
    /// # Errors
    /// [`CardError::ServiceDown`], [`CardError::NoReader`], [`CardError::NoCard`], [`CardError::NotPiv`], [`CardError::Busy`].
    pub fn open(reader: &str) -> Result<Self, CardError> {
        let mut card = Self::attach(reader)?;
        card.transact(|line| commands::select(line))?;
        Ok(card)
    }

    /// Connects without any command. A program that renews sessions silently keeps one of these from before the PIN window
    /// opens: the service powers an unused card down after some seconds, and then the PIN is forgotten.
    ///
    /// # Errors
    /// As [`PivCard::open`], without `NotPiv`.
    pub fn attach(reader: &str) -> Result<Self, CardError> {
        let context = transport::context()?;
        let name = transport::reader_name(reader)?;
        let card = context
            .connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
            .map_err(transport::error)?;
        Ok(Self {
            protocol: protocol(&card),
            card: Some(card),
            reader: reader.to_owned(),
        })
    }

    /// [`PivCard::open`] with a watchdog: the service may block without limit while another program holds the card. On
    /// time-out the waiting thread is left behind; it ends when the service answers.
    ///
    /// # Errors
    /// As [`PivCard::open`]; [`CardError::Busy`] after `patience`.
    pub fn open_within(reader: &str, patience: Duration) -> Result<Self, CardError> {
        let (send, receive) = mpsc::sync_channel(1);
        let reader = reader.to_owned();
        std::thread::Builder::new()
            .name("card-open".to_owned())
            .spawn(move || drop(send.send(Self::open(&reader))))
            .map_err(|error| CardError::Service {
                detail: error.to_string(),
            })?;
        receive
            .recv_timeout(patience)
            .unwrap_or_else(|_| Err(CardError::Busy { by: holder::programs() }))
    }

    /// The reader's name.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// Everything the card tells without a PIN; keeps a verified PIN.
    ///
    /// # Errors
    /// [`CardError::NotPiv`], [`CardError::Pulled`], [`CardError::Protocol`].
    pub fn info(&mut self) -> Result<CardInfo, CardError> {
        let reader = self.reader.clone();
        self.selected(|line| CardInfo::read(line, &reader))
    }

    /// Refuses another card than the one with this serial number; keeps a verified PIN.
    ///
    /// # Errors
    /// [`CardError::WrongCard`].
    pub fn expect_serial(&mut self, expected: &str) -> Result<(), CardError> {
        let found = self
            .selected(|line| commands::serial(line))?
            .unwrap_or_else(|| "a card without serial number".to_owned());
        if found == expected {
            Ok(())
        } else {
            Err(CardError::WrongCard {
                expected: expected.to_owned(),
                found,
            })
        }
    }

    /// The public key in a slot, from GET METADATA, else from the slot's certificate; keeps a verified PIN.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`], [`CardError::SlotUnsupported`].
    pub fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        self.selected(|line| commands::public_key(line, slot))?
            .ok_or(CardError::SlotEmpty { slot })
    }

    /// The certificate in a slot, DER; `None` if there is none. Keeps a verified PIN.
    ///
    /// # Errors
    /// [`CardError::Pulled`], [`CardError::Protocol`].
    pub fn certificate(&mut self, slot: Slot) -> Result<Option<Vec<u8>>, CardError> {
        self.selected(|line| commands::certificate(line, slot))
    }

    /// One transaction: SELECT, VERIFY, then what `operations` does. The PIN stays verified afterwards as the slots' policies
    /// allow, for [`PivCard::sign_unlocked`].
    ///
    /// # Errors
    /// [`CardError::WrongPin`] with the tries left, [`CardError::PinBlocked`], [`CardError::PinDefault`] if the factory PIN is
    /// still set, [`CardError::Pulled`], and those of `operations`.
    pub fn with_pin<T>(
        &mut self,
        pin: &Pin,
        operations: impl FnOnce(&mut Verified<'_>) -> Result<T, CardError>,
    ) -> Result<T, CardError> {
        self.transact(|line| {
            commands::select(line)?;
            operations(&mut Verified::new(line, pin)?)
        })
    }

    /// True if the reader has keys of its own for the PIN, so that it need not pass through this computer. A reader that does not
    /// answer has none.
    pub fn has_reader_pad(&mut self) -> bool {
        self.transact(|line| Ok(ReaderPad::find(line).is_some()))
            .unwrap_or(false)
    }

    /// [`PivCard::with_pin`] with the PIN typed on the reader; blocks until it was typed.
    ///
    /// # Errors
    /// As [`PivCard::with_pin`]; [`CardError::Cancelled`] if nobody typed it; [`CardError::NoReader`] if the reader has no keys.
    pub fn with_reader_pin<T>(
        &mut self,
        operations: impl FnOnce(&mut Verified<'_>) -> Result<T, CardError>,
    ) -> Result<T, CardError> {
        self.transact(|line| {
            let pad = ReaderPad::find(line).ok_or(CardError::NoReader)?;
            commands::select(line)?;
            operations(&mut Verified::on_reader(line, pad)?)
        })
    }

    /// When the key in `slot` wants to be touched; `None` if the card does not tell. Keeps a verified PIN.
    ///
    /// # Errors
    /// [`CardError::Pulled`], [`CardError::Protocol`].
    pub fn touch_policy(&mut self, slot: Slot) -> Result<Option<TouchPolicy>, CardError> {
        self.selected(|line| Ok(commands::metadata(line, slot.reference())?.and_then(|key| key.touch_policy)))
    }

    /// Signs while the PIN is still verified, without SELECT: the silent renewal of a session with 9A. The caller verifies the
    /// signature with the key it expects, since the card is not asked who it is.
    ///
    /// # Errors
    /// [`CardError::PinRequired`] if the card wants the PIN, was reset, or another application was selected meanwhile.
    pub fn sign_unlocked(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.transact(|line| commands::sign(line, slot, digest))?
            .map_err(|_| CardError::PinRequired)
    }

    /// ECDH while the PIN is still verified, as [`PivCard::sign_unlocked`]: a running session takes up the institution's next
    /// agreement key with 9D. What comes of it tells whether it was the expected card.
    ///
    /// # Errors
    /// [`CardError::PinRequired`] if the card wants the PIN, was reset, or another application was selected meanwhile.
    pub fn agree_unlocked(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.transact(|line| commands::agree(line, slot, peer))?
            .map_err(|_| CardError::PinRequired)
    }

    /// Makes the card forget a verified PIN.
    ///
    /// # Errors
    /// [`CardError::Pulled`], [`CardError::NotPiv`].
    pub fn forget_pin(&mut self) -> Result<(), CardError> {
        self.transact(|line| commands::forget_pin(line))
    }

    /// Replaces the PIN. If `old` is the factory's and the card says that it has another, no try is spent.
    ///
    /// # Errors
    /// [`CardError::PinNotFactory`], [`CardError::WrongPin`], [`CardError::PinBlocked`], [`CardError::PinTooSimple`],
    /// [`CardError::PinDefault`] if `new` is the factory's.
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        new.must_be_choosable()?;
        self.transact(|line| {
            commands::select(line)?;
            let known_default = commands::pin_metadata(line)?.and_then(|pin| pin.is_default);
            if old.is_factory() && known_default == Some(false) {
                return Err(CardError::PinNotFactory);
            }
            commands::change_pin(line, old, new)
        })
    }

    /// Sets a new PIN with the unblocking code that IT holds.
    ///
    /// # Errors
    /// [`CardError::WrongPuk`], [`CardError::PukBlocked`], [`CardError::PinTooSimple`], [`CardError::PinDefault`].
    pub fn unblock_pin(&mut self, puk: &[u8; 8], new: &Pin) -> Result<(), CardError> {
        new.must_be_choosable()?;
        self.transact(|line| {
            commands::select(line)?;
            commands::unblock_pin(line, puk, new)
        })
    }

    /// The attestation certificates of the three slots and their issuer; empty where the card gives none.
    ///
    /// # Errors
    /// [`CardError::Pulled`], [`CardError::Protocol`].
    pub fn evidence(&mut self) -> Result<Evidence, CardError> {
        self.selected(|line| {
            let mut leaf = |slot| commands::attest(line, slot).map(Option::unwrap_or_default);
            Ok(Evidence {
                leaf9a: leaf(Slot::Authentication)?,
                leaf9c: leaf(Slot::Signature)?,
                leaf9d: leaf(Slot::KeyManagement)?,
                issuer: commands::attestation_certificate(line)?.unwrap_or_default(),
            })
        })
    }

    /// What the card can do, probed by its answer to reset, GET VERSION and GET METADATA; keeps a verified PIN.
    pub(crate) fn probe(&mut self) -> Result<Capabilities, CardError> {
        let status = self.card.as_ref().and_then(|card| card.status2_owned().ok());
        let atr = status.map(|status| hex::encode(status.atr())).unwrap_or_default();
        self.selected(|line| capabilities::probe(line, &atr))
    }

    /// True or false as the card says; `None` if it does not say.
    pub(crate) fn has_factory_pin(&mut self) -> Result<Option<bool>, CardError> {
        self.selected(|line| Ok(commands::pin_metadata(line)?.and_then(|pin| pin.is_default)))
    }

    /// True if a key or a certificate is in the slot.
    pub(crate) fn is_filled(&mut self, slot: Slot) -> Result<bool, CardError> {
        self.selected(|line| {
            Ok(commands::metadata(line, slot.reference())?.is_some()
                || commands::object(line, slot.certificate_object())?.is_some())
        })
    }

    /// Whether the card has a CHUID and a CCC.
    pub(crate) fn has_identity(&mut self) -> Result<(bool, bool), CardError> {
        self.selected(|line| {
            let mut has = |tag| commands::object(line, tag).map(|content| content.is_some());
            Ok((has(commands::CHUID)?, has(commands::CCC)?))
        })
    }

    /// True or false as the card says; `None` if it does not say.
    pub(crate) fn has_factory_management_key(&mut self) -> Result<Option<bool>, CardError> {
        self.selected(|line| Ok(commands::metadata(line, commands::MANAGEMENT_KEY)?.and_then(|key| key.is_default)))
    }

    /// The key of a slot that preparing has finished: made on this card with our policies, and described by its certificate.
    pub(crate) fn finished_key(&mut self, slot: Slot) -> Result<Option<PublicKey>, CardError> {
        self.selected(|line| {
            let Some(made) = commands::metadata(line, slot.reference())? else {
                return Ok(None);
            };
            let ours = made.generated == Some(true)
                && made.algorithm == Some(commands::P256)
                && made.pin_policy == Some(slot.pin_policy())
                && made.touch_policy == Some(TouchPolicy::Never);
            let key = made.point.and_then(|point| PublicKey::from_sec1(&point).ok());
            let described = commands::described_key(line, slot)?;
            Ok(key.filter(|key| ours && described == Some(*key)))
        })
    }

    /// Refuses a card that says its PUK or management key is still the factory's.
    pub(crate) fn expect_no_factory_secrets(&mut self) -> Result<(), CardError> {
        self.selected(|line| {
            for reference in [commands::PUK, commands::MANAGEMENT_KEY] {
                if commands::metadata(line, reference)?.is_some_and(|secret| secret.is_default == Some(true)) {
                    return Err(CardError::BadSettings {
                        reason: "the card still has the factory's",
                    });
                }
            }
            Ok(())
        })
    }

    pub(crate) fn selected<T>(
        &mut self,
        work: impl FnOnce(&mut Line<'_>) -> Result<T, CardError>,
    ) -> Result<T, CardError> {
        self.transact(|line| {
            commands::ensure_selected(line)?;
            work(line)
        })
    }

    /// Runs `work` inside one transaction; reconnects once if another program reset the card.
    fn transact<T>(&mut self, work: impl FnOnce(&mut Line<'_>) -> Result<T, CardError>) -> Result<T, CardError> {
        let card = self.card.as_mut().ok_or(CardError::Pulled)?;
        let transaction = match card.transaction2() {
            Ok(transaction) => transaction,
            Err((card, pcsc::Error::ResetCard)) => {
                card.reconnect(
                    pcsc::ShareMode::Shared,
                    pcsc::Protocols::ANY,
                    pcsc::Disposition::LeaveCard,
                )
                .map_err(transport::error)?;
                self.protocol = protocol(card);
                card.transaction().map_err(transport::error)?
            }
            Err((_, pcsc::Error::NoSmartcard | pcsc::Error::ReaderUnavailable)) => return Err(CardError::Pulled),
            Err((_, error)) => return Err(transport::error(error)),
        };
        work(&mut Line {
            transaction,
            protocol: self.protocol,
        })
    }
}

fn protocol(card: &pcsc::Card) -> Option<pcsc::Protocol> {
    card.status2_owned().ok().and_then(|status| status.protocol2())
}

impl Drop for PivCard {
    fn drop(&mut self) {
        // The library's own drop would reset the card for every program.
        if let Some(card) = self.card.take()
            && let Err((card, error)) = card.disconnect(pcsc::Disposition::LeaveCard)
        {
            tracing::debug!(%error, "the card was gone already");
            drop(card);
        }
    }
}
