-- The file of one space. Rows carry the photo's digest: a catalogue that is
-- older than this file, as after a restored backup, may give a number again.
CREATE TABLE IF NOT EXISTS embedding (
    photo     INTEGER PRIMARY KEY,
    digest    BLOB NOT NULL, -- SHA-256
    vector    BLOB NOT NULL, -- float16, little-endian
    feature   BLOB,          -- as the encoder's feature type says
    provider  TEXT NOT NULL,
    precision TEXT NOT NULL
);
