-- Schema 5: where a photo that the user tagged was when its folder was removed:
-- its tags outlive its files.
CREATE TABLE last_path (
    photo INTEGER PRIMARY KEY REFERENCES photo (id) ON DELETE CASCADE,
    path  BLOB NOT NULL -- absolute
);
