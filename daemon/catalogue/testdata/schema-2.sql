INSERT INTO folder (path) VALUES (CAST('/photos' AS BLOB));
INSERT INTO photo (digest, format, width, height, taken, camera, change) VALUES (x'01', 'jpeg', 4, 3, '', '', 1);
INSERT INTO event (at, kind, photo) VALUES (1, 'photo_encoded', 1);
INSERT INTO file (folder, path, device, inode, size, modified, changed, state, photo) VALUES (1, CAST('a.jpg' AS BLOB), 1, 2, 3, 4, 5, 'present', 1);
INSERT INTO tag (photo, name, source) VALUES (1, 'dog', 'user')
;
INSERT INTO setting (name, value) VALUES ('space', 'old-space')
