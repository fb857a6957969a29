//! The commands that Wardkey uses, one function each (SP 800-73-4 part 2 §3; Yubico extensions where said).

use super::apdu::{Answer, Channel, Command, exchange, malformed, unexpected};
use super::metadata::Metadata;
use super::tlv;
use crate::{CardError, Pin, Slot};
use wardkey_core::key::{PublicKey, Signature};
use zeroize::Zeroizing;

/// The PIV application without its version bytes, so that every version is found (SP 800-73-4 part 1 §2.2).
const APPLICATION: [u8; 5] = [0xa0, 0x00, 0x00, 0x03, 0x08];
/// The PIN's reference.
pub(crate) const PIN: u8 = 0x80;
/// The unblocking code's reference, for GET METADATA (Yubico).
pub(crate) const PUK: u8 = 0x81;
/// The management key's reference, for GET METADATA (Yubico).
pub(crate) const MANAGEMENT_KEY: u8 = 0x9b;
/// ECC P-256 (SP 800-78-4 table 6-2).
pub(crate) const P256: u8 = 0x11;
/// Card holder unique identifier.
pub(crate) const CHUID: [u8; 3] = [0x5f, 0xc1, 0x02];
/// Card capability container.
pub(crate) const CCC: [u8; 3] = [0x5f, 0xc1, 0x07];
/// The attestation key's certificate (Yubico).
const ATTESTATION_CERTIFICATE: [u8; 3] = [0x5f, 0xff, 0x01];

type Card<'a> = &'a mut dyn Channel;

pub(crate) fn send(
    card: Card<'_>,
    step: &'static str,
    [ins, p1, p2]: [u8; 3],
    data: &[u8],
) -> Result<Answer, CardError> {
    exchange(
        card,
        Command {
            step,
            ins,
            p1,
            p2,
            data,
        },
    )
}

/// Selects the application; drops a verified PIN on most cards.
pub(crate) fn select(card: Card<'_>) -> Result<(), CardError> {
    match send(card, "SELECT", [0xa4, 4, 0], &APPLICATION)?.status {
        0x9000 => Ok(()),
        0x6a82 | 0x6a86 | 0x6d00 | 0x6e00 | 0x6999 => Err(CardError::NotPiv),
        status => Err(unexpected("SELECT", status)),
    }
}

/// What an empty VERIFY tells without costing a try.
pub(crate) enum PinState {
    /// Verified already; the card does not say how many tries are left.
    Verified,
    /// Not verified; tries left, 0 = blocked.
    Wanted(u8),
    /// Another application is selected.
    Elsewhere,
}

pub(crate) fn pin_state(card: Card<'_>) -> Result<PinState, CardError> {
    Ok(match send(card, "VERIFY", [0x20, 0, PIN], &[])?.status {
        0x9000 => PinState::Verified,
        0x6983 => PinState::Wanted(0),
        status if status & 0xfff0 == 0x63c0 => PinState::Wanted(tries(status)),
        _ => PinState::Elsewhere,
    })
}

/// Selects the application unless it is selected, so that a verified PIN stays verified.
pub(crate) fn ensure_selected(card: Card<'_>) -> Result<(), CardError> {
    match pin_state(card)? {
        PinState::Elsewhere => select(card),
        PinState::Verified | PinState::Wanted(_) => Ok(()),
    }
}

pub(crate) fn verify(card: Card<'_>, pin: &Pin) -> Result<(), CardError> {
    match send(card, "VERIFY", [0x20, 0, PIN], pin.padded())?.status {
        0x9000 => Ok(()),
        status => Err(pin_error("VERIFY", status)),
    }
}

/// Forgets a verified PIN (SP 800-73-4 part 2 §3.2.1, P1 = FF); cards without it are told by SELECT.
pub(crate) fn forget_pin(card: Card<'_>) -> Result<(), CardError> {
    match send(card, "VERIFY", [0x20, 0xff, PIN], &[])?.status {
        0x9000 => Ok(()),
        _ => select(card),
    }
}

pub(crate) fn change_pin(card: Card<'_>, old: &Pin, new: &Pin) -> Result<(), CardError> {
    let data = Zeroizing::new([*old.padded(), *new.padded()].concat());
    match send(card, "CHANGE REFERENCE DATA", [0x24, 0, PIN], &data)?.status {
        0x9000 => Ok(()),
        // Firmware 5.7 with PIN complexity: conditions not satisfied.
        0x6985 | 0x6a80 => Err(CardError::PinTooSimple),
        status => Err(pin_error("CHANGE REFERENCE DATA", status)),
    }
}

pub(crate) fn unblock_pin(card: Card<'_>, puk: &[u8; 8], new: &Pin) -> Result<(), CardError> {
    let data = Zeroizing::new([*puk, *new.padded()].concat());
    match send(card, "RESET RETRY COUNTER", [0x2c, 0, PIN], &data)?.status {
        0x9000 => Ok(()),
        0x6985 | 0x6a80 => Err(CardError::PinTooSimple),
        0x6983 => Err(CardError::PukBlocked),
        status if status & 0xfff0 == 0x63c0 => Err(match tries(status) {
            0 => CardError::PukBlocked,
            tries_left => CardError::WrongPuk { tries_left },
        }),
        status => Err(unexpected("RESET RETRY COUNTER", status)),
    }
}

pub(crate) fn pin_error(step: &'static str, status: u16) -> CardError {
    match status {
        0x6983 | 0x63c0 => CardError::PinBlocked,
        status if status & 0xfff0 == 0x63c0 => CardError::WrongPin {
            tries_left: tries(status),
        },
        status => unexpected(step, status),
    }
}

const fn tries(status: u16) -> u8 {
    let [_, low] = status.to_be_bytes();
    low & 0x0f
}

/// GET METADATA (Yubico); `None` if the card does not know the command or the reference is empty.
pub(crate) fn metadata(card: Card<'_>, reference: u8) -> Result<Option<Metadata>, CardError> {
    let answer = send(card, "GET METADATA", [0xf7, 0, reference], &[])?;
    Ok((answer.status == 0x9000).then(|| Metadata::parse(&answer.data)))
}

pub(crate) fn pin_metadata(card: Card<'_>) -> Result<Option<Metadata>, CardError> {
    metadata(card, PIN)
}

/// GET VERSION (Yubico).
pub(crate) fn firmware(card: Card<'_>) -> Result<Option<String>, CardError> {
    let answer = send(card, "GET VERSION", [0xfd, 0, 0], &[])?;
    Ok(match (answer.status, answer.data.as_slice()) {
        (0x9000, [major, minor, patch]) => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    })
}

/// GET SERIAL (Yubico, firmware 5), else the card's GUID from its CHUID, in hex, if it is not zero.
pub(crate) fn serial(card: Card<'_>) -> Result<Option<String>, CardError> {
    let answer = send(card, "GET SERIAL", [0xf8, 0, 0], &[])?;
    if let (0x9000, Some(&bytes)) = (answer.status, answer.data.first_chunk::<4>()) {
        return Ok(Some(u32::from_be_bytes(bytes).to_string()));
    }
    let Some(chuid) = object(card, CHUID)? else {
        return Ok(None);
    };
    Ok(tlv::find(&chuid, 0x34)
        .filter(|guid| guid.len() == 16 && guid.iter().any(|&byte| byte != 0))
        .map(hex::encode))
}

/// GET DATA: the content of tag 53, or `None` if the object is not there.
pub(crate) fn object(card: Card<'_>, tag: [u8; 3]) -> Result<Option<Vec<u8>>, CardError> {
    let answer = send(card, "GET DATA", [0xcb, 0x3f, 0xff], &tlv::encode(0x5c, &tag))?;
    match answer.status {
        0x9000 => Ok(tlv::find(&answer.data, 0x53)
            .filter(|value| !value.is_empty())
            .map(<[u8]>::to_vec)),
        0x6a82 | 0x6a80 | 0x6a88 | 0x6982 | 0x6d00 => Ok(None),
        status => Err(unexpected("GET DATA", status)),
    }
}

/// The DER certificate in a slot's object; `None` if there is none or it is compressed.
pub(crate) fn certificate(card: Card<'_>, slot: Slot) -> Result<Option<Vec<u8>>, CardError> {
    Ok(object(card, slot.certificate_object())?.and_then(|content| uncompressed(&content)))
}

/// The attestation key's certificate.
pub(crate) fn attestation_certificate(card: Card<'_>) -> Result<Option<Vec<u8>>, CardError> {
    Ok(object(card, ATTESTATION_CERTIFICATE)?.and_then(|content| uncompressed(&content)))
}

fn uncompressed(content: &[u8]) -> Option<Vec<u8>> {
    let plain = tlv::find(content, 0x71).is_none_or(|info| info.first().is_none_or(|flags| flags & 1 == 0));
    tlv::find(content, 0x70)
        .filter(|der| plain && !der.is_empty())
        .map(<[u8]>::to_vec)
}

/// ATTEST (Yubico); `None` if the card cannot or the key was imported.
pub(crate) fn attest(card: Card<'_>, slot: Slot) -> Result<Option<Vec<u8>>, CardError> {
    let answer = send(card, "ATTEST", [0xf9, slot.reference(), 0], &[])?;
    Ok((answer.status == 0x9000 && !answer.data.is_empty()).then(|| answer.data.to_vec()))
}

/// The slot's public key: from GET METADATA, else from the certificate.
pub(crate) fn public_key(card: Card<'_>, slot: Slot) -> Result<Option<PublicKey>, CardError> {
    if let Some(metadata) = metadata(card, slot.reference())? {
        if metadata.algorithm.is_some_and(|algorithm| algorithm != P256) {
            return Err(CardError::SlotUnsupported { slot });
        }
        if let Some(point) = metadata.point {
            return PublicKey::from_sec1(&point)
                .map(Some)
                .map_err(|_| malformed("GET METADATA"));
        }
    }
    let Some(der) = certificate(card, slot)? else {
        return Ok(None);
    };
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|_| malformed("GET DATA"))?;
    let point = &certificate.public_key().subject_public_key.data;
    PublicKey::from_sec1(point)
        .map(Some)
        .map_err(|_| CardError::SlotUnsupported { slot })
}

/// The P-256 key in the slot's certificate; `None` if there is none that can be read.
pub(crate) fn described_key(card: Card<'_>, slot: Slot) -> Result<Option<PublicKey>, CardError> {
    let der = certificate(card, slot)?.unwrap_or_default();
    Ok(x509_parser::parse_x509_certificate(&der)
        .ok()
        .and_then(|(_, found)| PublicKey::from_sec1(&found.public_key().subject_public_key.data).ok()))
}

/// GENERAL AUTHENTICATE with a challenge: ECDSA over the digest.
pub(crate) fn sign(card: Card<'_>, slot: Slot, digest: &[u8; 32]) -> Result<Result<Signature, u16>, CardError> {
    let answer = general_authenticate(card, slot, 0x81, digest)?;
    Ok(match answer {
        Err(status) => Err(status),
        Ok(der) => Ok(Signature::normalised(&der).map_err(|_| malformed("GENERAL AUTHENTICATE"))?),
    })
}

/// GENERAL AUTHENTICATE with exponentiation: ECDH.
pub(crate) fn agree(
    card: Card<'_>,
    slot: Slot,
    peer: &PublicKey,
) -> Result<Result<Zeroizing<[u8; 32]>, u16>, CardError> {
    Ok(match general_authenticate(card, slot, 0x85, peer.bytes())? {
        Err(status) => Err(status),
        Ok(secret) => {
            let mut out = Zeroizing::new([0; 32]);
            out.copy_from_slice(
                secret
                    .first_chunk::<32>()
                    .filter(|_| secret.len() == 32)
                    .ok_or(malformed("GENERAL AUTHENTICATE"))?,
            );
            Ok(out)
        }
    })
}

type Plain = Zeroizing<Vec<u8>>;

fn general_authenticate(card: Card<'_>, slot: Slot, tag: u32, input: &[u8]) -> Result<Result<Plain, u16>, CardError> {
    const STEP: &str = "GENERAL AUTHENTICATE";
    let template = tlv::encode(0x7c, &[tlv::encode(0x82, &[]), tlv::encode(tag, input)].concat());
    let answer = send(card, STEP, [0x87, P256, slot.reference()], &template)?;
    if answer.status != 0x9000 {
        return Ok(Err(answer.status));
    }
    let value = tlv::dig(&answer.data, &[0x7c, 0x82]).ok_or(malformed(STEP))?;
    Ok(Ok(Zeroizing::new(value.to_vec())))
}
