-- Schema 4: what sidecars say besides keywords, and what becomes of those that
-- cannot be read.

-- What a sidecar says of a file beside it.
CREATE TABLE sidecar_words (
    file        INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
    sidecar     INTEGER NOT NULL REFERENCES sidecar (id) ON DELETE CASCADE,
    title       TEXT NOT NULL, -- '': says nothing of it
    description TEXT NOT NULL, -- the same
    rating      INTEGER,       -- as a photo's; NULL: says nothing of it
    PRIMARY KEY (file, sidecar)
) WITHOUT ROWID;
CREATE INDEX sidecar_words_sidecar ON sidecar_words (sidecar);

ALTER TABLE sidecar ADD COLUMN next_attempt INTEGER; -- Unix seconds; NULL: when it changes
CREATE INDEX sidecar_due ON sidecar (next_attempt) WHERE next_attempt IS NOT NULL;
CREATE INDEX sidecar_problem ON sidecar (folder, path) WHERE problem != '';

UPDATE sidecar SET read = 0; -- so far for their keywords only
