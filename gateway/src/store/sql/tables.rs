//! What a backup holds: the tables, without what lives for minutes only (sessions, challenges, nonces, counts, unblock requests,
//! news, leases), and without the tree's hashes, which are made again from the log.

/// A table, how it is read in a stable order, and how a row is put back. Running numbers are given anew, in the same order.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub select: &'static str,
    pub insert: &'static str,
}

pub(super) const LOG: &str = "log";
pub(super) const RECORDS: &str = "records";
/// Place of the leaf's data in a row of the log; of document and fingerprint in a row of the records.
pub(super) const LEAF: usize = 1;
pub(super) const FINGERPRINT: usize = 5;
pub(super) const DOCUMENT: usize = 7;

macro_rules! table {
    ($name:literal, $columns:literal, $order:literal, $places:literal) => {
        Table {
            name: $name,
            select: concat!("SELECT ", $columns, " FROM ", $name, " ORDER BY ", $order),
            insert: concat!("INSERT INTO ", $name, " (", $columns, ") VALUES (", $places, ")"),
        }
    };
}

/// All of them.
pub(super) const TABLES: &[Table] = &[
    table!(
        "patient_keys",
        "patient, version, log_key, document",
        "patient",
        "$1, $2, $3, $4"
    ),
    table!(
        "grants",
        "commitment, patient, institution, document",
        "id",
        "$1, $2, $3, $4"
    ),
    table!(
        "requests",
        "digest, institution, submitted, document, refusal",
        "id",
        "$1, $2, $3, $4, $5"
    ),
    table!(
        "wraps",
        "institution, agreement, recipient, document",
        "institution, agreement, recipient",
        "$1, $2, $3, $4"
    ),
    table!(
        "older_keys",
        "institution, epoch, next, document",
        "institution, epoch, next",
        "$1, $2, $3, $4"
    ),
    table!("proposals", "digest, institution, document", "id", "$1, $2, $3"),
    table!("outcomes", "name, document", "name", "$1, $2"),
    table!(
        "records",
        "record, version, patient, section, institution, fingerprint, leaf, document",
        "id",
        "$1, $2, $3, $4, $5, $6, $7, $8"
    ),
    table!(
        "blobs",
        "blob, patient, section, institution, device, size, time, leaf",
        "blob",
        "$1, $2, $3, $4, $5, $6, $7, $8"
    ),
    table!(
        "log",
        "leaf, hash, patient, sequence, time, enc, ct, signature",
        "leaf",
        "$1, $2, $3, $4, $5, $6, $7, $8"
    ),
    table!(
        "inks",
        "id, institution, epoch, made, enc, ct",
        "id",
        "$1, $2, $3, $4, $5, $6"
    ),
    table!("uses", "ink, tag, number, ct", "ink, tag, number", "$1, $2, $3, $4"),
    table!("seen", "device, time", "device", "$1, $2"),
    table!("notes", "device, time, note", "device", "$1, $2, $3"),
];
