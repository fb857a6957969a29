//! The keys in a token: found by CKA_LABEL and CKA_ID, made with nothing that lets them out.

use super::error::Failure;
use super::point;
use crate::store::StoreFault;
use crate::uri::Pkcs11Uri;
use crate::{CardError, Slot};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState};
use wardkey_core::key::PublicKey;

/// P-256 as CKA_EC_PARAMS: its object identifier, DER (RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Label of keys that are made where the URI names none.
const LABEL: &str = "wardkey";

/// Where the key for `slot` is looked for.
pub(super) struct Wanted<'a> {
    uri: &'a Pkcs11Uri,
    token: &'a str,
    slot: Slot,
    id: Vec<u8>,
}

impl<'a> Wanted<'a> {
    /// `None` if the URI names another key alone.
    pub(super) fn new(uri: &'a Pkcs11Uri, token: &'a str, slot: Slot) -> Option<Self> {
        let id = uri.id_of(slot)?;
        Some(Self { uri, token, slot, id })
    }

    fn template(&self, class: ObjectClass) -> Vec<Attribute> {
        let mut template = vec![Attribute::Class(class), Attribute::Id(self.id.clone())];
        template.extend(
            self.uri
                .object
                .as_ref()
                .map(|label| Attribute::Label(label.clone().into_bytes())),
        );
        template
    }

    fn shown(&self) -> String {
        let label = self.uri.object.as_deref().unwrap_or("any label");
        format!("{label}, id {}", hex::encode(&self.id))
    }

    fn missing(&self) -> StoreFault {
        StoreFault::KeyMissing {
            token: self.token.to_owned(),
            slot: self.slot,
            wanted: self.shown(),
        }
    }

    fn one(&self, found: &[ObjectHandle]) -> Result<Option<ObjectHandle>, StoreFault> {
        match found {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(StoreFault::KeyTwice {
                token: self.token.to_owned(),
                slot: self.slot,
                wanted: self.shown(),
            }),
        }
    }

    /// The public half, from its object or else from a certificate; `None` if the token shows neither.
    pub(super) fn public(&self, session: &Session) -> Result<Option<PublicKey>, Failure> {
        let objects = session.find_objects(&self.template(ObjectClass::PUBLIC_KEY))?;
        if let Some(object) = self.one(&objects)? {
            return match read(session, object, AttributeType::EcPoint)? {
                Some(Attribute::EcPoint(point)) => self.a_point(point::public_key(&point)).map(Some),
                _ => self.a_point(None).map(Some),
            };
        }
        let certificates = session.find_objects(&self.template(ObjectClass::CERTIFICATE))?;
        let Some(object) = self.one(&certificates)? else {
            return Ok(None);
        };
        let Some(Attribute::Value(der)) = read(session, object, AttributeType::Value)? else {
            return Ok(None);
        };
        let parsed = x509_parser::parse_x509_certificate(&der).ok();
        let point = parsed.map(|(_, certificate)| certificate.public_key().subject_public_key.data.to_vec());
        self.a_point(point.and_then(|point| PublicKey::from_sec1(&point).ok()))
            .map(Some)
    }

    fn a_point(&self, key: Option<PublicKey>) -> Result<PublicKey, Failure> {
        key.ok_or_else(|| self.unusable("it is no P-256 key"))
    }

    fn unusable(&self, reason: &'static str) -> Failure {
        Failure::from(StoreFault::KeyUnusable {
            slot: self.slot,
            reason,
        })
    }

    /// The private half, checked for what would make the module refuse it with words that nobody understands.
    pub(super) fn private(&self, session: &Session) -> Result<ObjectHandle, Failure> {
        let found = session.find_objects(&self.template(ObjectClass::PRIVATE_KEY))?;
        let Some(key) = self.one(&found)? else {
            must_be_logged_in(session)?;
            return Err(self.missing().into());
        };
        if let Some(Attribute::AlwaysAuthenticate(true)) = read(session, key, AttributeType::AlwaysAuthenticate)? {
            return Err(self.unusable("it wants the PIN before every use (CKA_ALWAYS_AUTHENTICATE)"));
        }
        match read(session, key, AttributeType::KeyType)? {
            Some(Attribute::KeyType(KeyType::EC)) => Ok(key),
            _ => Err(self.unusable("it is no P-256 key")),
        }
    }

    /// Makes the key pair: sensitive, never extractable, for one use. Repeating it could make two, so it is not repeated.
    pub(super) fn make(&self, session: &Session) -> Result<PublicKey, Failure> {
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if !session.find_objects(&self.template(class))?.is_empty() {
                return Err(CardError::SlotFilled { slot: self.slot }.into());
            }
        }
        must_be_logged_in(session)?;
        let label = self.uri.object.as_deref().unwrap_or(LABEL).as_bytes().to_vec();
        let named = [
            Attribute::Token(true),
            Attribute::Label(label),
            Attribute::Id(self.id.clone()),
        ];
        let agrees = self.slot == Slot::KeyManagement;
        let public = [
            Attribute::Private(false),
            Attribute::EcParams(P256.to_vec()),
            Attribute::Verify(!agrees),
        ];
        let private = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(!agrees),
            Attribute::Derive(agrees),
        ];
        session
            .generate_key_pair(
                &Mechanism::EccKeyPairGen,
                &[&named[..], &public].concat(),
                &[&named[..], &private].concat(),
            )
            .map_err(|error| match Failure::from(error) {
                Failure::Dropped(_) => Failure::from(StoreFault::SessionLost),
                other => other,
            })?;
        self.public(session)?.ok_or_else(|| self.missing().into())
    }
}

/// A token hides private keys from a session that was logged out instead of saying so.
fn must_be_logged_in(session: &Session) -> Result<(), Failure> {
    match session.get_session_info()?.session_state() {
        SessionState::RoUser | SessionState::RwUser => Ok(()),
        _ => Err(Failure::Dropped(Error::Pkcs11(
            RvError::UserNotLoggedIn,
            cryptoki::context::Function::FindObjects,
        ))),
    }
}

fn read(session: &Session, object: ObjectHandle, attribute: AttributeType) -> Result<Option<Attribute>, Failure> {
    Ok(session.get_attributes(object, &[attribute])?.pop())
}
