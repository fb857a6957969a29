-- Version 3. Large documents: what is known of the object with this name; leaf = index of the write's log entry.
CREATE TABLE blobs (
    blob BLOB PRIMARY KEY, patient BLOB NOT NULL, section INTEGER NOT NULL, institution BLOB NOT NULL, device BLOB NOT NULL,
    size INTEGER NOT NULL, time INTEGER NOT NULL, leaf INTEGER NOT NULL) WITHOUT ROWID;
