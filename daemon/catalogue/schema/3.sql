-- Schema 3: several spaces side by side. Which photo has a vector is kept here,
-- so that counting and waiting ask one file; the vectors are in the space's own.

CREATE TABLE space (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    name   TEXT NOT NULL UNIQUE,
    stored INTEGER -- batches that its own file has, at least; NULL: not yet compared
);

CREATE TABLE encoded (
    space INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    PRIMARY KEY (space, photo)
) WITHOUT ROWID;
CREATE INDEX encoded_photo ON encoded (photo);

-- Photos that a space's encoder would not take, while another space has them.
CREATE TABLE refused (
    space  INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    photo  INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    PRIMARY KEY (space, photo)
) WITHOUT ROWID;

-- A photo whose last file has other content since, by an edit: it is forgotten
-- some time after that. One whose folder is no longer watched is kept.
ALTER TABLE photo ADD COLUMN unheld_since INTEGER; -- Unix seconds; NULL: held, or kept
ALTER TABLE photo ADD COLUMN unheld_by INTEGER;    -- the id of the file that held it last, which may be gone
CREATE INDEX photo_unheld ON photo (unheld_since) WHERE unheld_since IS NOT NULL;
CREATE INDEX file_previous ON file (previous) WHERE previous IS NOT NULL;

-- The newest first is the order in which another encoder takes photos.
DROP INDEX photo_taken;
CREATE INDEX photo_newest ON photo (taken, id);

CREATE INDEX event_at ON event (at);
