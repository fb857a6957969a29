//! One secret of IT, and every card's PUK and management key from it.

use super::FACTORY_PUK;
use ring::hkdf;
use zeroize::Zeroizing;

/// A management key's length: 3DES below firmware 5.7, AES-192 from there on.
pub const MANAGEMENT_KEY_BYTES: usize = 24;
/// The PUK of a card: 8 digits from IT's secret and the card's serial number, so that one secret unblocks every card.
#[must_use]
pub fn derive_puk(secret: &[u8; 32], serial: &str) -> Zeroizing<String> {
    let wide = derive::<16>(secret, "wardkey/puk/1", serial);
    let number = u128::from_be_bytes(*wide) % 100_000_000;
    let puk = Zeroizing::new(format!("{number:08}"));
    if puk.as_str() == FACTORY_PUK {
        Zeroizing::new("87654321".to_owned())
    } else {
        puk
    }
}

/// The management key of a card from IT's secret and the card's serial number.
#[must_use]
pub fn derive_management_key(secret: &[u8; 32], serial: &str) -> Zeroizing<[u8; MANAGEMENT_KEY_BYTES]> {
    derive(secret, "wardkey/management-key/1", serial)
}

/// HKDF-SHA256 (RFC 5869) without salt; info = label ‖ 0 ‖ serial.
fn derive<const N: usize>(secret: &[u8; 32], label: &str, serial: &str) -> Zeroizing<[u8; N]> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = Zeroizing::new([0; N]);
    let info = [label.as_bytes(), &[0], serial.as_bytes()];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let filled = key
        .expand(&info, Length(N))
        .and_then(|material| material.fill(out.as_mut()));
    debug_assert!(filled.is_ok(), "HKDF-SHA256 gives up to 8160 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_by_card_and_purpose() {
        let secret = [7; 32];
        assert_eq!(derive_puk(&secret, "1").len(), 8);
        assert_ne!(derive_puk(&secret, "1"), derive_puk(&secret, "2"));
        assert_ne!(derive_puk(&secret, "1"), derive_puk(&[8; 32], "1"));
        assert_eq!(derive_management_key(&secret, "1"), derive_management_key(&secret, "1"));
        assert_ne!(derive_management_key(&secret, "1"), derive_management_key(&secret, "2"));
        assert_ne!(*derive_management_key(&secret, "1"), [0; 24]);
    }

    #[test]
    fn derivation_is_pinned() {
        // Computed with another implementation: Python's hmac module, RFC 5869 §2.
        let key = derive_management_key(&[0x0b; 32], "12345678");
        assert_eq!(hex::encode(*key), PINNED_KEY);
        assert_eq!(derive_puk(&[0x0b; 32], "12345678").as_str(), PINNED_PUK);
    }
    const PINNED_KEY: &str = "f69689f23621e26555f87efd5a6b38e789f93f8995a5662b";
    const PINNED_PUK: &str = "54872208";
}
