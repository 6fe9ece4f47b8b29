-- The file of one feature space. Rows carry the photo's digest, as in a space's.
-- Five features of 3.1 kB fit into a page of this size, none into one of 4 kB with
-- another.
PRAGMA page_size = 16384;
CREATE TABLE IF NOT EXISTS feature (
    photo   INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL, -- SHA-256
    feature BLOB NOT NULL  -- as the encoders' feature type says
);
-- Who has one is told without reading the features.
CREATE INDEX IF NOT EXISTS feature_digest ON feature (photo, digest);
