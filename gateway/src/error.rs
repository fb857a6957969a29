//! What a client is told when something is refused or fails: a status and problem details (RFC 9457).

use crate::objects::ObjectsError;
use crate::store::StoreError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use std::time::Duration;
use wardkey_chain::ChainError;
use wardkey_core::delegation::DelegationError;
use wardkey_core::fault::{Coded, Fault};
use wardkey_core::grant::NotAGrant;
use wardkey_core::http_signature::HttpSignatureError;
use wardkey_core::key::KeyError;
use wardkey_core::permission::Denial;
use wardkey_core::problem::{PROBLEM_JSON, ProblemDetails};
use wardkey_core::record::RecordError;

macro_rules! refusals {
    ($($name:ident = $status:ident, $code:literal, $what:literal, $action:literal;)+) => {
        /// What the gateway itself refuses; `docs/errors.md` lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal { $(#[doc = $what] #[error($what)] $name,)+ }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];
            const fn status(self) -> StatusCode { match self { $(Self::$name => StatusCode::$status,)+ } }
        }
        impl Coded for Refusal {
            fn code(&self) -> &'static str { match self { $(Self::$name => $code,)+ } }
            fn action(&self) -> &'static str { match self { $(Self::$name => $action,)+ } }
        }
    };
}

refusals! {
    NotFound = NOT_FOUND, "not-found", "there is nothing at this address", "Check that program and gateway are of the same version.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "this address does not take this method", "Check that program and gateway are of the same version.";
    InstitutionNotFound = NOT_FOUND, "institution-unknown", "no institution with this id is registered", "Check the poster; tell the institution.";
    DeviceNotFound = NOT_FOUND, "device-unknown", "no card with this id was ever approved", "Ask IT to request its approval.";
    CertificateNotFound = NOT_FOUND, "certificate-unknown", "the gateway does not hold this card's certificate", "Ask IT to request the card's approval again.";
    RequestNotFound = NOT_FOUND, "request-unknown", "no such device request has arrived", "Request the approval again.";
    UnblockNotFound = NOT_FOUND, "unblock-unknown", "no terminal asks with these words, or longer than 15 minutes ago", "Check the words with the caller; the terminal can ask again.";
    WrapNotFound = NOT_FOUND, "wrap-none", "the institution's key was not sealed to this card yet", "Ask the master-key holder to open the approval area once.";
    ProposalNotFound = NOT_FOUND, "proposal-unknown", "no such proposal waits for signatures", "Reload the list.";
    ProposalEnded = CONFLICT, "proposal-ended", "the proposal was withdrawn or carried out", "Reload the list.";
    ProposalKind = BAD_REQUEST, "proposal-kind", "this action needs no further signatures, or carries more than its type uses", "Check that program and gateway are of the same version.";
    KeysNotFound = NOT_FOUND, "section-keys-none", "the patient's phone has not published its keys yet", "Ask the patient to open the page on the phone once.";
    CheckpointNone = NOT_FOUND, "checkpoint-none", "no checkpoint of the log was published yet", "Wait a few seconds.";
    PageMissing = NOT_FOUND, "page-missing", "this gateway was built without the phone page", "Build the page (npm run build in ui/), then the gateway.";
    BodyMalformed = BAD_REQUEST, "body-malformed", "the request's content is not what this address takes", "Check that program and gateway are of the same version.";
    QueryMalformed = BAD_REQUEST, "query-malformed", "the request's address is incomplete or cannot be read", "Check that program and gateway are of the same version.";
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "the request is larger than the gateway takes", "Send it in several parts.";
    BodySlow = REQUEST_TIMEOUT, "body-slow", "the request's content did not arrive in time", "Check the network connection, then try again.";
    Busy = SERVICE_UNAVAILABLE, "gateway-busy", "the gateway is receiving as much as it can hold", "Wait a moment and try again.";
    StreamsTooMany = TOO_MANY_REQUESTS, "events-too-many", "this session listens to the gateway's events too often at once", "Close other windows of this session, then try again.";
    RecordTooLarge = PAYLOAD_TOO_LARGE, "record-too-large", "a record is larger than the gateway takes", "Leave out or shrink what makes it large, such as scanned pages.";
    ClockOff = UNAUTHORIZED, "request-time", "the request was signed more than 60 seconds from now", "Set this device's clock, then try again.";
    BeforeStart = UNAUTHORIZED, "request-before-start", "the request was signed before the gateway started", "Try again.";
    Replayed = UNAUTHORIZED, "request-replayed", "this request was received before", "Try again; if it repeats, tell IT: something repeats messages on the network.";
    SessionUnknown = UNAUTHORIZED, "session-unknown", "the gateway does not know this session", "Sign in again with the card.";
    SessionExpired = UNAUTHORIZED, "session-expired", "the session has ended", "Sign in again with the card.";
    MasterReplaced = UNAUTHORIZED, "session-master-replaced", "this master key is no longer one of the institution's", "Sign in with a current master key.";
    WrongSigner = FORBIDDEN, "wrong-signer", "this is for another key than the one that signed the request", "Use the card or phone that this belongs to.";
    PermissionMissing = BAD_REQUEST, "permission-missing", "the request names no grant", "Open the patient's chart again.";
    ReasonMissing = BAD_REQUEST, "reason-missing", "the request gives no reason, or one longer than 500 bytes", "Enter why the records are needed.";
    ReasonMalformed = BAD_REQUEST, "reason-malformed", "the reason is not percent-encoded UTF-8", "Enter the reason again.";
    SectionUnknown = BAD_REQUEST, "section-unknown", "no such section exists", "Check that program and gateway are of the same version.";
    ChainStopped = SERVICE_UNAVAILABLE, "chain-stopped", "the chain replaced a final block or contradicts what was learned from it; nothing is permitted until the gateway has read it again", "Wait and try again; tell the network operator.";
    ChainSilent = SERVICE_UNAVAILABLE, "chain-silent", "the gateway has not heard from the chain for too long, so nothing can be permitted", "Wait and try again; tell the network operator if it lasts.";
    RecordTime = BAD_REQUEST, "record-time", "the record's time lies in the future", "Set the terminal's clock, then sign the record again.";
    RecordEpoch = CONFLICT, "record-epoch", "the record is sealed to a key that the patient has not published", "Open the patient's chart again, then write it again.";
    RecordsNone = BAD_REQUEST, "records-none", "the request holds no record", "Nothing needs to be done.";
    GrantMismatch = BAD_REQUEST, "grant-mismatch", "document, grant action and keys do not belong together", "Scan the poster again and grant anew.";
    GrantIncomplete = BAD_REQUEST, "grant-incomplete", "not every readable section's key was sealed to the institution", "Scan the poster again and grant anew.";
    GrantLabel = BAD_REQUEST, "grant-label", "the grant's sealed label is malformed or larger than 1 KiB", "Shorten the name, then grant anew.";
    KeysOdd = BAD_REQUEST, "section-keys-odd", "the list names a section key twice, a section that does not exist, or more than 512 keys", "Check that page and gateway are of the same version.";
    GrantSection = BAD_REQUEST, "grant-section", "the grant names a section that does not exist or cannot be granted", "Scan the poster again and grant anew.";
    AgreementOld = CONFLICT, "agreement-old", "the institution has a newer key", "Scan the poster again and grant anew.";
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "too many requests came from here in this second", "Wait as long as Retry-After says.";
    QuotaUsed = TOO_MANY_REQUESTS, "quota-used", "too many actions came from here within an hour", "Wait an hour, or ask the network operator.";
    SponsorBusy = TOO_MANY_REQUESTS, "sponsor-busy", "as many actions from here are being carried out as may be at once", "Try again in a moment.";
    BlobUnknown = NOT_FOUND, "blob-unknown", "this patient has no such document here", "Load the chart again; ask the document's author if it stays.";
    BlobDigest = BAD_REQUEST, "blob-digest", "the document's bytes are not those of its name", "Send it again.";
    TicketUnknown = FORBIDDEN, "blob-ticket", "the ticket is not for this document and this session, or older than two minutes", "Open the document again.";
    ObjectsFailed = SERVICE_UNAVAILABLE, "objects-failed", "the gateway's store of large objects failed", "Try again; if it happens again, tell the network operator.";
    CannotSign = INTERNAL_SERVER_ERROR, "gateway-cannot-sign", "the gateway could not sign its answer", "Try again; if it happens again, tell the network operator.";
    Internal = INTERNAL_SERVER_ERROR, "internal", "the gateway failed", "Try again; if it happens again, tell the network operator.";
}

/// A refusal or failure on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// What the client is told.
    pub fault: Fault,
    /// What more is known of this one time.
    pub detail: Option<String>,
    /// Seconds after which it may be asked again (`Retry-After`, RFC 9110 §10.2.3), if that is known.
    pub retry_after: Option<u64>,
}

/// The code of an answer that is a problem, for whoever counts; it is not sent.
#[derive(Clone, Debug)]
pub struct AnsweredCode(pub String);

impl Problem {
    /// Any coded error under a status.
    #[must_use]
    pub fn new(status: StatusCode, error: &impl Coded) -> Self {
        Self {
            status,
            fault: error.fault(),
            detail: None,
            retry_after: None,
        }
    }

    /// With the time after which it may be asked again, in full seconds.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let retry_after = Some(wait.as_secs() + 1);
        Self { retry_after, ..self }
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.fault.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, PROBLEM_JSON)];
        let code = Extension(AnsweredCode(self.fault.code.clone()));
        let details = ProblemDetails::new(self.status.as_u16(), self.fault, self.detail);
        let mut response = (self.status, kind, code, Json(details)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), &refusal)
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        Self::new(StatusCode::FORBIDDEN, &denial)
    }
}

impl From<DelegationError> for Problem {
    fn from(error: DelegationError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, &error)
    }
}

impl From<HttpSignatureError> for Problem {
    fn from(error: HttpSignatureError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, &error)
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &error)
    }
}

impl From<NotAGrant> for Problem {
    fn from(error: NotAGrant) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &error)
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let status = if error == KeyError::SigningFailed {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::FORBIDDEN
        };
        Self::new(status, &error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::Full => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::NoLogKey
            | StoreError::RecordConflict
            | StoreError::RecordVersion
            | StoreError::KeysOld
            | StoreError::SessionTaken
            | StoreError::ChallengeUnknown => StatusCode::CONFLICT,
            StoreError::TooManyRequests | StoreError::TooManyProposals => StatusCode::TOO_MANY_REQUESTS,
            StoreError::Away | StoreError::Unsure => {
                tracing::error!(?error, "the database is away");
                StatusCode::SERVICE_UNAVAILABLE
            }
            StoreError::Damaged(_)
            | StoreError::Newer(_)
            | StoreError::Foreign
            | StoreError::NotDurable(_)
            | StoreError::Failed(_) => {
                tracing::error!(?error, "the data store failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, &error)
    }
}

impl From<ObjectsError> for Problem {
    fn from(error: ObjectsError) -> Self {
        tracing::error!(%error, "the object store failed");
        Refusal::ObjectsFailed.into()
    }
}

impl From<ChainError> for Problem {
    fn from(error: ChainError) -> Self {
        let status = match &error {
            ChainError::Refused(wardkey_chain::Refusal::BadSignature) => StatusCode::FORBIDDEN,
            ChainError::Refused(_) => StatusCode::CONFLICT,
            ChainError::Malformed(_) => StatusCode::BAD_REQUEST,
            // Said as it is: it is not true that nothing was changed.
            ChainError::Pending => StatusCode::SERVICE_UNAVAILABLE,
            _ => {
                tracing::error!(?error, "the chain failed");
                return Self::new(chain_failure(&error), &Outside(error));
            }
        };
        Self::new(status, &error)
    }
}

fn chain_failure(error: &ChainError) -> StatusCode {
    match error {
        ChainError::Storage(e) if wardkey_chain::no_room(e) => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A failing chain as clients see it: its code, without the machine's own words.
#[derive(Debug, thiserror::Error)]
#[error("the chain did not take the action")]
struct Outside(ChainError);

impl Coded for Outside {
    fn code(&self) -> &'static str {
        self.0.code()
    }
    fn action(&self) -> &'static str {
        "Nothing was changed. Try again; if it happens again, tell the network operator."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_papers() {
        let papers = include_str!("../../docs/errors.md");
        let store = [
            StoreError::Full,
            StoreError::NoLogKey,
            StoreError::RecordConflict,
            StoreError::RecordVersion,
            StoreError::KeysOld,
            StoreError::ChallengeUnknown,
            StoreError::SessionTaken,
            StoreError::TooManyRequests,
            StoreError::TooManyProposals,
            StoreError::Damaged(""),
            StoreError::Newer(0),
            StoreError::Foreign,
            StoreError::Away,
            StoreError::Unsure,
            StoreError::NotDurable(""),
            StoreError::Failed(String::new()),
        ];
        let codes = Refusal::ALL
            .iter()
            .map(Coded::code)
            .chain(Denial::ALL.iter().map(Coded::code))
            .chain(store.iter().map(Coded::code));
        for code in codes {
            assert!(
                papers.contains(&format!("| `{code}` |")),
                "{code} is missing in docs/errors.md"
            );
        }
    }

    #[test]
    fn a_full_disk_has_its_status_wherever_it_happens() {
        assert_eq!(Problem::from(StoreError::Full).status, 507);
        for code in [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_IOERR_SHMSIZE] {
            let full = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(StoreError::from(full()), StoreError::Full);
            let problem = Problem::from(ChainError::Storage(full()));
            assert_eq!((problem.status.as_u16(), problem.code()), (507, "disk-full"));
        }
        let broken = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_READ), None);
        let problem = Problem::from(ChainError::Storage(broken));
        assert_eq!((problem.status.as_u16(), problem.code()), (503, "chain-storage"));
    }
}
