//! The store over any database: many readers, one writer that commits many callers' changes together.

use super::writer::Writer;
use super::{Connection, Database, blobs, common, documents, log, masters, migrate, records, uses};
use crate::blobs::Blob;
use crate::log::{Draft, Prepared, Scribe};
use crate::store::shared::{Item, Shared, Span, Told, Unblock};
use crate::store::{
    LogLine, LoggedRead, NewRecord, Note, Outcome, PatientKeys, Proposal, ProposalEnd, ProposalSignature, SealedInk,
    SealedUse, Store, StoreError, StoredGrant, StoredRequest, UsesAsked, Wrap, WrapTo, WriteReceipt,
};
use std::sync::{Arc, Mutex, PoisonError};
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::{DeviceCertificate, DeviceRequest};
use wardkey_core::epoch::OlderKey;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{BlobId, Commitment, DeviceId, Digest, InstitutionId, KeyId, PatientId, SessionId};
use wardkey_core::key::PublicKey;
use wardkey_core::log::Receipt;
use wardkey_core::unblock::UnblockRequest;

/// Readers kept open between uses.
const READERS: usize = 64;

/// The store.
pub struct SqlStore<D: Database> {
    database: Arc<D>,
    readers: Mutex<Vec<D::Link>>,
    writer: Writer,
    scribe: Arc<Scribe>,
}

impl<D: Database> SqlStore<D> {
    /// Opens the database; makes its tables at the first start, and brings older ones up to date. `link` is the writer's.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Foreign`] if it belongs to another network, [`StoreError::Newer`] if a newer program made it.
    pub fn open(database: D, scribe: Arc<Scribe>) -> Result<Self, StoreError> {
        let link = database.connect()?;
        migrate::prepare::<D>(&link, &scribe)?;
        let database = Arc::new(database);
        Ok(Self {
            writer: Writer::start(link, Arc::clone(&database), Arc::clone(&scribe))?,
            database,
            readers: Mutex::default(),
            scribe,
        })
    }

    /// Reads with a connection of the pool; once more with a new one if that was dead.
    fn reading<T>(&self, read: impl Fn(&dyn Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = || self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(link) = idle().filter(Connection::is_alive) {
            let result = read(&link);
            if link.is_alive() {
                self.put_back(link);
                return result;
            }
        }
        let link = self.database.connect()?;
        let result = read(&link);
        if link.is_alive() {
            self.put_back(link);
        }
        result
    }

    /// Does what of log entries can be done before their turn.
    fn prepare(&self, drafts: Vec<Draft>) -> Result<Vec<Prepared>, StoreError> {
        let keys = self.reading(|c| log::keys(c, &drafts))?;
        log::prepare(&self.scribe, &keys, drafts)
    }

    fn put_back(&self, link: D::Link) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(link);
        }
    }
}

impl<D: Database> Shared for SqlStore<D> {
    fn is_shared(&self) -> bool {
        D::SHARED
    }
    fn take_nonce(&self, name: &Digest, created: u64) -> Result<bool, StoreError> {
        // Tried a second time, it would find its own nonce if the first one arrived: then it is refused, which is safe.
        self.reading(|c| common::take_nonce(c, name, created))
    }
    fn count(&self, payee: &Digest, hour: u64, limit: u32) -> Result<bool, StoreError> {
        let payee = *payee;
        self.writer
            .run(move |work| common::count(work.connection, &payee, hour, limit))
    }
    fn put_unblock(&self, request: &UnblockRequest, ends: u64, now: u64) -> Result<bool, StoreError> {
        let request = request.clone();
        self.writer
            .run(move |work| common::put_unblock(work.connection, &request, ends, now))
    }
    fn unblock(&self, id: &Digest, now: u64) -> Result<Option<Unblock>, StoreError> {
        self.reading(|c| common::unblock(c, id, now))
    }
    fn unblock_named(&self, start: &[u8; 8], now: u64) -> Result<Option<Unblock>, StoreError> {
        self.reading(|c| common::unblock_named(c, start, now))
    }
    fn answer_unblock(&self, id: &Digest, answer: &Sealed, now: u64) -> Result<bool, StoreError> {
        let (id, answer) = (*id, answer.clone());
        self.writer
            .run(move |work| common::answer_unblock(work.connection, &id, &answer, now))
    }
    fn tell(&self, news: Vec<Item>, now: u64) -> Result<(), StoreError> {
        if news.is_empty() {
            return Ok(());
        }
        self.writer.run(move |work| common::tell(work.connection, &news, now))
    }
    fn news(&self, institution: Option<&InstitutionId>, after: u64, limit: u32) -> Result<Vec<Told>, StoreError> {
        self.reading(|c| common::news(c, institution, after, limit))
    }
    fn news_span(&self) -> Result<Span, StoreError> {
        self.reading(common::news_span)
    }
    fn lease(&self, name: &'static str, holder: &Digest, seconds: u64, now: u64) -> Result<bool, StoreError> {
        let holder = *holder;
        self.writer
            .run(move |work| common::lease(work.connection, name, &holder, seconds, now))
    }
    fn sweep(&self, now: u64) -> Result<(), StoreError> {
        self.writer.run(move |work| common::sweep(work.connection, now))
    }
}

impl<D: Database> Store for SqlStore<D> {
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
        self.reading(|c| documents::grants(c, documents::OF_PATIENT, &patient.0, &|_| true))
    }
    fn grants_of_institution(
        &self,
        institution: &InstitutionId,
        known: &dyn Fn(&Commitment) -> bool,
    ) -> Result<Vec<StoredGrant>, StoreError> {
        self.reading(|c| documents::grants(c, documents::OF_INSTITUTION, &institution.0, known))
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
        let entries = self.prepare(drafts)?;
        self.writer.run(move |work| records::log_reads(work, entries))
    }
    fn put_blob(&self, blob: &Blob, draft: Draft) -> Result<Receipt, StoreError> {
        let mut entries = self.prepare(vec![draft])?;
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
        let entries = self.prepare(drafts)?;
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
