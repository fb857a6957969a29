//! HPKE base mode (RFC 9180) with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (protocol §4).
//!
//! Sealing is the `hpke` crate's. Opening goes through a KEM whose private key is the *result* of the Diffie-Hellman step, so that
//! a card's 9D slot, an HSM and a key in memory open the same messages. That KEM uses hidden parts of the crate, whose version is pinned.

use crate::fault::Coded;
use crate::hexbytes;
use crate::key::{PublicKey, SoftKey};
use crate::typed::Domain;
use hpke::hybrid_array::{Array, typenum::U32, typenum::U65};
use hpke::kdf::{HkdfSha256, Kdf as _};
use hpke::kem::{DhP256HkdfSha256, Kem, SharedSecret};
use hpke::{Deserializable, HpkeError, OpModeR, OpModeS, Serializable, aead::AesGcm256, rand_core::CryptoRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A sealed message: encapsulated key (65 bytes) and ciphertext with its 16-byte tag. base64url in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Encapsulated key, a SEC1 point.
    #[serde(with = "hexbytes::base64url")]
    pub enc: Vec<u8>,
    /// Ciphertext ‖ tag.
    #[serde(with = "hexbytes::base64url")]
    pub ct: Vec<u8>,
}

/// Why sealing or opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The message was not sealed for this key and purpose, or was altered.
    #[error("the sealed message cannot be opened with this key: it was altered, or is meant for another")]
    CannotOpen,
    /// Sealing failed inside the library.
    #[error("sealing failed")]
    CannotSeal,
}

impl Coded for SealError {
    fn code(&self) -> &'static str {
        match self {
            Self::CannotOpen => "seal-cannot-open",
            Self::CannotSeal => "seal-failed",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::CannotOpen => "Do not rely on this item; tell IT which one it is.",
            Self::CannotSeal => "Try again; nothing was sent.",
        }
    }
}

/// What a message is sealed for: binds it to a purpose, a deployment and its place.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// ASCII label of protocol §4, e.g. `wardkey/record/1`.
    pub label: &'a str,
    /// The deployment.
    pub domain: &'a Domain,
    /// Associated data of protocol §4.
    pub aad: &'a [u8],
}

impl Context<'_> {
    fn info(&self) -> Vec<u8> {
        [self.label.as_bytes(), &self.domain.separator()].concat()
    }
}

/// Seals `plaintext` to `recipient`.
///
/// # Errors
/// [`SealError::CannotSeal`].
pub fn seal(recipient: &PublicKey, context: &Context<'_>, plaintext: &[u8]) -> Result<Sealed, SealError> {
    let recipient =
        <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(recipient.bytes()).map_err(|_| SealError::CannotSeal)?;
    let (enc, ct) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        &context.info(),
        plaintext,
        context.aad,
    )
    .map_err(|_| SealError::CannotSeal)?;
    Ok(Sealed {
        enc: enc.to_bytes().to_vec(),
        ct,
    })
}

/// Opens with a key in memory.
///
/// # Errors
/// [`SealError::CannotOpen`].
pub fn open(key: &SoftKey, context: &Context<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let peer = PublicKey::from_sec1(&sealed.enc).map_err(|_| SealError::CannotOpen)?;
    let shared = key.agree(&peer).map_err(|_| SealError::CannotOpen)?;
    open_agreed(&key.public(), &shared, context, sealed)
}

/// Opens with the result of ECDH between the recipient's private key and `sealed.enc`, as a card's 9D slot answers it.
///
/// # Errors
/// [`SealError::CannotOpen`].
pub fn open_agreed(
    recipient: &PublicKey,
    shared: &[u8; 32],
    context: &Context<'_>,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    open_bytes(recipient, shared, &context.info(), context.aad, sealed)
}

/// RFC 9180 §6.1 `OpenBase`, whatever `info` is.
fn open_bytes(
    recipient: &PublicKey,
    shared: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let enc = <AgreedKem as Kem>::EncappedKey::from_bytes(&sealed.enc).map_err(|_| SealError::CannotOpen)?;
    let key = Agreed {
        recipient: *recipient.bytes(),
        shared: Zeroizing::new(*shared),
    };
    hpke::single_shot_open::<AesGcm256, HkdfSha256, AgreedKem>(&OpModeR::Base, &key, &enc, info, &sealed.ct, aad)
        .map(Zeroizing::new)
        .map_err(|_| SealError::CannotOpen)
}

/// Stands where the crate expects a private key: what the Diffie-Hellman step gave, and for whom.
#[derive(Clone)]
struct Agreed {
    recipient: [u8; 65],
    shared: Zeroizing<[u8; 32]>,
}

impl subtle::ConstantTimeEq for Agreed {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.shared.as_slice().ct_eq(other.shared.as_slice()) & self.recipient.ct_eq(&other.recipient)
    }
}

impl Serializable for Agreed {
    type OutputSize = U65;
    fn write_exact(&self, out: &mut [u8]) {
        // Never the secret: only its recipient can be written out.
        out.copy_from_slice(&self.recipient);
    }
}

impl Deserializable for Agreed {
    fn from_bytes(_: &[u8]) -> Result<Self, HpkeError> {
        Err(HpkeError::ValidationError)
    }
}

/// DHKEM(P-256, HKDF-SHA256) after the Diffie-Hellman step (RFC 9180 §4.1, `Decap`).
struct AgreedKem;

impl Kem for AgreedKem {
    type PublicKey = <DhP256HkdfSha256 as Kem>::PublicKey;
    type PrivateKey = Agreed;
    type EncappedKey = <DhP256HkdfSha256 as Kem>::EncappedKey;
    type NSecret = U32;
    const KEM_ID: u16 = DhP256HkdfSha256::KEM_ID;

    fn sk_to_pk(key: &Agreed) -> Self::PublicKey {
        // The recipient's key was a point of the curve when the caller made it; an arbitrary valid key stands in if not,
        // and opening then fails in the AEAD.
        Self::PublicKey::from_bytes(&key.recipient).unwrap_or_else(|_| DhP256HkdfSha256::derive_keypair(&[0; 32]).1)
    }

    fn derive_keypair(ikm: &[u8]) -> (Agreed, Self::PublicKey) {
        let (_, public) = DhP256HkdfSha256::derive_keypair(ikm);
        let mut recipient = [0; 65];
        public.write_exact(&mut recipient);
        (
            Agreed {
                recipient,
                shared: Zeroizing::new([0; 32]),
            },
            public,
        )
    }

    fn decap(
        key: &Agreed,
        sender: Option<&Self::PublicKey>,
        enc: &Self::EncappedKey,
    ) -> Result<SharedSecret<Self>, HpkeError> {
        if sender.is_some() {
            return Err(HpkeError::DecapError);
        }
        let mut suite = *b"KEM\0\0";
        suite[3..].copy_from_slice(&Self::KEM_ID.to_be_bytes());
        let context = [enc.to_bytes().as_slice(), &key.recipient].concat();
        let mut secret = SharedSecret::<Self>(Array::default());
        HkdfSha256::extract_and_expand(key.shared.as_slice(), &suite, &context, &mut secret.0)
            .map_err(|_| HpkeError::DecapError)?;
        Ok(secret)
    }

    fn encap_with_rng(
        _: &Self::PublicKey,
        _: Option<(&Agreed, &Self::PublicKey)>,
        _: &mut impl CryptoRng,
    ) -> Result<(SharedSecret<Self>, Self::EncappedKey), HpkeError> {
        Err(HpkeError::EncapError)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    fn domain() -> Domain {
        Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        }
    }

    #[test]
    fn sealed_to_a_key_opens_with_it_alone_and_in_its_place_alone() {
        let (key, other, domain) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap(), domain());
        let context = Context {
            label: "wardkey/record/1",
            domain: &domain,
            aad: b"place",
        };
        let sealed = seal(&key.public(), &context, b"history").unwrap();
        assert_eq!(open(&key, &context, &sealed).unwrap().as_slice(), b"history");
        assert_eq!(open(&other, &context, &sealed), Err(SealError::CannotOpen));
        assert_eq!(
            open(
                &key,
                &Context {
                    aad: b"another",
                    ..context
                },
                &sealed
            ),
            Err(SealError::CannotOpen)
        );
        assert_eq!(
            open(
                &key,
                &Context {
                    label: "wardkey/label/1",
                    ..context
                },
                &sealed
            ),
            Err(SealError::CannotOpen)
        );
        let elsewhere = Domain { chain_id: 2, ..domain };
        assert_eq!(
            open(
                &key,
                &Context {
                    domain: &elsewhere,
                    ..context
                },
                &sealed
            ),
            Err(SealError::CannotOpen)
        );
        let mut altered = sealed;
        altered.ct[0] ^= 1;
        assert_eq!(open(&key, &context, &altered), Err(SealError::CannotOpen));
    }

    #[test]
    fn opens_what_the_crate_opens() {
        let key = SoftKey::generate().unwrap();
        let domain = domain();
        let context = Context {
            label: "x",
            domain: &domain,
            aad: b"",
        };
        let sealed = seal(&key.public(), &context, b"same").unwrap();
        let theirs = <DhP256HkdfSha256 as Kem>::PrivateKey::from_bytes(key.to_bytes().as_slice()).unwrap();
        let enc = <DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.enc).unwrap();
        let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &theirs,
            &enc,
            &context.info(),
            &sealed.ct,
            b"",
        )
        .unwrap();
        assert_eq!(plain, b"same");
    }

    /// The vector of this suite (mode 0, KEM 16, KDF 1, AEAD 2, first message) in the file that RFC 9180 appendix A names:
    /// github.com/cfrg/draft-irtf-cfrg-hpke, test-vectors.json of commit 5f503c5.
    #[test]
    fn opens_the_vector_of_rfc_9180() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let scalar = bytes("317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2");
        let key = SoftKey::from_bytes(&scalar.try_into().unwrap()).unwrap();
        let recipient = "04abc7e49a4c6b3566d77d0304addc6ed0e98512ffccf505e6a8e3eb25c685136f\
                         853148544876de76c0f2ef99cdc3a05ccf5ded7860c7c021238f9e2073d2356c";
        assert_eq!(key.public().to_string(), recipient);
        let sealed = Sealed {
            enc: bytes(
                "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e\
                 0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0",
            ),
            ct: bytes("58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f"),
        };
        let shared = key.agree(&PublicKey::from_sec1(&sealed.enc).unwrap()).unwrap();
        let open = |info: &[u8]| open_bytes(&key.public(), &shared, info, b"Count-0", &sealed);
        assert_eq!(
            open(b"Ode on a Grecian Urn").unwrap().as_slice(),
            b"Beauty is truth, truth beauty"
        );
        assert_eq!(open(b"Ode to a Nightingale"), Err(SealError::CannotOpen));
    }
}
