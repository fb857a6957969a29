-- Version 3. Large documents: what is known of the object with this name; leaf = index of the write's log entry.
CREATE TABLE blobs (
    blob BYTEA PRIMARY KEY, patient BYTEA NOT NULL, section BIGINT NOT NULL, institution BYTEA NOT NULL, device BYTEA NOT NULL,
    size BIGINT NOT NULL, time BIGINT NOT NULL, leaf BIGINT NOT NULL);
