//! Large documents and pictures (protocol §5): ciphertext in chunks, outside the record, which holds the key. Sealing and opening
//! need one chunk in memory, whatever the size.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, §3.2) over AES-256-GCM: each chunk has its number and whether it
//! is the last one in its nonce, so that chunks cannot be moved, dropped, repeated or cut off.

use crate::fault::Coded;
use crate::id::{BlobId, PatientId};
use crate::typed::Domain;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Plaintext bytes of every chunk but the last.
pub const CHUNK: usize = 65_536;
/// Bytes that sealing adds to a chunk.
pub const TAG: usize = 16;
/// First part of a reference, with the format's version.
const SCHEME: &str = "urn:wardkey:blob:1:";

/// Why a blob is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// A chunk was altered, moved or cut off, or the key is another's.
    #[error("the document was altered or is incomplete")]
    Altered,
    /// A reference cannot be read.
    #[error("the document's reference cannot be read")]
    Reference,
    /// More chunks than a nonce can count.
    #[error("the document is too large")]
    TooLarge,
}

impl Coded for BlobError {
    fn code(&self) -> &'static str {
        match self {
            Self::Altered => "blob-altered",
            Self::Reference => "blob-reference",
            Self::TooLarge => "blob-too-large",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Altered => "Do not use it. Load it again; if it stays, tell IT.",
            Self::Reference => "The record names no document of this system; ask its author.",
            Self::TooLarge => "Split it, or shrink it.",
        }
    }
}

/// A blob's key: random, used once, kept in the sealed record.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobKey(Zeroizing<[u8; 32]>);

impl BlobKey {
    /// A key from 32 random bytes, which must not be used for another blob.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobKey(…)")
    }
}

/// What a record says of a blob: which ciphertext, and its key. As text `urn:wardkey:blob:1:<id>:<key, base64url>`; it belongs in a
/// sealed record only, as the `url` of a FHIR Attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobReference {
    /// SHA-256 of the ciphertext.
    pub id: BlobId,
    /// The key.
    pub key: BlobKey,
}

impl fmt::Display for BlobReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.key.0.as_slice()));
        write!(f, "{SCHEME}{}:{}", self.id, key.as_str())
    }
}

impl FromStr for BlobReference {
    type Err = BlobError;

    fn from_str(text: &str) -> Result<Self, BlobError> {
        let rest = text.strip_prefix(SCHEME).ok_or(BlobError::Reference)?;
        let (id, key) = rest.split_once(':').ok_or(BlobError::Reference)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(key).map_err(|_| BlobError::Reference)?);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| BlobError::Reference)?;
        Ok(Self {
            id: id.parse().map_err(|_| BlobError::Reference)?,
            key: BlobKey::new(key),
        })
    }
}

/// Where a blob belongs: what its chunks are bound to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The deployment.
    pub domain: &'a Domain,
    /// Whose.
    pub patient: PatientId,
    /// Section number.
    pub section: u8,
}

struct Stream {
    key: LessSafeKey,
    aad: Vec<u8>,
    next: u32,
}

impl Stream {
    fn new(key: &BlobKey, place: &Place<'_>) -> Result<Self, BlobError> {
        let key = UnboundKey::new(&AES_256_GCM, key.0.as_slice()).map_err(|_| BlobError::Altered)?;
        let parts: [&[u8]; 4] = [
            b"wardkey/blob/1",
            &place.domain.separator(),
            place.patient.bytes(),
            &[place.section],
        ];
        Ok(Self {
            key: LessSafeKey::new(key),
            aad: parts.concat(),
            next: 0,
        })
    }

    /// Seven zero bytes ‖ number u32be ‖ 1 if it is the last.
    fn nonce(&mut self, last: bool) -> Result<Nonce, BlobError> {
        let mut nonce = [0; NONCE_LEN];
        nonce[7..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next = self.next.checked_add(1).ok_or(BlobError::TooLarge)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// Seals a document chunk by chunk.
pub struct Sealer {
    stream: Stream,
    digest: Context,
}

impl Sealer {
    /// Begins a document.
    ///
    /// # Errors
    /// None in practice; a key of another length.
    pub fn new(key: &BlobKey, place: &Place<'_>) -> Result<Self, BlobError> {
        Ok(Self {
            stream: Stream::new(key, place)?,
            digest: Context::new(&SHA256),
        })
    }

    /// Seals a chunk in place; all but the last have [`CHUNK`] bytes, and the last has at most that many.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], also for a chunk of another length.
    pub fn chunk(&mut self, bytes: &mut Vec<u8>, last: bool) -> Result<(), BlobError> {
        if bytes.len() > CHUNK || (!last && bytes.len() < CHUNK) {
            return Err(BlobError::TooLarge);
        }
        let nonce = self.stream.nonce(last)?;
        let aad = Aad::from(self.stream.aad.as_slice());
        let sealed = self.stream.key.seal_in_place_append_tag(nonce, aad, bytes);
        sealed.map_err(|_| BlobError::TooLarge)?;
        self.digest.update(bytes);
        Ok(())
    }

    /// The name of the ciphertext, after the last chunk.
    #[must_use]
    pub fn id(self) -> BlobId {
        let mut id = [0; 32];
        id.copy_from_slice(self.digest.finish().as_ref());
        BlobId(id)
    }
}

/// Opens a document chunk by chunk.
pub struct Opener {
    stream: Stream,
    ended: bool,
}

impl Opener {
    /// Begins a document.
    ///
    /// # Errors
    /// None in practice; a key of another length.
    pub fn new(key: &BlobKey, place: &Place<'_>) -> Result<Self, BlobError> {
        Ok(Self {
            stream: Stream::new(key, place)?,
            ended: false,
        })
    }

    /// Opens a chunk in place: [`CHUNK`]` + `[`TAG`] bytes, the last one perhaps fewer.
    ///
    /// # Errors
    /// [`BlobError::Altered`], also for a chunk after the last one.
    pub fn chunk(&mut self, bytes: &mut Vec<u8>, last: bool) -> Result<(), BlobError> {
        if self.ended || bytes.len() > CHUNK + TAG || (!last && bytes.len() < CHUNK + TAG) {
            return Err(BlobError::Altered);
        }
        self.ended = last;
        let nonce = self.stream.nonce(last)?;
        let aad = Aad::from(self.stream.aad.as_slice());
        let opened = self.stream.key.open_in_place(nonce, aad, bytes);
        let length = opened.map_err(|_| BlobError::Altered)?.len();
        bytes.truncate(length);
        Ok(())
    }

    /// That the last chunk was there.
    ///
    /// # Errors
    /// [`BlobError::Altered`].
    pub const fn end(&self) -> Result<(), BlobError> {
        if self.ended { Ok(()) } else { Err(BlobError::Altered) }
    }
}

/// Bytes of the ciphertext of a document of `plain` bytes.
#[must_use]
pub const fn sealed_size(plain: u64) -> u64 {
    let chunks = if plain == 0 { 1 } else { plain.div_ceil(CHUNK as u64) };
    plain + chunks * TAG as u64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::key::sha256;

    const DOMAIN: Domain = Domain {
        chain_id: 1,
        contract: [2; 20],
        salt: [3; 32],
    };
    const PLACE: Place<'static> = Place {
        domain: &DOMAIN,
        patient: PatientId([7; 32]),
        section: 5,
    };

    fn sealed(plain: &[u8]) -> (BlobReference, Vec<Vec<u8>>) {
        let key = BlobKey::new([9; 32]);
        let mut sealer = Sealer::new(&key, &PLACE).unwrap();
        let mut chunks: Vec<Vec<u8>> = plain.chunks(CHUNK).map(<[u8]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        let last = chunks.len() - 1;
        for (n, chunk) in chunks.iter_mut().enumerate() {
            sealer.chunk(chunk, n == last).unwrap();
        }
        (BlobReference { id: sealer.id(), key }, chunks)
    }

    fn opened(key: &BlobKey, place: &Place<'_>, chunks: &[Vec<u8>]) -> Result<Vec<u8>, BlobError> {
        let (mut opener, mut plain) = (Opener::new(key, place)?, Vec::new());
        for (n, chunk) in chunks.iter().enumerate() {
            let mut chunk = chunk.clone();
            opener.chunk(&mut chunk, n + 1 == chunks.len())?;
            plain.extend(chunk);
        }
        opener.end()?;
        Ok(plain)
    }

    #[test]
    fn documents_of_every_size_come_back() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let (reference, chunks) = sealed(&plain);
            assert_eq!(opened(&reference.key, &PLACE, &chunks).unwrap(), plain, "{size} bytes");
            assert_eq!(chunks.concat().len() as u64, sealed_size(size as u64));
            assert_eq!(reference.id.0, sha256(&[&chunks.concat()]));
        }
    }

    #[test]
    fn chunks_cannot_be_moved_dropped_repeated_cut_off_or_altered() {
        let plain = vec![1; 3 * CHUNK + 10];
        let (reference, chunks) = sealed(&plain);
        let refused = |chunks: &[Vec<u8>]| {
            assert_eq!(opened(&reference.key, &PLACE, chunks), Err(BlobError::Altered));
        };
        refused(&chunks[..3]);
        refused(&chunks[1..]);
        refused(&[
            chunks[0].clone(),
            chunks[2].clone(),
            chunks[1].clone(),
            chunks[3].clone(),
        ]);
        refused(&[&chunks[..2], &chunks[1..]].concat());
        refused(&[&chunks[..], &chunks[3..]].concat());
        refused(&[]);
        for n in 0..4 {
            let mut altered = chunks.clone();
            altered[n][5] ^= 1;
            refused(&altered);
        }
        let elsewhere = Place { section: 6, ..PLACE };
        assert!(opened(&reference.key, &elsewhere, &chunks).is_err());
        let other = Place {
            patient: PatientId([8; 32]),
            ..PLACE
        };
        assert!(opened(&reference.key, &other, &chunks).is_err());
        assert!(opened(&BlobKey::new([8; 32]), &PLACE, &chunks).is_err());
    }

    #[test]
    fn a_reference_is_read_as_it_was_written_and_tells_no_key_in_logs() {
        let (reference, _) = sealed(b"x");
        let text = reference.to_string();
        assert_eq!(text.parse(), Ok(reference.clone()));
        assert!(!format!("{reference:?}").contains(text.rsplit(':').next().unwrap()));
        for wrong in [
            &text[1..],
            &text[..text.len() - 1],
            "urn:wardkey:blob:1:",
            "urn:wardkey:blob:2:00:00",
            "",
        ] {
            assert_eq!(wrong.parse::<BlobReference>(), Err(BlobError::Reference), "{wrong}");
        }
    }
}
