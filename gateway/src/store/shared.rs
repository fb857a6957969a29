//! What several gateways over one database have in common, so that any of them answers: nonces, counts, unblock requests, news.

use super::StoreError;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_core::unblock::UnblockRequest;

/// A request to unblock a PIN, and IT's answer.
#[derive(Clone, Debug)]
pub struct Unblock {
    /// The request.
    pub request: UnblockRequest,
    /// The sealed PUK.
    pub answer: Option<Sealed>,
}

/// One thing to be told to an institution.
#[derive(Clone, Debug)]
pub struct Item {
    /// Whom.
    pub institution: InstitutionId,
    /// The event on the chain that it comes from: told once, however many gateways see it.
    pub origin: Option<Digest>,
    /// Name of the event.
    pub kind: &'static str,
    /// Its data, JSON.
    pub data: String,
}

/// A thing that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its place among all that was told; it only rises.
    pub id: u64,
    /// Whom.
    pub institution: InstitutionId,
    /// Name of the event.
    pub kind: String,
    /// Its data, JSON.
    pub data: String,
}

/// Which news are kept: the oldest and the newest id; (0, 0) if none.
pub type Span = (u64, u64);

/// The part of the store that is about gateways, not about patients. Blocking.
///
/// Every method fails with [`StoreError`].
#[expect(clippy::missing_errors_doc, reason = "said once above")]
pub trait Shared: Send + Sync {
    /// Whether other gateways may use the same database now. If not, nonces may be kept in memory.
    fn is_shared(&self) -> bool;
    /// Uses up a nonce, named by a digest, of a request signed at `created`. False if it was used before, or may have been.
    fn take_nonce(&self, name: &Digest, created: u64) -> Result<bool, StoreError>;
    /// Counts one for a payee in an hour. False if `limit` were counted already.
    fn count(&self, payee: &Digest, hour: u64, limit: u32) -> Result<bool, StoreError>;
    /// Keeps a request to unblock a PIN until `ends`; one that is there already stays. False if too many wait.
    fn put_unblock(&self, request: &UnblockRequest, ends: u64, now: u64) -> Result<bool, StoreError>;
    /// A request that still waits or was answered.
    fn unblock(&self, id: &Digest, now: u64) -> Result<Option<Unblock>, StoreError>;
    /// The request whose id begins with these 64 bits: what six words tell.
    fn unblock_named(&self, start: &[u8; 8], now: u64) -> Result<Option<Unblock>, StoreError>;
    /// Keeps the answer; the first one stays. False if nobody asked.
    fn answer_unblock(&self, id: &Digest, answer: &Sealed, now: u64) -> Result<bool, StoreError>;
    /// Tells news; those whose origin was told already are left out.
    fn tell(&self, news: Vec<Item>, now: u64) -> Result<(), StoreError>;
    /// News after an id, oldest first, at most `limit`; of one institution, or of all.
    fn news(&self, institution: Option<&InstitutionId>, after: u64, limit: u32) -> Result<Vec<Told>, StoreError>;
    /// Which news are kept.
    fn news_span(&self) -> Result<Span, StoreError>;
    /// Takes or renews a lease for `seconds`. False if another holder has it.
    fn lease(&self, name: &'static str, holder: &Digest, seconds: u64, now: u64) -> Result<bool, StoreError>;
    /// Forgets nonces, counts, requests and news that are too old.
    fn sweep(&self, now: u64) -> Result<(), StoreError>;
}
