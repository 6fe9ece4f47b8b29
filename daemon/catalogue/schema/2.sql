-- Schema 2: what a photo's metadata says, where its tags come from, when a
-- file that was set aside is tried again.

ALTER TABLE photo ADD COLUMN size INTEGER NOT NULL DEFAULT 0;          -- bytes; 0: identified before schema 2
ALTER TABLE photo ADD COLUMN taken_offset TEXT NOT NULL DEFAULT '';    -- "+02:00", or ''
ALTER TABLE photo ADD COLUMN taken_source INTEGER NOT NULL DEFAULT 0;  -- contract.TakenSource
ALTER TABLE photo ADD COLUMN lens TEXT NOT NULL DEFAULT '';
ALTER TABLE photo ADD COLUMN latitude REAL;                            -- degrees, WGS 84; NULL unknown
ALTER TABLE photo ADD COLUMN longitude REAL;
ALTER TABLE photo ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE photo ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE photo ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;        -- -1 rejected, 0 none, 1 to 5
ALTER TABLE photo ADD COLUMN perceptual_hash INTEGER;                  -- 64 bits; NULL unknown
ALTER TABLE photo ADD COLUMN similar INTEGER REFERENCES photo (id);    -- the first photo of its group; NULL: alone
CREATE INDEX photo_size ON photo (size);
CREATE INDEX photo_taken ON photo (taken) WHERE taken != '';
CREATE INDEX photo_similar ON photo (similar) WHERE similar IS NOT NULL;

-- Four 16-bit parts of the hash: two hashes that differ in three bits or fewer
-- share one of them.
CREATE TABLE hash_part (
    part  INTEGER NOT NULL, -- 0 to 3
    value INTEGER NOT NULL,
    photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    PRIMARY KEY (part, value, photo)
) WITHOUT ROWID;

ALTER TABLE file ADD COLUMN previous INTEGER REFERENCES photo (id);    -- what it held before it changed
ALTER TABLE file ADD COLUMN missing_since INTEGER;                     -- Unix seconds
ALTER TABLE file ADD COLUMN last_attempt INTEGER;                      -- Unix seconds
ALTER TABLE file ADD COLUMN next_attempt INTEGER;                      -- Unix seconds; NULL: when it changes
CREATE INDEX file_missing ON file (missing_since) WHERE state = 'missing';

ALTER TABLE folder ADD COLUMN configured INTEGER NOT NULL DEFAULT 0;   -- named by the configuration, not added by hand

-- The words inside a photo's own bytes: they follow from its digest.
CREATE TABLE keyword (
    photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    name  TEXT NOT NULL,
    PRIMARY KEY (photo, name)
) WITHOUT ROWID;

-- A user's word against a tag: it stays off, whatever a file says.
CREATE TABLE tag_removed (
    photo INTEGER NOT NULL REFERENCES photo (id),
    name  TEXT NOT NULL,
    PRIMARY KEY (photo, name)
) WITHOUT ROWID;

-- XMP files beside photos; stat as in file.
CREATE TABLE sidecar (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    folder   INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    path     BLOB NOT NULL,
    device   INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    read     INTEGER NOT NULL DEFAULT 0, -- whether its tags are in file_tag
    problem  TEXT NOT NULL DEFAULT '',
    UNIQUE (folder, path)
);
CREATE INDEX sidecar_unread ON sidecar (id) WHERE NOT read;

-- What a sidecar says of a file beside it.
CREATE TABLE sidecar_tag (
    file    INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
    sidecar INTEGER NOT NULL REFERENCES sidecar (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    PRIMARY KEY (file, sidecar, name)
) WITHOUT ROWID;
CREATE INDEX sidecar_tag_sidecar ON sidecar_tag (sidecar);
