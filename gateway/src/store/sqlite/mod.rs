//! The data store in one SQLite file: many readers, one writer that commits many callers' changes together.

mod blobs;
mod documents;
mod log;
mod masters;
mod records;
mod uses;
mod writer;

use super::{
    LogLine, LoggedRead, NewRecord, Note, Outcome, PatientKeys, Proposal, ProposalEnd, ProposalSignature, SealedInk,
    SealedUse, Store, StoreError, StoredGrant, StoredRequest, UsesAsked, Wrap, WrapTo, WriteReceipt,
};
use crate::blobs::Blob;
use crate::log::{Draft, Scribe};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::{DeviceCertificate, DeviceRequest};
use wardkey_core::epoch::OlderKey;
use wardkey_core::id::{BlobId, Commitment, DeviceId, Digest, InstitutionId, KeyId, PatientId, SessionId};
use wardkey_core::key::PublicKey;
use wardkey_core::log::Receipt;
use writer::Writer;

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: u32 = 3;
const PAGE_BYTES: u32 = 8192;
/// Readers kept open between uses.
const READERS: usize = 64;

/// The store.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
    scribe: Arc<Scribe>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            _ if wardkey_chain::no_room(&error) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged("the file is not a sound SQLite database")
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // Otherwise SQLite prepares a statement anew whenever another value is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl SqliteStore {
    /// Opens the file; makes it at the first start. `max_megabytes` 0 = no limit.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Damaged`] if the file belongs to another network or another version of the program.
    pub fn open(path: &Path, max_megabytes: u32, scribe: Arc<Scribe>) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        prepare(&mut connection, &scribe)?;
        if max_megabytes > 0 {
            let pages = u64::from(max_megabytes) * 1024 * 1024 / u64::from(PAGE_BYTES);
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        let writer = Writer::start(connection, Arc::clone(&scribe))?;
        Ok(Self {
            path: path.to_owned(),
            readers: Mutex::default(),
            writer,
            scribe,
        })
    }

    fn reading<T>(&self, f: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| connect(&self.path), Ok)?;
        let result = f(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        result
    }
}

/// Makes the tables in an empty file; checks that a used one is this network's.
fn prepare(connection: &mut Connection, scribe: &Scribe) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let (separator, gateway) = (scribe.domain().separator(), scribe.gateway().0);
    if version == 0 {
        let tx = connection.transaction()?;
        tx.execute_batch(SCHEMA)?;
        tx.execute("INSERT INTO network VALUES (1, ?1, ?2)", params![separator, gateway])?;
        tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        return Ok(tx.commit()?);
    }
    if version != SCHEMA_VERSION {
        return Err(StoreError::Damaged(
            "the file was made by another version of the gateway",
        ));
    }
    let known = connection
        .query_row("SELECT separator, gateway FROM network", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if known == Some((separator, gateway)) {
        Ok(())
    } else {
        Err(StoreError::Damaged("the file belongs to another network"))
    }
}

impl Store for SqliteStore {
    fn put_session(&self, session: &SignedDelegation, now: u64) -> Result<(), StoreError> {
        let session = session.clone();
        self.writer
            .run(move |work| documents::put_session(work.connection, &session, now))
    }
    fn session(&self, id: &SessionId) -> Result<Option<SignedDelegation>, StoreError> {
        self.reading(|c| documents::session(c, id))
    }
    fn put_patient_keys(&self, patient: &PatientId, keys: &PatientKeys) -> Result<(), StoreError> {
        let (patient, keys) = (*patient, keys.clone());
        self.writer
            .run(move |work| documents::put_patient_keys(work.connection, &patient, &keys))
    }
    fn patient_keys(&self, patient: &PatientId) -> Result<Option<PatientKeys>, StoreError> {
        self.reading(|c| documents::patient_keys(c, patient))
    }
    fn put_grant(&self, grant: &StoredGrant) -> Result<(), StoreError> {
        let grant = grant.clone();
        self.writer
            .run(move |work| documents::put_grant(work.connection, &grant))
    }
    fn grant(&self, commitment: &Commitment) -> Result<Option<StoredGrant>, StoreError> {
        self.reading(|c| documents::grant(c, commitment))
    }
    fn grants_of_patient(&self, patient: &PatientId) -> Result<Vec<StoredGrant>, StoreError> {
        self.reading(|c| documents::grants(c, "patient", &patient.0, &|_| true))
    }
    fn grants_of_institution(
        &self,
        institution: &InstitutionId,
        known: &dyn Fn(&Commitment) -> bool,
    ) -> Result<Vec<StoredGrant>, StoreError> {
        self.reading(|c| documents::grants(c, "institution", &institution.0, known))
    }
    fn put_challenge(&self, challenge: &Digest, expires: u64, now: u64) -> Result<(), StoreError> {
        let challenge = *challenge;
        self.writer
            .run(move |work| documents::put_challenge(work.connection, &challenge, expires, now))
    }
    fn put_request(&self, request: &DeviceRequest, now: u64) -> Result<(), StoreError> {
        let request = request.clone();
        self.writer
            .run(move |work| documents::put_request(work.connection, &request, now))
    }
    fn request(&self, id: &Digest) -> Result<Option<StoredRequest>, StoreError> {
        self.reading(|c| documents::request(c, id))
    }
    fn requests_of(&self, institution: &InstitutionId) -> Result<Vec<StoredRequest>, StoreError> {
        self.reading(|c| documents::requests_of(c, institution))
    }
    fn refuse(&self, id: &Digest, reason: &str) -> Result<(), StoreError> {
        let (id, reason) = (*id, reason.to_owned());
        self.writer
            .run(move |work| documents::refuse(work.connection, &id, &reason))
    }
    fn certificate(&self, digest: &Digest) -> Result<Option<DeviceCertificate>, StoreError> {
        Ok(self.request(digest)?.map(|stored| stored.request.certificate))
    }
    fn put_wraps(&self, institution: &InstitutionId, wraps: &[WrapTo]) -> Result<(), StoreError> {
        let (institution, wraps) = (*institution, wraps.to_vec());
        self.writer
            .run(move |work| masters::put_wraps(work.connection, &institution, &wraps))
    }
    fn wrap(
        &self,
        institution: &InstitutionId,
        recipient: &KeyId,
        key: &PublicKey,
    ) -> Result<Option<Wrap>, StoreError> {
        self.reading(|c| masters::wrap(c, institution, recipient, key))
    }
    fn wrapped(&self, institution: &InstitutionId, key: &PublicKey) -> Result<Vec<KeyId>, StoreError> {
        self.reading(|c| masters::wrapped(c, institution, key))
    }
    fn put_older_key(&self, institution: &InstitutionId, older: &OlderKey) -> Result<(), StoreError> {
        let (institution, older) = (*institution, older.clone());
        self.writer
            .run(move |work| masters::put_older_key(work.connection, &institution, &older))
    }
    fn older_keys(&self, institution: &InstitutionId) -> Result<Vec<OlderKey>, StoreError> {
        self.reading(|c| masters::older_keys(c, institution))
    }
    fn put_proposal(&self, proposal: &Proposal) -> Result<(), StoreError> {
        let proposal = proposal.clone();
        self.writer
            .run(move |work| masters::put_proposal(work.connection, &proposal))
    }
    fn proposal(&self, digest: &Digest) -> Result<Option<Proposal>, StoreError> {
        self.reading(|c| masters::proposal(c, digest))
    }
    fn proposals_of(&self, institution: &InstitutionId) -> Result<Vec<Proposal>, StoreError> {
        self.reading(|c| masters::proposals_of(c, institution))
    }
    fn sign_proposal(&self, digest: &Digest, signature: &ProposalSignature) -> Result<Option<Proposal>, StoreError> {
        let (digest, signature) = (*digest, *signature);
        self.writer
            .run(move |work| masters::sign_proposal(work.connection, &digest, &signature))
    }
    fn end_proposal(&self, digest: &Digest, end: &ProposalEnd) -> Result<(), StoreError> {
        let (digest, end) = (*digest, end.clone());
        self.writer
            .run(move |work| masters::end_proposal(work.connection, &digest, &end))
    }
    fn drop_proposals(&self, digests: &[Digest]) -> Result<(), StoreError> {
        let digests = digests.to_vec();
        self.writer
            .run(move |work| masters::drop_proposals(work.connection, &digests))
    }
    fn put_outcome(&self, name: &Digest, outcome: &Outcome) -> Result<(), StoreError> {
        let (name, outcome) = (*name, *outcome);
        self.writer
            .run(move |work| documents::put_outcome(work.connection, &name, &outcome))
    }
    fn outcome(&self, name: &Digest) -> Result<Option<Outcome>, StoreError> {
        self.reading(|c| documents::outcome(c, name))
    }
    fn log_reads(&self, drafts: Vec<Draft>) -> Result<Vec<LoggedRead>, StoreError> {
        let entries = self.reading(|c| log::prepare(c, &self.scribe, drafts))?;
        self.writer.run(move |work| records::log_reads(work, entries))
    }
    fn put_blob(&self, blob: &Blob, draft: Draft) -> Result<Receipt, StoreError> {
        let mut entries = self.reading(|c| log::prepare(c, &self.scribe, [draft]))?;
        let (blob, entry) = (*blob, entries.pop().ok_or(StoreError::NoLogKey)?);
        self.writer.run(move |work| blobs::put(work, &blob, entry))
    }
    fn blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        self.reading(|c| blobs::get(c, id))
    }
    fn records(&self, patient: &PatientId, sections: &[u8]) -> Result<Vec<String>, StoreError> {
        self.reading(|c| records::documents(c, patient, sections))
    }
    fn filled(&self, patient: &PatientId, sections: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.reading(|c| records::filled(c, patient, sections))
    }
    fn write(&self, records: Vec<NewRecord>) -> Result<Vec<WriteReceipt>, StoreError> {
        let (records, drafts): (Vec<_>, Vec<_>) = records.into_iter().map(|new| (new.record, new.draft)).unzip();
        let entries = self.reading(|c| log::prepare(c, &self.scribe, drafts))?;
        let both = records.into_iter().zip(entries);
        self.writer.run(move |work| {
            both.map(|(record, entry)| records::write(work, &record, entry))
                .collect()
        })
    }
    fn log_of(&self, patient: &PatientId, from: u64, limit: u32, size: u64) -> Result<Vec<LogLine>, StoreError> {
        self.reading(|c| log::lines(c, patient, from, limit, size))
    }
    fn put_ink(&self, institution: &InstitutionId, ink: &SealedInk) -> Result<(), StoreError> {
        let (institution, ink) = (*institution, ink.clone());
        self.writer
            .run(move |work| uses::put_ink(work.connection, &institution, &ink))
    }
    fn inks(&self, institution: &InstitutionId, since: u64) -> Result<Vec<SealedInk>, StoreError> {
        self.reading(|c| uses::inks(c, institution, since))
    }
    fn uses(&self, of: &UsesAsked) -> Result<Vec<SealedUse>, StoreError> {
        self.reading(|c| uses::lines(c, of))
    }
    fn seen(&self, device: &DeviceId) -> Result<Option<u64>, StoreError> {
        self.reading(|c| uses::seen(c, device))
    }
    fn put_note(&self, device: &DeviceId, note: &Note) -> Result<(), StoreError> {
        let (device, note) = (*device, note.clone());
        self.writer
            .run(move |work| uses::put_note(work.connection, &device, &note))
    }
    fn note(&self, device: &DeviceId) -> Result<Option<Note>, StoreError> {
        self.reading(|c| uses::note(c, device))
    }
    fn log_head(&self) -> Result<(u64, Digest), StoreError> {
        self.writer.run(log::head)
    }
    fn log_root(&self, size: u64) -> Result<Digest, StoreError> {
        self.reading(|c| log::root_of(c, size))
    }
    fn log_hashes(&self, numbers: &[u64]) -> Result<Vec<Digest>, StoreError> {
        self.reading(|c| log::hashes(c, numbers))
    }
    fn log_leaves(&self, from: u64, count: u32) -> Result<Vec<Digest>, StoreError> {
        self.reading(|c| log::leaves(c, from, count))
    }
}
