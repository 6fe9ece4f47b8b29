-- One file a space, attached to the catalogue as "space".
CREATE TABLE IF NOT EXISTS space.embedding (
    photo     INTEGER PRIMARY KEY,
    vector    BLOB NOT NULL, -- float16, little-endian
    feature   BLOB,          -- as the encoder's feature type says
    provider  TEXT NOT NULL,
    precision TEXT NOT NULL
);
