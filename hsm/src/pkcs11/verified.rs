//! The keys of a token in which the user is logged in.

use super::error::Failure;
use super::objects::Wanted;
use super::store::{Live, Pkcs11Store};
use crate::store::{Keys, StoreFault, StoreKind};
use crate::uri::Kdf;
use crate::{CardError, Pin, Slot};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// The evidence that the token accepted the PIN. It keeps the PIN for as long as it lives, to log in again after a dropped session.
pub(super) struct Verified<'a> {
    store: &'a Pkcs11Store,
    pin: &'a Pin,
    live: Live,
}

impl<'a> Verified<'a> {
    pub(super) fn new(store: &'a Pkcs11Store, pin: &'a Pin) -> Result<Self, CardError> {
        let live = store.login(pin)?;
        Ok(Self { store, pin, live })
    }

    /// Logs out. A session that is gone needs none of it.
    pub(super) fn end(self) {
        let _ = self.live.session.logout();
        let _ = self.live.session.close();
    }

    /// Does something that changes nothing in the token; once more after a new login if the session was dropped.
    fn repeatable<T>(
        &mut self,
        slot: Slot,
        work: impl Fn(&Session, &Wanted<'_>) -> Result<T, Failure>,
    ) -> Result<T, CardError> {
        let once = |live: &Live| match Wanted::new(&self.store.uri, &live.token, slot) {
            Some(wanted) => work(&live.session, &wanted),
            None => Err(Failure::from(CardError::SlotEmpty { slot })),
        };
        match once(&self.live) {
            Err(Failure::Dropped(why)) => {
                tracing::info!(%why, "the HSM dropped the session; logging in again");
                let fresh = self.store.login(self.pin)?;
                let stale = std::mem::replace(&mut self.live, fresh);
                // Only a session that is known to be there still: other numbers may have been given away again.
                if matches!(why, Error::Pkcs11(RvError::UserNotLoggedIn, _)) {
                    let _ = stale.session.close();
                }
                once(&self.live).map_err(Failure::into_error)
            }
            outcome => outcome.map_err(Failure::into_error),
        }
    }
}

impl Keys for Verified<'_> {
    fn kind(&self) -> StoreKind {
        StoreKind::Pkcs11
    }

    fn public_key(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        self.repeatable(slot, |session, wanted| match wanted.public(session)? {
            Some(key) => Ok(key),
            // Names what is missing; a private key alone tells no public one.
            None => wanted.private(session).and(Err(Failure::from(StoreFault::KeyUnusable {
                slot,
                reason: "the token shows neither its public half nor a certificate",
            }))),
        })
    }

    fn sign(&mut self, slot: Slot, digest: &[u8; 32]) -> Result<Signature, CardError> {
        self.repeatable(slot, |session, wanted| {
            let key = wanted.private(session)?;
            let raw = session
                .sign(&Mechanism::Ecdsa, key, digest)
                .map_err(|error| not_for_this(error, slot, "it may not sign"))?;
            Signature::normalised(&raw).map_err(|_| {
                Failure::from(StoreFault::KeyUnusable {
                    slot,
                    reason: "it is no P-256 key",
                })
            })
        })
    }

    fn agree(&mut self, slot: Slot, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, CardError> {
        if self.store.uri.kdf.unwrap_or_default() == Kdf::Sha256 {
            return Err(StoreFault::Unsupported {
                kind: StoreKind::Pkcs11,
                what: "agree with a key derivation in between (x-wardkey-kdf=sha256)",
            }
            .into());
        }
        self.repeatable(slot, |session, wanted| {
            let key = wanted.private(session)?;
            derive(session, key, peer).map_err(|failure| match failure {
                Failure::Final(CardError::Store(StoreFault::ModuleFailed { detail, .. }))
                    if detail == "KeyFunctionNotPermitted" =>
                {
                    Failure::from(StoreFault::KeyUnusable {
                        slot,
                        reason: "it may not agree",
                    })
                }
                other => other,
            })
        })
    }

    fn generate(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        let wanted = Wanted::new(&self.store.uri, &self.live.token, slot).ok_or(CardError::SlotEmpty { slot })?;
        let place = self.live.slot;
        // The login counts in this session too.
        let session = self.store.module.ask(|context| context.open_rw_session(place))?;
        wanted.make(&session).map_err(|failure| match failure {
            Failure::Dropped(_) => StoreFault::SessionLost.into(),
            Failure::Final(error) => error,
        })
    }
}

fn not_for_this(error: Error, slot: Slot, reason: &'static str) -> Failure {
    match error {
        Error::Pkcs11(RvError::KeyFunctionNotPermitted, _) => StoreFault::KeyUnusable { slot, reason }.into(),
        other => other.into(),
    }
}

/// CKM_ECDH1_DERIVE with CKD_NULL into a session object, which is read and destroyed.
fn derive(session: &Session, key: ObjectHandle, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), peer.bytes()));
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let shared = session
        .derive_key(&mechanism, key, &template)
        .map_err(|error| match error {
            Error::Pkcs11(
                RvError::MechanismParamInvalid | RvError::MechanismInvalid | RvError::TemplateInconsistent,
                _,
            ) => Failure::from(StoreFault::KdfRefused),
            other => other.into(),
        })?;
    let read = session.get_attributes(shared, &[AttributeType::Value]);
    let _ = session.destroy_object(shared);
    match read?.pop() {
        Some(Attribute::Value(value)) => {
            let value = Zeroizing::new(value);
            let mut out = Zeroizing::new([0; 32]);
            out.copy_from_slice(value.first_chunk::<32>().ok_or(StoreFault::KdfRefused)?);
            Ok(out)
        }
        _ => Err(StoreFault::KdfRefused.into()),
    }
}
