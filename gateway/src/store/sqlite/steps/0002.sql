-- Version 2. Ids, keys and digests are 32- or 65-byte blobs; signed documents are JSON texts.
CREATE TABLE sessions (session BLOB PRIMARY KEY, expiry INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE patient_keys (patient BLOB PRIMARY KEY, version INTEGER NOT NULL, log_key BLOB NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE grants (
    id INTEGER PRIMARY KEY, commitment BLOB NOT NULL UNIQUE, patient BLOB NOT NULL, institution BLOB NOT NULL, document TEXT NOT NULL);
CREATE INDEX grants_patient ON grants (patient);
CREATE INDEX grants_institution ON grants (institution);
CREATE TABLE challenges (challenge BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, institution BLOB NOT NULL, submitted INTEGER NOT NULL,
    document TEXT NOT NULL, refusal TEXT);
CREATE INDEX requests_institution ON requests (institution);
-- agreement = the public key whose private half is sealed, next = the public key to which it is sealed.
CREATE TABLE wraps (
    institution BLOB NOT NULL, agreement BLOB NOT NULL, recipient BLOB NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (institution, agreement, recipient)) WITHOUT ROWID;
CREATE TABLE older_keys (
    institution BLOB NOT NULL, epoch INTEGER NOT NULL, next BLOB NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (institution, epoch, next)) WITHOUT ROWID;
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, institution BLOB NOT NULL, document TEXT NOT NULL);
CREATE INDEX proposals_institution ON proposals (institution);
CREATE TABLE outcomes (name BLOB PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
-- leaf = index of the write's log entry.
CREATE TABLE records (
    id INTEGER PRIMARY KEY, record BLOB NOT NULL, version INTEGER NOT NULL, patient BLOB NOT NULL, section INTEGER NOT NULL,
    institution BLOB NOT NULL, fingerprint BLOB NOT NULL, leaf INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (record, version));
CREATE INDEX records_place ON records (patient, section);
CREATE TABLE log (
    leaf INTEGER PRIMARY KEY, hash BLOB NOT NULL, patient BLOB NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
    enc BLOB NOT NULL, ct BLOB NOT NULL, signature BLOB NOT NULL, UNIQUE (patient, sequence));
-- The tree's hashes in the numbering of tlog_tiles.
CREATE TABLE hashes (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
-- What cards did, for their institutions: `inks` are the sealed keys, a line is found by its card's tag under one of them.
CREATE TABLE inks (
    id BLOB PRIMARY KEY, institution BLOB NOT NULL, epoch INTEGER NOT NULL, made INTEGER NOT NULL, enc BLOB NOT NULL, ct BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX inks_institution ON inks (institution, made);
CREATE TABLE uses (ink BLOB NOT NULL, tag BLOB NOT NULL, number INTEGER NOT NULL, ct BLOB NOT NULL, PRIMARY KEY (ink, tag, number))
    WITHOUT ROWID;
-- When a card last opened a session, and why its institution revoked it.
CREATE TABLE seen (device BLOB PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE notes (device BLOB PRIMARY KEY, time INTEGER NOT NULL, note TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE network (id INTEGER PRIMARY KEY CHECK (id = 1), separator BLOB NOT NULL, gateway BLOB NOT NULL);
