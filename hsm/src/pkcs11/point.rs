//! CKA_EC_POINT: a DER OCTET STRING by the standard, the bare point with some modules.

use wardkey_core::key::PublicKey;

/// The key; `None` if the bytes are no point of P-256.
pub(super) fn public_key(attribute: &[u8]) -> Option<PublicKey> {
    let bare = PublicKey::from_sec1(attribute).ok();
    bare.or_else(|| PublicKey::from_sec1(unwrapped(attribute)?).ok())
}

/// The content of an OCTET STRING that is nothing but that. A point needs no longer form of the length.
fn unwrapped(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x04, length, point @ ..] if usize::from(*length) == point.len() => Some(point),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wardkey_core::key::{KeyError, SoftKey};

    #[test]
    fn both_forms_are_read() -> Result<(), KeyError> {
        let key = SoftKey::generate()?.public();
        let wrapped = [&[4, 65][..], key.bytes()].concat();
        assert_eq!(public_key(key.bytes()), Some(key));
        assert_eq!(public_key(&wrapped), Some(key));
        for bad in [&wrapped[..66], &wrapped[1..], &[4, 65], &[4, 0], &[]] {
            assert_eq!(public_key(bad), None, "{bad:02x?}");
        }
        assert_eq!(public_key(&[&wrapped[..], &[0]].concat()), None);
        Ok(())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = public_key(&bytes);
        }
    }
}
