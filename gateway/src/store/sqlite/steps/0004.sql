-- Version 4: what several gateways over one database share.
CREATE TABLE nonces (name BLOB PRIMARY KEY, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX nonces_created ON nonces (created);
-- `nonces`: nothing that was signed at this time or before it is accepted, because its nonce may be forgotten.
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counts (hour INTEGER NOT NULL, payee BLOB NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (hour, payee)) WITHOUT ROWID;
CREATE TABLE unblocks (
    id BLOB PRIMARY KEY, start BLOB NOT NULL, ends INTEGER NOT NULL, document TEXT NOT NULL, answer TEXT) WITHOUT ROWID;
CREATE INDEX unblocks_start ON unblocks (start);
-- origin = the event on the chain, so that it is told once.
CREATE TABLE news (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, institution BLOB NOT NULL, origin BLOB UNIQUE, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX news_institution ON news (institution, id);
CREATE TABLE leases (name TEXT PRIMARY KEY, holder BLOB NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID;
