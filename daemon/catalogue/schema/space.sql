-- The file of one space. Rows carry the photo's digest: a catalogue that is
-- older than this file, as after a restored backup, may give a number again.
-- Files of before schema 7 have a column with the feature, too.
CREATE TABLE IF NOT EXISTS embedding (
    photo     INTEGER PRIMARY KEY,
    digest    BLOB NOT NULL, -- SHA-256
    vector    BLOB NOT NULL, -- float16, little-endian
    provider  TEXT NOT NULL,
    precision TEXT NOT NULL
);

-- The tags that the space's encoders have learned, by their number there.
CREATE TABLE IF NOT EXISTS learned_name (
    tag  INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS learned (
    photo      INTEGER NOT NULL,
    tag        INTEGER NOT NULL,
    confidence INTEGER NOT NULL, -- in ten thousandths
    PRIMARY KEY (photo, tag)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS learned_tag ON learned (tag, confidence DESC, photo);
CREATE INDEX IF NOT EXISTS learned_surest ON learned (confidence DESC, photo, tag);
CREATE TRIGGER IF NOT EXISTS embedding_gone AFTER DELETE ON embedding BEGIN
    DELETE FROM learned WHERE photo = OLD.photo;
END;
