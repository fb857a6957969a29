//! Sealing of log events: HPKE base mode (RFC 9180) as `wardkey_core::hpke::seal`, with the `ring` primitives, which take a
//! fraction of the time. Every read waits for it. A test holds that `wardkey_core::hpke::open` opens it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use wardkey_core::hpke::{SealError, Sealed};
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;
use zeroize::Zeroizing;

/// `KEM` ‖ DHKEM(P-256, HKDF-SHA256) (RFC 9180 §4.1, §7.1).
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// `HPKE` ‖ DHKEM(P-256, HKDF-SHA256) ‖ HKDF-SHA256 ‖ AES-256-GCM (RFC 9180 §5.1).
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";

type Secret = Zeroizing<[u8; 32]>;

fn mac(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// LabeledExtract (RFC 9180 §4).
fn extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Secret {
    mac(salt, &[b"HPKE-v1", suite, label, ikm])
}

/// LabeledExpand (RFC 9180 §4) of at most 32 bytes: one block of HKDF-Expand.
fn expand(suite: &[u8], prk: &[u8], label: &[u8], info: &[&[u8]], length: u16) -> Secret {
    let length = length.to_be_bytes();
    let parts = [&[&length, b"HPKE-v1".as_slice(), suite, label], info, &[&[1]]].concat();
    mac(prk, &parts)
}

/// What messages are sealed for: the part of the key schedule that is the same for all of them (RFC 9180 §5.1).
#[derive(Debug)]
pub struct Purpose {
    schedule: [u8; 65],
}

impl Purpose {
    /// A label of protocol §4 in a deployment.
    pub fn new(label: &str, domain: &Domain) -> Self {
        let info = [label.as_bytes(), &domain.separator()].concat();
        // Byte 0 is mode 0, base.
        let mut schedule = [0; 65];
        schedule[1..33].copy_from_slice(extract(SUITE, b"", b"psk_id_hash", b"").as_slice());
        schedule[33..].copy_from_slice(extract(SUITE, b"", b"info_hash", &info).as_slice());
        Self { schedule }
    }
}

/// A message's key, made for one recipient and purpose before the message is known: the costly half of sealing.
pub struct Envelope {
    enc: Vec<u8>,
    key: Secret,
    nonce: Secret,
}

impl Envelope {
    /// Makes an ephemeral key and agrees with `recipient`.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn to(recipient: &PublicKey, purpose: &Purpose) -> Result<Self, SealError> {
        let failed = |_| SealError::CannotSeal;
        let ephemeral = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(failed)?;
        let enc = ephemeral.compute_public_key().map_err(failed)?.as_ref().to_vec();
        let peer = UnparsedPublicKey::new(&ECDH_P256, recipient.bytes());
        let shared = agree_ephemeral(ephemeral, &peer, |dh| {
            let prk = extract(KEM_SUITE, b"", b"eae_prk", dh);
            expand(
                KEM_SUITE,
                prk.as_slice(),
                b"shared_secret",
                &[&enc, recipient.bytes()],
                32,
            )
        })
        .map_err(failed)?;

        let schedule: [&[u8]; 1] = [&purpose.schedule];
        let secret = extract(SUITE, shared.as_slice(), b"secret", b"");
        let key = expand(SUITE, secret.as_slice(), b"key", &schedule, 32);
        let nonce = expand(SUITE, secret.as_slice(), b"base_nonce", &schedule, 12);
        Ok(Self { enc, key, nonce })
    }

    /// Seals the one message that it is for.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(self, aad: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
        let failed = |_| SealError::CannotSeal;
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.key.as_slice()).map_err(failed)?);
        let nonce = Nonce::try_assume_unique_for_key(&self.nonce[..12]).map_err(failed)?;
        let mut ct = plaintext.to_vec();
        aead.seal_in_place_append_tag(nonce, Aad::from(aad), &mut ct)
            .map_err(failed)?;
        Ok(Sealed { enc: self.enc, ct })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::hpke::{Context, open};
    use wardkey_core::key::SoftKey;

    #[test]
    fn the_domains_own_opener_opens_it_in_its_place_only() {
        let (key, domain) = (
            SoftKey::generate().unwrap(),
            Domain {
                chain_id: 1,
                contract: [2; 20],
                salt: [3; 32],
            },
        );
        for length in [0, 1, 500, 70_000] {
            let plain = vec![7; length];
            let context = Context {
                label: "wardkey/event/1",
                domain: &domain,
                aad: b"patient, leaf",
            };
            let sealed = Envelope::to(&key.public(), &Purpose::new(context.label, &domain))
                .unwrap()
                .seal(context.aad, &plain)
                .unwrap();
            assert_eq!(open(&key, &context, &sealed).unwrap().as_slice(), plain);
            assert!(
                open(
                    &key,
                    &Context {
                        aad: b"another",
                        ..context
                    },
                    &sealed
                )
                .is_err()
            );
            assert!(open(&SoftKey::generate().unwrap(), &context, &sealed).is_err());
        }
    }
}
