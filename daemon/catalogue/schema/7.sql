-- Schema 7: learning.

-- The feature space of the encoders that fill it: '' where they have no features,
-- NULL where that is not known yet.
ALTER TABLE space ADD COLUMN features TEXT;

-- The change that made the vector known, where that is not the photo's own: many
-- vectors made at once are nothing that the other indexes must follow.
ALTER TABLE encoded ADD COLUMN change INTEGER;
CREATE INDEX encoded_change ON encoded (space, change, photo) WHERE change IS NOT NULL;

-- A user's word against a tag that was suggested: it is not suggested again.
CREATE TABLE tag_refused (
    photo INTEGER NOT NULL REFERENCES photo (id),
    name  TEXT NOT NULL,
    PRIMARY KEY (photo, name)
) WITHOUT ROWID;
CREATE INDEX tag_refused_name ON tag_refused (name);
CREATE INDEX tag_removed_name ON tag_removed (name);
