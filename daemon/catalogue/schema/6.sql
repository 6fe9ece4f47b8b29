-- Schema 6: what a million files ask for.

-- As in schema 2, but for its reference to the photo: to delete a photo was to
-- read all parts of all photos.
CREATE TABLE hash_part_alone (
    part  INTEGER NOT NULL, -- 0 to 3
    value INTEGER NOT NULL,
    photo INTEGER NOT NULL,
    PRIMARY KEY (part, value, photo)
) WITHOUT ROWID;
INSERT INTO hash_part_alone SELECT part, value, photo FROM hash_part ORDER BY part, value, photo;
DROP TABLE hash_part;
ALTER TABLE hash_part_alone RENAME TO hash_part;
CREATE INDEX refused_photo ON refused (photo);

-- What waits in a folder that is offline is passed over as a whole.
DROP INDEX file_undecoded;
CREATE INDEX file_undecoded ON file (folder, id) WHERE state = 'present' AND photo IS NULL;
DROP INDEX sidecar_unread;
CREATE INDEX sidecar_unread ON sidecar (folder, id) WHERE NOT read;
