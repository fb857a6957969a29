//! From the card's own certificate up to a root, certificate by certificate.

use crate::piv::tlv;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;

/// Certificates between the card's and the root, at most: two tiers from firmware 5.7.4, one to spare.
const DEEPEST: usize = 3;
/// SHA-1 signatures, which the library below would accept.
const SHA1: [&str; 3] = ["1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1"];

/// True if `card` chains to a root of the list, false if an issuer is not on it.
pub(super) fn chains(
    card: &X509Certificate<'_>,
    list: &[X509Certificate<'_>],
    time: ASN1Time,
) -> Result<bool, &'static str> {
    let mut current = card;
    for _ in 0..=DEEPEST {
        let named: Vec<_> = list
            .iter()
            .filter(|one| one.subject().as_raw() == current.issuer().as_raw())
            .collect();
        if named.is_empty() {
            return Ok(false);
        }
        let above = named
            .into_iter()
            .find(|one| issued(current, one))
            .ok_or("a known issuer did not sign it")?;
        if !above.is_ca() || !above.validity().is_valid_at(time) {
            return Err("its issuer may not sign, or not at this time");
        }
        if above.subject().as_raw() == above.issuer().as_raw() {
            return Ok(true);
        }
        current = above;
    }
    Err("its chain is too long")
}

pub(super) fn issued(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> bool {
    let algorithm = &child.signature_algorithm;
    child.issuer().as_raw() == parent.subject().as_raw()
        && !SHA1.contains(&algorithm.algorithm.to_id_string().as_str())
        && child.verify_signature(Some(parent.public_key())).is_ok()
}

pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match x509_parser::parse_x509_certificate(der) {
        Ok(([], certificate)) if is_canonical(der) => Some(certificate),
        _ => None,
    }
}

/// True if the parts that no signature covers are exactly as they must be (RFC 5280 §4.1.1): the frame in DER, the algorithm
/// the same as inside, no unused bits in the signature. The parser above forgives some of that.
fn is_canonical(der: &[u8]) -> bool {
    let parts = || {
        let content = tlv::find(der, 0x30)?;
        let (tbs, rest) = tlv::next(content)?;
        let (algorithm, rest) = tlv::next(rest)?;
        let (signature, _) = tlv::next(rest)?;
        Some([tbs, algorithm, signature])
    };
    let Some([tbs, algorithm, signature]) = parts() else {
        return false;
    };
    let content = [tbs, algorithm, signature]
        .map(|part| tlv::encode(part.tag, part.value))
        .concat();
    [tbs.tag, algorithm.tag, signature.tag] == [0x30, 0x30, 0x03]
        && tlv::encode(0x30, &content) == der
        && tlv::find(tbs.value, 0x30) == Some(algorithm.value)
        && signature.value.first() == Some(&0)
}

pub(super) fn parse_all(list: &[Vec<u8>]) -> Vec<X509Certificate<'_>> {
    list.iter().filter_map(|der| parse(der)).collect()
}
