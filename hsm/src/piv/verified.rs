//! The evidence that the PIN was accepted in this very transaction. Only [`crate::PivCard::with_pin`] makes one.

use super::apdu::{Channel, unexpected};
use super::commands;
use super::reader_pad::ReaderPad;
use crate::store::{Keys, StoreKind};
use crate::{CardError, Pin, Slot, TouchPolicy};
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// Where the PIN comes from each time that the card asks for it.
enum Source<'a> {
    /// Typed in our window.
    Typed(&'a Pin),
    /// Typed on the reader's own keys; the holder types it again each time.
    OnReader(ReaderPad),
}

/// A card whose PIN was verified; lives inside one transaction.
pub struct Verified<'a> {
    card: &'a mut dyn Channel,
    pin: Source<'a>,
    /// True while nothing but VERIFY happened since the PIN was sent: what "PIN always" asks for.
    fresh: bool,
}

impl<'a> Verified<'a> {
    /// Sends the PIN. Refuses the factory's PIN before and after.
    pub(crate) fn new(card: &'a mut dyn Channel, pin: &'a Pin) -> Result<Self, CardError> {
        let known_default = commands::pin_metadata(card)?.and_then(|pin| pin.is_default);
        if known_default == Some(true) {
            return Err(CardError::PinDefault);
        }
        commands::verify(card, pin)?;
        if pin.is_factory() {
            commands::forget_pin(card)?;
            return Err(CardError::PinDefault);
        }
        Ok(Self {
            card,
            pin: Source::Typed(pin),
            fresh: true,
        })
    }

    /// Lets the holder type the PIN on the reader. Refuses the factory's PIN where the card tells that it is set.
    pub(crate) fn on_reader(card: &'a mut dyn Channel, pad: ReaderPad) -> Result<Self, CardError> {
        if commands::pin_metadata(card)?.and_then(|pin| pin.is_default) == Some(true) {
            return Err(CardError::PinDefault);
        }
        pad.verify(card)?;
        Ok(Self {
            card,
            pin: Source::OnReader(pad),
            fresh: true,
        })
    }

    fn verify_again(&mut self) -> Result<(), CardError> {
        match &self.pin {
            Source::Typed(pin) => commands::verify(self.card, pin),
            Source::OnReader(pad) => pad.verify(self.card),
        }
    }

    /// Signs a SHA-256 digest; low-S.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`], [`CardError::TouchMissing`], [`CardError::Pulled`], …
    pub fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.operate(slot, |card| commands::sign(card, slot, digest))
    }

    /// ECDH: the X coordinate shared with `peer`.
    ///
    /// # Errors
    /// As [`Verified::sign`].
    pub fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        self.operate(slot, |card| commands::agree(card, slot, peer))
    }

    /// The public key in a slot.
    ///
    /// # Errors
    /// [`CardError::SlotEmpty`], [`CardError::SlotUnsupported`].
    pub fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        self.fresh = false;
        commands::public_key(self.card, slot)?.ok_or(CardError::SlotEmpty { slot })
    }

    fn operate<T>(
        &mut self,
        slot: Slot,
        mut operation: impl FnMut(&mut dyn Channel) -> Result<Result<T, u16>, CardError>,
    ) -> Result<T, CardError> {
        // 9C asks for the PIN immediately before each use (SP 800-73-4 part 1 §3.1.2).
        if slot == Slot::Signature && !self.fresh {
            self.verify_again()?;
        }
        self.fresh = false;
        let mut result = operation(self.card)?;
        // Other slots may have been made with "PIN always" too.
        if matches!(result, Err(0x6982)) && !self.touch_missed(slot)? {
            self.verify_again()?;
            result = operation(self.card)?;
        }
        match result {
            Ok(value) => Ok(value),
            Err(0x6a80 | 0x6a82 | 0x6a86 | 0x6a88 | 0x6b00) => Err(CardError::SlotEmpty { slot }),
            Err(0x6982) if self.touch_missed(slot)? => Err(CardError::TouchMissing),
            Err(status) => Err(unexpected("GENERAL AUTHENTICATE", status)),
        }
    }

    fn touch_missed(&mut self, slot: Slot) -> Result<bool, CardError> {
        let policy = commands::metadata(self.card, slot.reference())?.and_then(|key| key.touch_policy);
        Ok(policy.is_some_and(|policy| policy != TouchPolicy::Never))
    }
}

impl Keys for Verified<'_> {
    fn kind(&self) -> StoreKind {
        StoreKind::Piv
    }

    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        Verified::public_key(self, slot)
    }
    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        Verified::sign(self, slot, digest)
    }
    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        Verified::agree(self, slot, peer)
    }
}
