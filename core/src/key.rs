//! P-256 keys and signatures: one form each, low-S always (protocol §1).

use crate::fault::Coded;
use crate::{hexbytes, id::KeyId};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use ring::{digest, rand::SystemRandom, signature as rs};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// SHA-256.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| hash.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// What can be wrong with a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an uncompressed P-256 point.
    #[error("the bytes are no P-256 public key")]
    BadPublicKey,
    /// Not a private scalar.
    #[error("the bytes are no P-256 private key")]
    BadPrivateKey,
    /// Neither DER nor 64 bytes, or values out of range.
    #[error("the bytes are no ECDSA P-256 signature")]
    BadSignature,
    /// The signature does not verify, or is not low-S.
    #[error("the signature does not verify")]
    Unverified,
    /// The system gave no randomness or signing failed inside the library.
    #[error("signing failed")]
    SigningFailed,
}

impl Coded for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadPublicKey => "key-bad-public",
            Self::BadPrivateKey => "key-bad-private",
            Self::BadSignature => "signature-malformed",
            Self::Unverified => "signature-invalid",
            Self::SigningFailed => "signing-failed",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::SigningFailed => "Try again; if it happens again, restart the program and tell IT.",
            _ => "Do not rely on this item; tell IT which one it is.",
        }
    }
}

/// A P-256 public key, known to be on the curve. 65-byte uncompressed SEC1 point (SEC 1 §2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// Takes a compressed or uncompressed SEC1 point.
    ///
    /// # Errors
    /// [`KeyError::BadPublicKey`] if it is no point of the curve or the point at infinity.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = p256::PublicKey::from_sec1_bytes(bytes).map_err(|_| KeyError::BadPublicKey)?;
        Ok(Self::from(&key))
    }

    /// From the two coordinates, big-endian.
    ///
    /// # Errors
    /// [`KeyError::BadPublicKey`] if they are no point of the curve.
    pub fn from_xy(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let mut bytes = [4; 65];
        bytes[1..33].copy_from_slice(x);
        bytes[33..].copy_from_slice(y);
        Self::from_sec1(&bytes)
    }

    /// The 65 bytes `04‖X‖Y`.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// X, 32 bytes big-endian.
    #[must_use]
    pub fn x(&self) -> [u8; 32] {
        std::array::from_fn(|i| self.0[1 + i])
    }

    /// Y, 32 bytes big-endian.
    #[must_use]
    pub fn y(&self) -> [u8; 32] {
        std::array::from_fn(|i| self.0[33 + i])
    }

    /// SHA-256 of the 65 bytes.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(sha256(&[&self.0]))
    }

    /// Verifies ECDSA with SHA-256 over `message`; refuses high-S.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        if !signature.is_low_s() {
            return Err(KeyError::Unverified);
        }
        rs::UnparsedPublicKey::new(&rs::ECDSA_P256_SHA256_FIXED, &self.0)
            .verify(message, &signature.0)
            .map_err(|_| KeyError::Unverified)
    }
}

impl From<&p256::PublicKey> for PublicKey {
    fn from(key: &p256::PublicKey) -> Self {
        let point = key.to_sec1_point(false);
        let mut bytes = [0; 65];
        bytes.copy_from_slice(point.as_bytes());
        Self(bytes)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}…)", hex::encode(&self.0[1..5]))
    }
}
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_sec1(&hexbytes::fixed::<D, 65>(from)?).map_err(serde::de::Error::custom)
    }
}

/// n/2 of P-256, big-endian (SEC 2 §2.4.2): the largest low S.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d,
    0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// An ECDSA P-256 signature `r‖s`, 64 bytes big-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// From DER (as PIV cards answer) or raw `r‖s` (as PKCS#11 answers), brought to low-S.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn normalised(bytes: &[u8]) -> Result<Self, KeyError> {
        let parsed = if bytes.len() == 64 {
            p256::ecdsa::Signature::from_slice(bytes)
        } else {
            p256::ecdsa::Signature::from_der(bytes)
        }
        .map_err(|_| KeyError::BadSignature)?;
        let mut out = [0; 64];
        out.copy_from_slice(&parsed.normalize_s().to_bytes());
        Ok(Self(out))
    }

    /// True if s ≤ n/2.
    #[must_use]
    pub fn is_low_s(&self) -> bool {
        self.0[32..] <= HALF_ORDER[..]
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", hex::encode(&self.0[..4]))
    }
}
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(self.0))
    }
}
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hexbytes::fixed(from).map(Self)
    }
}

/// A private key in memory: session keys, the gateway's and operator's keys, agreement and section keys while in use. Wiped when
/// dropped: it signs with `p256`, because `ring` keeps a copy of a private key that it never wipes.
pub struct SoftKey {
    secret: p256::SecretKey,
    public: PublicKey,
}

impl SoftKey {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`] if the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        loop {
            let mut seed = Zeroizing::new([0; 32]);
            ring::rand::SecureRandom::fill(&SystemRandom::new(), seed.as_mut()).map_err(|_| KeyError::SigningFailed)?;
            // A random scalar is out of range with probability below 2⁻³².
            if let Ok(key) = Self::from_bytes(&seed) {
                return Ok(key);
            }
        }
    }

    /// From the 32-byte private scalar.
    ///
    /// # Errors
    /// [`KeyError::BadPrivateKey`] if it is zero or not below n.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = p256::SecretKey::from_slice(bytes).map_err(|_| KeyError::BadPrivateKey)?;
        let public = PublicKey::from(&secret.public_key());
        Ok(Self { secret, public })
    }

    /// The 32-byte private scalar, wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        out.copy_from_slice(Zeroizing::new(self.secret.to_bytes()).as_slice());
        out
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message` (hashed with SHA-256 inside); low-S.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        self.sign_digest(&sha256(&[message]))
    }

    /// Signs a 32-byte digest, as a card does; low-S, deterministic (RFC 6979).
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, KeyError> {
        use p256::ecdsa::signature::hazmat::PrehashSigner as _;
        let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(&self.secret)
            .sign_prehash(digest)
            .map_err(|_| KeyError::SigningFailed)?;
        Signature::normalised(&signature.to_bytes())
    }

    /// ECDH: the X coordinate shared with `peer` (SP 800-56A §5.7.1.2).
    ///
    /// # Errors
    /// [`KeyError::BadPublicKey`].
    pub fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let peer = p256::PublicKey::from_sec1_bytes(peer.bytes()).map_err(|_| KeyError::BadPublicKey)?;
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        let mut out = Zeroizing::new([0; 32]);
        out.copy_from_slice(shared.raw_secret_bytes());
        Ok(out)
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftKey({:?})", self.public)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn both_signing_ways_verify_and_are_low_s() {
        let key = SoftKey::generate().unwrap();
        for n in 0..50u8 {
            let message = [n; 66];
            for signature in [
                key.sign(&message).unwrap(),
                key.sign_digest(&sha256(&[&message])).unwrap(),
            ] {
                assert!(signature.is_low_s());
                key.public().verify(&message, &signature).unwrap();
                assert_eq!(key.public().verify(b"another", &signature), Err(KeyError::Unverified));
            }
        }
    }

    #[test]
    fn high_s_is_refused() {
        let key = SoftKey::generate().unwrap();
        let signature = key.sign(b"message").unwrap();
        let parsed = p256::ecdsa::Signature::from_slice(&signature.0).unwrap();
        let high = p256::ecdsa::Signature::from_scalars(parsed.r().to_bytes(), (-*parsed.s()).to_bytes()).unwrap();
        let mut bytes = [0; 64];
        bytes.copy_from_slice(&high.to_bytes());
        assert_eq!(
            key.public().verify(b"message", &Signature(bytes)),
            Err(KeyError::Unverified)
        );
        assert_eq!(Signature::normalised(&bytes).unwrap(), signature);
    }

    #[test]
    fn agreement_is_symmetric() {
        let (a, b) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        assert_eq!(a.agree(&b.public()).unwrap(), b.agree(&a.public()).unwrap());
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        assert_eq!(PublicKey::from_sec1(&[4; 65]), Err(KeyError::BadPublicKey));
        assert_eq!(PublicKey::from_sec1(&[]), Err(KeyError::BadPublicKey));
    }
}
