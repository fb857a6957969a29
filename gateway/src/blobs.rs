//! Large documents and pictures: their ciphertext in the object store, named by its hash, and the tickets with which a logged reading
//! is fetched.

use crate::objects::ObjectsError;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart};
use ring::hmac;
use wardkey_core::id::{BlobId, DeviceId, InstitutionId, PatientId};
use wardkey_core::key::SoftKey;

/// Parts in which an object is written; S3 takes none smaller than 5 MiB but the last.
const PART: usize = 8 * 1024 * 1024;
/// Parts under way at the same time.
const PARTS: usize = 2;
/// Seconds for which a ticket may begin to be used.
pub const TICKET_LASTS: u64 = 120;

/// What the store knows of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the ciphertext.
    pub id: BlobId,
    /// Whose.
    pub patient: PatientId,
    /// Section number.
    pub section: u8,
    /// By which institution.
    pub institution: InstitutionId,
    /// By which device.
    pub device: DeviceId,
    /// Bytes of ciphertext.
    pub size: u64,
    /// Seconds since 1970.
    pub time: u64,
}

/// Makes and checks tickets. Every gateway that has the key takes the tickets of the others.
#[derive(Debug)]
pub struct Tickets(hmac::Key);

impl Tickets {
    /// From the gateway's key.
    #[must_use]
    pub fn new(gateway: &SoftKey) -> Self {
        let from = hmac::Key::new(hmac::HMAC_SHA256, gateway.to_bytes().as_slice());
        let secret = hmac::sign(&from, b"wardkey/blob-ticket/1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()))
    }

    /// A ticket for whoever signs as `caller`, until `expires`.
    #[must_use]
    pub fn issue(&self, blob: &BlobId, caller: &[u8; 32], expires: u64) -> String {
        let tag = hmac::sign(&self.0, &said(blob, caller, expires));
        hex::encode([expires.to_be_bytes().as_slice(), tag.as_ref()].concat())
    }

    /// Whether it is one, for this blob and caller, at `now`.
    #[must_use]
    pub fn holds(&self, ticket: &str, blob: &BlobId, caller: &[u8; 32], now: u64) -> bool {
        let Ok(bytes) = hex::decode(ticket) else {
            return false;
        };
        let Some((expires, tag)) = bytes.split_first_chunk::<8>() else {
            return false;
        };
        let expires = u64::from_be_bytes(*expires);
        now < expires && hmac::verify(&self.0, &said(blob, caller, expires), tag).is_ok()
    }
}

fn said(blob: &BlobId, caller: &[u8; 32], expires: u64) -> Vec<u8> {
    [blob.bytes().as_slice(), caller, &expires.to_be_bytes()].concat()
}

/// Where a blob's ciphertext is.
#[must_use]
pub fn place(blob: &BlobId) -> Path {
    let name = blob.to_string();
    Path::from(format!("blobs/{}/{name}", &name[..2]))
}

/// Writes an object as its bytes come; it is there only once [`Writing::done`] has returned.
pub struct Writing(WriteMultipart);

impl Writing {
    /// Begins.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub async fn begin(objects: &dyn ObjectStore, blob: &BlobId) -> Result<Self, ObjectsError> {
        let upload = objects.put_multipart(&place(blob)).await?;
        Ok(Self(WriteMultipart::new_with_chunk_size(upload, PART)))
    }

    /// Takes the next bytes; waits while too many are under way.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), ObjectsError> {
        self.0.wait_for_capacity(PARTS).await?;
        self.0.put(bytes);
        Ok(())
    }

    /// Makes the object.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub async fn done(self) -> Result<(), ObjectsError> {
        self.0.finish().await?;
        Ok(())
    }

    /// Leaves nothing behind.
    pub async fn give_up(self) {
        if let Err(error) = self.0.abort().await {
            tracing::warn!(%error, "an unfinished object could not be removed");
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_for_one_blob_one_caller_and_two_minutes() {
        let tickets = Tickets::new(&SoftKey::generate().unwrap());
        let (blob, caller) = (BlobId([1; 32]), [2; 32]);
        let ticket = tickets.issue(&blob, &caller, 1000);
        assert!(tickets.holds(&ticket, &blob, &caller, 999));
        assert!(!tickets.holds(&ticket, &blob, &caller, 1000));
        assert!(!tickets.holds(&ticket, &BlobId([3; 32]), &caller, 999));
        assert!(!tickets.holds(&ticket, &blob, &[3; 32], 999));
        assert!(!Tickets::new(&SoftKey::generate().unwrap()).holds(&ticket, &blob, &caller, 999));
        let later = format!("{:016x}{}", 5000, &ticket[16..]);
        for wrong in ["", "zz", &ticket[..16], &ticket[..ticket.len() - 2], &later] {
            assert!(!tickets.holds(wrong, &blob, &caller, 999), "{wrong}");
        }
    }
}
