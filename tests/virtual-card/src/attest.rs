//! The test attestation: a root made once per folder, a certificate per card (F9), a leaf per key, in Yubico's form.

use crate::CardFault;
use crate::state::{CardState, Key, write_private};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    PublicKeyData, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use std::path::{Path, PathBuf};

/// Yubico's arc for attestation extensions.
const YUBICO: [u64; 9] = [1, 3, 6, 1, 4, 1, 41482, 3, 0];
const ROOT: &str = "Wardkey test attestation root (not Yubico)";
const CARD: &str = "Yubico PIV Attestation";

/// The folder with `root.pem` (the certificate to trust in a trial) and the root's key.
#[derive(Clone, Debug)]
pub struct TestCa {
    folder: PathBuf,
}

impl TestCa {
    /// Uses the root in `folder`, or makes one. Safe when several processes begin at once.
    ///
    /// # Errors
    /// [`CardFault::File`], [`CardFault::Certificate`].
    pub fn open(folder: &Path) -> Result<Self, CardFault> {
        let fault = || CardFault::file(format!("cannot use {}", folder.display()));
        std::fs::create_dir_all(folder).map_err(fault())?;
        let lock = std::fs::File::create(folder.join("lock")).map_err(fault())?;
        lock.lock().map_err(fault())?;
        let ca = Self {
            folder: folder.to_owned(),
        };
        if !ca.root_pem().exists() {
            let key = KeyPair::generate()?;
            write_private(&folder.join("root.key.pem"), key.serialize_pem().as_bytes()).map_err(fault())?;
            let root = params(ROOT, &[1], true).self_signed(&key)?;
            write_private(&ca.root_pem(), root.pem().as_bytes()).map_err(fault())?;
        }
        Ok(ca)
    }

    /// The root certificate's file, PEM.
    #[must_use]
    pub fn root_pem(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// The state of a new card, with an attestation key of its own.
    pub(crate) fn new_card(&self, serial: u32) -> Result<CardState, CardFault> {
        let file = self.folder.join("root.key.pem");
        let pem = std::fs::read_to_string(&file).map_err(CardFault::file(format!("cannot read {}", file.display())))?;
        let issuer = Issuer::new(params(ROOT, &[1], true), KeyPair::from_pem(&pem)?);
        let key = KeyPair::generate()?;
        let certificate = params(CARD, &serial.to_be_bytes(), true).signed_by(&key, &issuer)?;
        Ok(CardState::factory(
            serial,
            key.serialize_pem(),
            hex::encode(certificate.der()),
        ))
    }
}

fn params(name: &str, serial: &[u8], ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.not_before = date_time_ymd(2016, 3, 14);
    params.not_after = date_time_ymd(2052, 4, 17);
    params.is_ca = if ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::NoCa
    };
    params
}

struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// The leaf for a key made on the card: firmware, serial number and policies as extensions.
pub(crate) fn leaf(
    state: &CardState,
    version: [u8; 3],
    reference: u8,
    key: &Key,
    point: Vec<u8>,
) -> Result<Vec<u8>, CardFault> {
    let issuer = Issuer::new(params(CARD, &[1], true), KeyPair::from_pem(&state.attestation_key)?);
    let mut number = [0; 16];
    getrandom::fill(&mut number).map_err(|_| CardFault::Randomness)?;
    number[0] = number[0] & 0x7f | 1;
    let mut params = params(&format!("YubiKey PIV Attestation {reference:02x}"), &number, false);
    let extension = |last: u64, content: &[u8]| {
        let mut oid = YUBICO;
        oid[8] = last;
        CustomExtension::from_oid_content(&oid, content.to_vec())
    };
    params.custom_extensions = vec![
        extension(3, &version),
        extension(7, &der_integer(state.serial)),
        extension(8, &[key.pin_policy, key.touch_policy]),
        extension(9, &[1]),
    ];
    Ok(params.signed_by(&Point(point), &issuer)?.der().to_vec())
}

fn der_integer(number: u32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(3);
    let mut value = bytes[start..].to_vec();
    if value[0] & 0x80 != 0 {
        value.insert(0, 0);
    }
    crate::tlv::encode(2, &value)
}
