//! What the gateway keeps: ciphertext, signed documents and the log; nothing that it could read itself.
//!
//! [`Store`] is the joint: SQLite or PostgreSQL, both with the statements of [`sql`]. Calls block, so handlers call them through
//! [`crate::state::Gateway::blocking`]. Every method that changes something returns when the change is durable.

pub mod postgres;
mod proposal;
pub mod shared;
pub mod sql;
pub mod sqlite;

pub use proposal::{Proposal, ProposalEnd, ProposalSignature, WrapTo};

use crate::blobs::Blob;
use crate::log::{Draft, Proof};
use serde::{Deserialize, Serialize};
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::{DeviceCertificate, DeviceRequest};
use wardkey_core::epoch::OlderKey;
use wardkey_core::fault::Coded;
use wardkey_core::grant::SignedGrant;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{BlobId, Commitment, DeviceId, Digest, InstitutionId, KeyId, PatientId, RecordId, SessionId};
use wardkey_core::key::PublicKey;
use wardkey_core::log::Receipt;
use wardkey_core::record::Record;
use wardkey_core::section_keys::SectionKeys;
use wardkey_core::uses::TAG;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room; nothing was kept of what was asked.
    #[error("the gateway's disk is full; nothing was stored")]
    Full,
    /// The patient has published no log key, so nothing can be logged, so nothing may be done.
    #[error("the patient's phone has not published its keys yet")]
    NoLogKey,
    /// The same record id with other bytes.
    #[error("another record with this id and version exists")]
    RecordConflict,
    /// Not the next version, or of another patient, section or institution than version 1.
    #[error("a new version must follow the last one, by the institution that wrote version 1")]
    RecordVersion,
    /// Older than what is stored, or other keys under the same number.
    #[error("a newer list of section keys is stored already")]
    KeysOld,
    /// Never given out, used before, or too old.
    #[error("the challenge was not given out, was used before, or is older than 15 minutes")]
    ChallengeUnknown,
    /// Another card or master key has opened a session with this key.
    #[error("another card has signed in with this session key")]
    SessionTaken,
    /// Too many requests wait.
    #[error("too many device requests of this institution are waiting")]
    TooManyRequests,
    /// Too many proposals wait.
    #[error("too many proposals of this institution are waiting for signatures")]
    TooManyProposals,
    /// What is stored cannot be read.
    #[error("the data store is damaged: {0}")]
    Damaged(&'static str),
    /// Made by a newer version of the program.
    #[error("the data store has schema version {0}, which this program does not know")]
    Newer(u32),
    /// Another deployment's or another gateway's.
    #[error("the data store belongs to another network or another gateway")]
    Foreign,
    /// No connection; nothing was changed.
    #[error("the database cannot be reached; nothing was changed")]
    Away,
    /// The connection broke while a change was being made durable.
    #[error("the database was lost while it was storing; whether it did is not known")]
    Unsure,
    /// The database would lose what it has confirmed.
    #[error("the database runs with {0}, which may lose what it has confirmed")]
    NotDurable(&'static str),
    /// Anything else; the text is for the log, not for clients.
    #[error("the data store failed")]
    Failed(String),
}

impl Coded for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Full => "disk-full",
            Self::NoLogKey => "section-keys-none",
            Self::RecordConflict => "record-conflict",
            Self::RecordVersion => "record-version",
            Self::KeysOld => "section-keys-old",
            Self::ChallengeUnknown => "challenge-unknown",
            Self::SessionTaken => "session-taken",
            Self::TooManyRequests => "requests-too-many",
            Self::TooManyProposals => "proposals-too-many",
            Self::Damaged(_) => "store-damaged",
            Self::Newer(_) => "store-newer",
            Self::Foreign => "store-foreign",
            Self::Away => "store-away",
            Self::Unsure => "store-unsure",
            Self::NotDurable(_) => "store-not-durable",
            Self::Failed(_) => "store-failed",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Full => "Keep what you have; tell the network operator, and try again when there is room.",
            Self::NoLogKey => "Ask the patient to open the page on the phone once.",
            Self::RecordConflict => "Give the record a new id.",
            Self::RecordVersion => "Load the record again and amend its newest version.",
            Self::KeysOld => "Load the section keys again, then publish the next version.",
            Self::ChallengeUnknown => "Start the request again.",
            Self::SessionTaken => "Sign in again with the card.",
            Self::TooManyRequests => "Ask the master-key holder to decide on the waiting requests first.",
            Self::TooManyProposals => "Sign or withdraw the waiting proposals first.",
            Self::Damaged(_) => "Tell the network operator to restore the data store from a backup.",
            Self::Newer(_) => "Start the newer version of the gateway again.",
            Self::Foreign => "Check the data folder's keys and the database's address: they must belong together.",
            Self::Away => "Try again in a moment; if it lasts, tell the network operator.",
            Self::Unsure => "Look whether it is there; if not, do it again.",
            Self::NotDurable(_) => "Set it on in the database's settings, or accept_loss under [store] for a trial.",
            Self::Failed(_) => "Try again; if it happens again, tell the network operator.",
        }
    }
}

/// A patient's published keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PatientKeys {
    /// The signed list.
    #[serde(flatten)]
    pub list: SectionKeys,
    /// The root key that signed it.
    pub patient_key: PublicKey,
}

/// A section's private key sealed to an institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// Section number.
    pub section: u8,
    /// Epoch of the section key.
    pub epoch: u32,
    /// The sealed scalar.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// A grant with what its institution needs to use it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredGrant {
    /// Document, key and signature.
    #[serde(flatten)]
    pub grant: SignedGrant,
    /// Section keys sealed to the institution.
    pub section_keys: Vec<Wrapped>,
    /// Name and birth date sealed to the institution.
    pub label: Sealed,
    /// Epoch of the institution's agreement key.
    pub agreement_epoch: u32,
    /// When it arrived, seconds since 1970.
    pub since: u64,
}

/// A device request and what became of it.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    /// The request.
    pub request: DeviceRequest,
    /// When it arrived, seconds since 1970.
    pub submitted: u64,
    /// Why the master-key holder refused it.
    pub refusal: Option<String>,
}

/// An institution's agreement key sealed to a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrap {
    /// Epoch of the agreement key.
    pub epoch: u32,
    /// The agreement key's public half, as the sender says: two moves to the same epoch do not take each other's place.
    pub key: PublicKey,
    /// The sealed scalar.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// What became of a sponsored action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Transaction hash.
    pub tx: Digest,
    /// Block number.
    pub block: u64,
    /// Gas of the whole transaction.
    pub gas: u64,
    /// The action's digest.
    pub digest: Digest,
}

/// A logged read: the section's entry, and its proof in the tree after it.
#[derive(Clone, Debug)]
pub struct LoggedRead {
    /// Section number.
    pub section: u8,
    /// The gateway's promise.
    pub receipt: Receipt,
    /// That the promise is kept already.
    pub proof: Proof,
}

/// Records with the proof that their reading is in the log.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Records, each as JSON.
    pub records: Vec<String>,
    /// One entry for each section read.
    pub log: Vec<LoggedRead>,
}

/// A record to be written, with its log entry.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The record, verified.
    pub record: Record,
    /// What is to be logged.
    pub draft: Draft,
}

/// A record's receipt.
#[derive(Clone, Copy, Debug)]
pub struct WriteReceipt {
    /// Which record.
    pub record: RecordId,
    /// The gateway's promise.
    pub receipt: Receipt,
}

/// A line of a patient's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Place among the patient's events.
    pub sequence: u64,
    /// The event, sealed to the patient.
    pub sealed: Sealed,
    /// The gateway's promise.
    pub receipt: Receipt,
    /// Path to the root of the asked size, if the line is below it.
    pub path: Option<Vec<Digest>>,
}

/// The key of an institution's use lines, sealed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedInk {
    /// Random.
    pub id: [u8; TAG],
    /// Epoch of the agreement key that opens it.
    pub epoch: u32,
    /// When it was made, seconds since 1970; used for a day at most.
    pub made: u64,
    /// The sealed key.
    pub sealed: Sealed,
}

/// Which use lines are asked for.
#[derive(Clone, Copy, Debug)]
pub struct UsesAsked {
    /// Of which institution; an ink of another gives nothing.
    pub institution: InstitutionId,
    /// Under which ink.
    pub ink: [u8; TAG],
    /// Of which card.
    pub tag: [u8; TAG],
    /// From this number on.
    pub from: u64,
    /// At most.
    pub limit: u32,
}

/// A use line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedUse {
    /// Its number under its ink.
    pub number: u64,
    /// Sealed.
    pub ct: Vec<u8>,
}

/// Why a card was revoked, in the institution's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was written, seconds since 1970.
    pub time: u64,
    /// The words.
    pub text: String,
}

/// Everything that the gateway keeps outside the chain. Blocking.
///
/// Every method fails with [`StoreError::Failed`], [`StoreError::Damaged`], and, if it writes, [`StoreError::Full`].
#[expect(clippy::missing_errors_doc, reason = "said once above")]
pub trait Store: shared::Shared {
    /// Keeps a verified session; forgets those that ended before `now`. # Errors: [`StoreError::SessionTaken`].
    fn put_session(&self, session: &SignedDelegation, now: u64) -> Result<(), StoreError>;
    /// A session that was kept.
    fn session(&self, id: &SessionId) -> Result<Option<SignedDelegation>, StoreError>;

    /// Keeps a patient's verified keys. # Errors: [`StoreError::KeysOld`].
    fn put_patient_keys(&self, patient: &PatientId, keys: &PatientKeys) -> Result<(), StoreError>;
    /// A patient's keys.
    fn patient_keys(&self, patient: &PatientId) -> Result<Option<PatientKeys>, StoreError>;

    /// Keeps a verified grant; the first one with its commitment stays.
    fn put_grant(&self, grant: &StoredGrant) -> Result<(), StoreError>;
    /// A grant by its commitment.
    fn grant(&self, commitment: &Commitment) -> Result<Option<StoredGrant>, StoreError>;
    /// A patient's grants, newest first.
    fn grants_of_patient(&self, patient: &PatientId) -> Result<Vec<StoredGrant>, StoreError>;
    /// Those grants to an institution whose commitment is `known`, newest first; the others are not even loaded.
    fn grants_of_institution(
        &self,
        institution: &InstitutionId,
        known: &dyn Fn(&Commitment) -> bool,
    ) -> Result<Vec<StoredGrant>, StoreError>;

    /// Keeps a challenge until `expires`; forgets those that ended before `now`.
    fn put_challenge(&self, challenge: &Digest, expires: u64, now: u64) -> Result<(), StoreError>;
    /// Keeps a verified device request and uses up its challenge; a repetition of the same request is accepted.
    /// # Errors: [`StoreError::ChallengeUnknown`], [`StoreError::TooManyRequests`].
    fn put_request(&self, request: &DeviceRequest, now: u64) -> Result<(), StoreError>;
    /// A device request by its certificate's digest.
    fn request(&self, id: &Digest) -> Result<Option<StoredRequest>, StoreError>;
    /// An institution's requests that were not refused, oldest first.
    fn requests_of(&self, institution: &InstitutionId) -> Result<Vec<StoredRequest>, StoreError>;
    /// Refuses a request.
    fn refuse(&self, id: &Digest, reason: &str) -> Result<(), StoreError>;
    /// A certificate by its digest.
    fn certificate(&self, digest: &Digest) -> Result<Option<DeviceCertificate>, StoreError>;

    /// Keeps wraps for 9D keys.
    fn put_wraps(&self, institution: &InstitutionId, wraps: &[WrapTo]) -> Result<(), StoreError>;
    /// The wrap of this agreement key for a 9D key.
    fn wrap(&self, institution: &InstitutionId, recipient: &KeyId, key: &PublicKey)
    -> Result<Option<Wrap>, StoreError>;
    /// The 9D keys that have a wrap of this agreement key.
    fn wrapped(&self, institution: &InstitutionId, key: &PublicKey) -> Result<Vec<KeyId>, StoreError>;
    /// Keeps an older epoch's key.
    fn put_older_key(&self, institution: &InstitutionId, older: &OlderKey) -> Result<(), StoreError>;
    /// An institution's older keys, oldest epoch first.
    fn older_keys(&self, institution: &InstitutionId) -> Result<Vec<OlderKey>, StoreError>;

    /// Keeps a proposal; one that is there already stays as it is.
    /// # Errors: [`StoreError::TooManyProposals`].
    fn put_proposal(&self, proposal: &Proposal) -> Result<(), StoreError>;
    /// A proposal by its action's digest.
    fn proposal(&self, digest: &Digest) -> Result<Option<Proposal>, StoreError>;
    /// An institution's proposals, oldest first.
    fn proposals_of(&self, institution: &InstitutionId) -> Result<Vec<Proposal>, StoreError>;
    /// Adds a signature to a proposal that has not ended; a key's second one changes nothing. The proposal as it is then.
    fn sign_proposal(&self, digest: &Digest, signature: &ProposalSignature) -> Result<Option<Proposal>, StoreError>;
    /// Ends a proposal that has not ended.
    fn end_proposal(&self, digest: &Digest, end: &ProposalEnd) -> Result<(), StoreError>;
    /// Forgets proposals.
    fn drop_proposals(&self, digests: &[Digest]) -> Result<(), StoreError>;

    /// Keeps what became of an action, under a name of the sponsor's.
    fn put_outcome(&self, name: &Digest, outcome: &Outcome) -> Result<(), StoreError>;
    /// What became of an action.
    fn outcome(&self, name: &Digest) -> Result<Option<Outcome>, StoreError>;

    /// Logs, durably. # Errors: [`StoreError::NoLogKey`].
    fn log_reads(&self, drafts: Vec<Draft>) -> Result<Vec<LoggedRead>, StoreError>;
    /// Logs, durably, then reads the sections that were logged. # Errors: [`StoreError::NoLogKey`].
    fn read(&self, patient: &PatientId, drafts: Vec<Draft>) -> Result<Reading, StoreError> {
        let sections: Vec<u8> = drafts.iter().map(|draft| draft.section).collect();
        let log = self.log_reads(drafts)?;
        let records = self.records(patient, &sections)?;
        Ok(Reading { records, log })
    }
    /// Keeps what is known of a blob, with its log entry; a blob that is known answers the receipt of the first time.
    /// # Errors: [`StoreError::NoLogKey`], [`StoreError::RecordConflict`] if it is another patient's or section's.
    fn put_blob(&self, blob: &Blob, draft: Draft) -> Result<Receipt, StoreError>;
    /// What is known of a blob.
    fn blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError>;
    /// Reads without logging, each record as JSON: only for benchmarks, and to know which sections hold something.
    fn records(&self, patient: &PatientId, sections: &[u8]) -> Result<Vec<String>, StoreError>;
    /// Which of the sections hold records.
    fn filled(&self, patient: &PatientId, sections: &[u8]) -> Result<Vec<u8>, StoreError>;
    /// Writes all records with their log entries, or none.
    /// # Errors: [`StoreError::NoLogKey`], [`StoreError::RecordConflict`], [`StoreError::RecordVersion`].
    fn write(&self, records: Vec<NewRecord>) -> Result<Vec<WriteReceipt>, StoreError>;

    /// A patient's lines from a sequence on, at most `limit`, each with its path to the root of the first `size` leaves.
    fn log_of(&self, patient: &PatientId, from: u64, limit: u32, size: u64) -> Result<Vec<LogLine>, StoreError>;
    /// Keeps an ink, before its first use.
    fn put_ink(&self, institution: &InstitutionId, ink: &SealedInk) -> Result<(), StoreError>;
    /// An institution's inks made at `since` or later, oldest first.
    fn inks(&self, institution: &InstitutionId, since: u64) -> Result<Vec<SealedInk>, StoreError>;
    /// Use lines of one card under one ink, in their order.
    fn uses(&self, asked: &UsesAsked) -> Result<Vec<SealedUse>, StoreError>;
    /// When a card last opened a session, seconds since 1970.
    fn seen(&self, device: &DeviceId) -> Result<Option<u64>, StoreError>;
    /// Keeps a note on a card; the newest replaces.
    fn put_note(&self, device: &DeviceId, note: &Note) -> Result<(), StoreError>;
    /// The note on a card.
    fn note(&self, device: &DeviceId) -> Result<Option<Note>, StoreError>;

    /// Number of leaves in the log, and the root over all of them.
    fn log_head(&self) -> Result<(u64, Digest), StoreError>;
    /// The root over the first `size` leaves.
    fn log_root(&self, size: u64) -> Result<Digest, StoreError>;
    /// The tree's hashes with these numbers (`tlog_tiles`), in their order.
    fn log_hashes(&self, numbers: &[u64]) -> Result<Vec<Digest>, StoreError>;
    /// The data of `count` leaves from the index `from` on.
    fn log_leaves(&self, from: u64, count: u32) -> Result<Vec<Digest>, StoreError>;
}
