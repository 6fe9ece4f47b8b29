-- catalogue.db, schema 1. The one source of truth; the indexes are derived.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Every write has a change number: the key of its event.
CREATE TABLE event (
    change INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL, -- Unix seconds
    kind   TEXT NOT NULL,
    photo  INTEGER,
    path   BLOB              -- absolute
);

CREATE TABLE folder (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    path      BLOB NOT NULL UNIQUE, -- absolute
    offline   INTEGER NOT NULL DEFAULT 0,
    problem   TEXT NOT NULL DEFAULT '',
    last_scan INTEGER NOT NULL DEFAULT 0 -- Unix seconds; 0: never whole
);

-- Content. A row outlives its files, so that tags survive a deletion.
CREATE TABLE photo (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE, -- SHA-256
    format TEXT NOT NULL,
    width  INTEGER NOT NULL,     -- pixels, upright
    height INTEGER NOT NULL,
    taken  TEXT NOT NULL,        -- the camera's local time, or ''
    camera TEXT NOT NULL,
    change INTEGER NOT NULL      -- the last change that an index must follow
);
CREATE INDEX photo_change ON photo (change);

CREATE TABLE file (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    folder   INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    path     BLOB NOT NULL,      -- below the folder
    device   INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,   -- nanoseconds
    changed  INTEGER NOT NULL,   -- nanoseconds
    state    TEXT NOT NULL CHECK (state IN ('present', 'quarantined', 'missing', 'ignored')),
    photo    INTEGER REFERENCES photo (id), -- NULL until decoded
    reason   TEXT NOT NULL DEFAULT '',      -- why quarantined, or the rule that ignored it
    attempts INTEGER NOT NULL DEFAULT 0,    -- times that a plugin failed on it
    UNIQUE (folder, path)
);
CREATE INDEX file_photo ON file (photo);
CREATE INDEX file_inode ON file (inode, device);
CREATE INDEX file_undecoded ON file (id) WHERE state = 'present' AND photo IS NULL;
CREATE INDEX file_quarantined ON file (id) WHERE state = 'quarantined';

CREATE TABLE tag (
    photo  INTEGER NOT NULL REFERENCES photo (id),
    name   TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('user', 'file', 'sidecar', 'learned')),
    PRIMARY KEY (photo, name, source)
) WITHOUT ROWID;
