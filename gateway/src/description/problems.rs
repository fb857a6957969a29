//! What operations are refused with: status and code, in groups. `docs/errors.md` says what each means.

use super::operation::{By, Operation, Refused};
use std::collections::{BTreeMap, BTreeSet};

/// Every operation under `/v1`.
const EVERY: &[Refused] = &[
    (400, "body-malformed"),
    (408, "body-slow"),
    (413, "body-too-large"),
    (429, "rate-limited"),
    (500, "internal"),
    (500, "store-damaged"),
    (500, "store-failed"),
    (503, "gateway-busy"),
    (503, "store-away"),
    (503, "store-unsure"),
    (507, "disk-full"),
];
/// Those with names in the path or with a query.
const ADDRESSED: &[Refused] = &[(400, "query-malformed")];
/// Those that are signed.
const SIGNED: &[Refused] = &[
    (400, "permission-missing"),
    (400, "query-malformed"),
    (400, "reason-malformed"),
    (400, "reason-missing"),
    (401, "http-body-altered"),
    (401, "http-signature-incomplete"),
    (401, "http-signature-invalid"),
    (401, "http-signature-missing"),
    (401, "request-before-start"),
    (401, "request-replayed"),
    (401, "request-time"),
    (401, "session-expired"),
    (401, "session-unknown"),
    (403, "wrong-signer"),
    (500, "gateway-cannot-sign"),
];
/// Those that ask for an institution's session.
const SESSION: &[Refused] = &[
    (401, "session-master-replaced"),
    (403, "device-expired"),
    (403, "device-revoked"),
    (403, "device-suspended"),
    (403, "device-unknown"),
];
/// Those that ask the chain.
pub(super) const CHAIN: &[Refused] = &[
    (503, "chain-corrupt"),
    (503, "chain-machine"),
    (503, "chain-silent"),
    (503, "chain-storage"),
];
/// The permission rule (protocol §3).
pub(super) const RULE: &[Refused] = &[
    (403, "device-expired"),
    (403, "device-other-institution"),
    (403, "device-revoked"),
    (403, "device-right-missing"),
    (403, "device-suspended"),
    (403, "device-unknown"),
    (403, "grant-bad-signature"),
    (403, "grant-expired"),
    (403, "grant-not-yet-valid"),
    (403, "grant-revoked"),
    (403, "grant-unknown"),
    (403, "grant-wrong-chain"),
    (403, "grant-wrong-patient"),
    (403, "institution-suspended"),
    (403, "institution-unknown"),
    (403, "section-not-granted"),
];
/// Those that bring an action onto the chain.
pub(super) const ACTION: &[Refused] = &[
    (400, "action-malformed"),
    (403, "action-bad-signature"),
    (409, "action-bad-key"),
    (409, "action-bad-nonce"),
    (409, "action-deadline-passed"),
    (409, "action-signature-count"),
    (409, "agreement-bad-epoch"),
    (409, "checkpoint-falls"),
    (409, "checkpoint-forks"),
    (409, "device-bad-expiry"),
    (409, "device-bad-proof"),
    (409, "device-bad-rights"),
    (409, "device-elsewhere"),
    (409, "device-proof-mismatch"),
    (409, "device-revoked"),
    (409, "device-unknown"),
    (409, "grant-malformed"),
    (409, "grant-revoked"),
    (409, "institution-bad-country"),
    (409, "institution-bad-name"),
    (409, "institution-exists"),
    (409, "institution-mismatch"),
    (409, "institution-unknown"),
    (409, "masters-bad-list"),
    (409, "masters-bad-threshold"),
    (409, "masters-changed"),
    (429, "quota-used"),
];
/// Those that are counted for a network address.
pub(super) const COUNTED: &[Refused] = &[(429, "quota-used")];
/// A device that may be unknown.
pub(super) const DEVICE: &[Refused] = &[(404, "certificate-unknown"), (404, "device-unknown")];
/// An institution that may be unknown.
pub(super) const INSTITUTION: &[Refused] = &[(404, "institution-unknown")];
/// Opening a session.
pub(super) const SIGN_IN: &[Refused] = &[
    (401, "session-bad-signature"),
    (401, "session-expired"),
    (401, "session-too-long"),
    (401, "session-wrong-audience"),
    (403, "device-expired"),
    (403, "device-revoked"),
    (403, "device-suspended"),
    (403, "device-unknown"),
    (409, "session-taken"),
];
/// Asking for a card's approval.
pub(super) const ENROLMENT: &[Refused] = &[
    (403, "signature-invalid"),
    (409, "challenge-unknown"),
    (429, "quota-used"),
    (429, "requests-too-many"),
];
/// Records, read or written.
pub(super) const RECORDS: &[Refused] = &[
    (400, "section-unknown"),
    (404, "section-keys-none"),
    (409, "section-keys-none"),
];
/// Records, written.
pub(super) const WRITING: &[Refused] = &[
    (400, "record-bad-delegation"),
    (400, "record-bad-signature"),
    (400, "record-misplaced"),
    (400, "record-no-certificate"),
    (400, "record-time"),
    (400, "records-none"),
    (409, "record-conflict"),
    (409, "record-epoch"),
    (409, "record-version"),
    (413, "record-too-large"),
];
/// A new grant.
pub(super) const GRANTING: &[Refused] = &[
    (400, "grant-incomplete"),
    (400, "grant-label"),
    (400, "grant-mismatch"),
    (400, "grant-section"),
    (409, "agreement-old"),
];
/// Section keys, published.
pub(super) const KEYS: &[Refused] = &[
    (400, "section-keys-odd"),
    (403, "signature-invalid"),
    (404, "section-keys-none"),
    (409, "section-keys-old"),
];
/// Section keys that may be missing.
pub(super) const KEYS_NONE: &[Refused] = &[(404, "section-keys-none")];
/// Proposals.
pub(super) const PROPOSAL: &[Refused] = &[
    (400, "proposal-kind"),
    (404, "proposal-unknown"),
    (409, "proposal-ended"),
    (429, "proposals-too-many"),
];
/// Unblocking.
pub(super) const UNBLOCK: &[Refused] = &[(404, "unblock-unknown"), (429, "quota-used")];
/// A sealed agreement key that may be missing.
pub(super) const WRAP: &[Refused] = &[(404, "wrap-none")];
/// A device request that may be missing.
pub(super) const REQUEST: &[Refused] = &[(404, "request-unknown")];
/// A checkpoint that may be missing.
pub(super) const CHECKPOINT: &[Refused] = &[(404, "checkpoint-none")];
/// A clock that may be wrong.
pub(super) const TIMED: &[Refused] = &[(401, "request-time")];
/// Files of the log.
pub(super) const TILES: &[Refused] = &[(404, "not-found"), (503, "objects-failed")];
/// Large documents.
pub(super) const BLOBS: &[Refused] = &[
    (400, "blob-digest"),
    (403, "blob-ticket"),
    (404, "blob-unknown"),
    (409, "record-conflict"),
    (409, "section-keys-none"),
    (503, "objects-failed"),
];
/// Event streams.
pub(super) const STREAMS: &[Refused] = &[(429, "events-too-many")];

/// The codes of an operation under each status.
pub(super) fn by_status(operation: &Operation) -> BTreeMap<u16, Vec<&'static str>> {
    let addressed = operation.path.contains('{') || !operation.query.is_empty();
    let by: &[&[Refused]] = match operation.by {
        By::Anyone => &[],
        By::Patient | By::CardOrPatient | By::Card => &[SIGNED],
        By::Session | By::Master => &[SIGNED, SESSION],
    };
    let all: BTreeSet<Refused> = EVERY
        .iter()
        .chain(by.iter().copied().flatten())
        .chain(addressed.then_some(ADDRESSED).into_iter().flatten())
        .chain(operation.refused.iter().copied().flatten())
        .copied()
        .collect();
    let mut out: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for (status, code) in all {
        out.entry(status).or_default().push(code);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_status_is_in_the_papers() {
        let papers = include_str!("../../../docs/errors.md");
        let statuses = |code: &str| {
            let row = papers
                .lines()
                .find_map(|line| line.strip_prefix(&format!("| `{code}` | ")));
            row.and_then(|rest| rest.split(" |").next()).unwrap_or_default()
        };
        for operation in super::super::ALL {
            for (status, codes) in by_status(operation) {
                for code in codes {
                    assert!(
                        statuses(code).split(", ").any(|s| s == status.to_string()),
                        "{code} with {status} is not in docs/errors.md ({})",
                        operation.id
                    );
                }
            }
        }
    }
}
