//! YubiKey management through the `yubikey` crate: what needs the management key. Daily work never comes here, because the crate
//! knows YubiKeys only, keeps the PIN in plain memory and resets the card when it lets go (docs/decisions/0004).
//!
//! The crate prints PINs at trace level: see [`crate::QUIET_LOG_TARGETS`]. Here it only ever sees the factory's PIN.

use crate::piv::transport;
use crate::{CardError, Slot};
use ::yubikey::certificate::{CertInfo, Certificate};
use ::yubikey::piv::{AlgorithmId, SlotId};
use ::yubikey::{Context, Error, MgmKey, PinPolicy, TouchPolicy, YubiKey, piv};
use rcgen::{CertificateParams, DistinguishedName, DnType, PublicKeyData, SignatureAlgorithm, SigningKey};
use std::cell::RefCell;
use wardkey_core::key::{PublicKey, sha256};

const FACTORY_PIN: &[u8] = b"123456";
const FACTORY_PUK: &[u8] = b"12345678";

/// A YubiKey under management. Dropping it resets the card, which ends the management session.
pub(crate) struct Management(pub(super) YubiKey);

impl Management {
    /// Opens the YubiKey in this reader and no other.
    pub(crate) fn open(reader: &str) -> Result<Self, CardError> {
        let mut context = Context::open().map_err(failed("SCardEstablishContext"))?;
        let found = context
            .iter()
            .map_err(failed("SCardListReaders"))?
            .find(|one| one.name() == reader)
            .ok_or(CardError::NoReader)?;
        match found.open() {
            Ok(key) => Ok(Self(key)),
            Err(Error::GenericError | Error::NotSupported) => Err(CardError::NotYubiKey),
            Err(error) => Err(failed("GET VERSION")(error)),
        }
    }

    pub(crate) fn serial(&self) -> String {
        self.0.serial().to_string()
    }

    /// Proves the management key: the factory's, or the one under which this card was prepared before.
    pub(crate) fn authenticate(&mut self, ours: &[u8; 24]) -> Result<(), CardError> {
        let factory = MgmKey::get_default(&self.0).map_err(failed("management key"))?;
        match self.0.authenticate(&factory) {
            Err(Error::AuthenticationError) => {}
            outcome => return outcome.map_err(failed("management key")),
        }
        let ours = MgmKey::from_bytes(ours, Some(factory.algorithm_id())).map_err(failed("management key"))?;
        self.0.authenticate(&ours).map_err(failed("management key"))
    }

    /// Sets the tries of PIN and PUK, which also brings both back to the factory's values. Needs the factory's PIN.
    pub(crate) fn set_retries(&mut self, (pin, puk): (u8, u8)) -> Result<(), CardError> {
        self.verify_factory_pin()?;
        self.0.set_pin_retries(pin, puk).map_err(failed("SET PIN RETRIES"))
    }

    /// Makes a key and writes a certificate that describes it, signed by the key itself, so that programs which know no GET
    /// METADATA find the public key too.
    pub(crate) fn generate(&mut self, slot: Slot) -> Result<PublicKey, CardError> {
        let policy = match slot.pin_policy() {
            crate::PinPolicy::Never => PinPolicy::Never,
            crate::PinPolicy::Once => PinPolicy::Once,
            crate::PinPolicy::Always => PinPolicy::Always,
        };
        let made = piv::generate(
            &mut self.0,
            slot_id(slot),
            AlgorithmId::EccP256,
            policy,
            TouchPolicy::Never,
        )
        .map_err(failed("GENERATE ASYMMETRIC KEY PAIR"))?;
        PublicKey::from_sec1(made.subject_public_key.raw_bytes())
            .map_err(|_| protocol("GENERATE ASYMMETRIC KEY PAIR", "a key off the curve"))
    }

    /// Writes the certificate described at [`Management::generate`].
    pub(crate) fn describe(&mut self, slot: Slot, key: &PublicKey) -> Result<(), CardError> {
        const STEP: &str = "certificate";
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Wardkey {slot}, card {}", self.serial()));
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2049, 12, 31);
        self.verify_factory_pin()?;
        let signer = CardSigner {
            card: RefCell::new(&mut self.0),
            slot: slot_id(slot),
            point: *key.bytes(),
        };
        let certificate = params
            .self_signed(&signer)
            .map_err(|error| protocol(STEP, &error.to_string()))?;
        Certificate::from_bytes(certificate.der().to_vec())
            .and_then(|certificate| certificate.write(&mut self.0, slot_id(slot), CertInfo::Uncompressed))
            .map_err(failed(STEP))
    }

    /// Replaces the factory's PUK.
    pub(crate) fn change_puk(&mut self, puk: &[u8]) -> Result<(), CardError> {
        self.0
            .change_puk(FACTORY_PUK, puk)
            .map_err(failed("CHANGE REFERENCE DATA"))
    }

    /// Replaces the management key, and proves the new one for the steps that follow.
    pub(crate) fn change_management_key(&mut self, key: &[u8; 24]) -> Result<(), CardError> {
        let algorithm = MgmKey::get_default(&self.0)
            .map_err(failed("management key"))?
            .algorithm_id();
        let key = MgmKey::from_bytes(key, Some(algorithm)).map_err(failed("management key"))?;
        key.set_manual(&mut self.0, false)
            .map_err(failed("SET MANAGEMENT KEY"))?;
        self.0.authenticate(&key).map_err(failed("management key"))
    }

    fn verify_factory_pin(&mut self) -> Result<(), CardError> {
        match self.0.verify_pin(FACTORY_PIN) {
            Err(Error::WrongPin { tries: 1.. }) => Err(CardError::PinNotFactory),
            outcome => outcome.map_err(failed("VERIFY")),
        }
    }
}

struct CardSigner<'a> {
    card: RefCell<&'a mut YubiKey>,
    slot: SlotId,
    point: [u8; 65],
}

impl PublicKeyData for CardSigner<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for CardSigner<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let digest = sha256(&[message]);
        piv::sign_data(&mut self.card.borrow_mut(), &digest, AlgorithmId::EccP256, self.slot)
            .map(|der| der.to_vec())
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

const fn slot_id(slot: Slot) -> SlotId {
    match slot {
        Slot::Authentication => SlotId::Authentication,
        Slot::Signature => SlotId::Signature,
        Slot::KeyManagement => SlotId::KeyManagement,
    }
}

fn protocol(step: &'static str, detail: &str) -> CardError {
    CardError::Protocol {
        step,
        detail: detail.to_owned(),
    }
}

/// The crate's errors in our words.
pub(super) fn failed(step: &'static str) -> impl Fn(Error) -> CardError {
    move |error| match error {
        Error::PcscError { inner: Some(inner) } => transport::error_midway(inner),
        Error::WrongPin { tries: 0 } | Error::PinLocked => CardError::PinBlocked,
        Error::WrongPin { tries } => CardError::WrongPin { tries_left: tries },
        Error::AuthenticationError => CardError::ManagementKeyRefused,
        Error::AppletNotFound { .. } => CardError::NotPiv,
        other => protocol(step, &other.to_string()),
    }
}
