INSERT INTO folder (path) VALUES (CAST('/photos' AS BLOB));
INSERT INTO photo (digest, format, width, height, taken, camera, change) VALUES (x'01', 'jpeg', 4, 3, '', '', 1);
INSERT INTO event (at, kind, photo) VALUES (1, 'photo_encoded', 1);
INSERT INTO file (folder, path, device, inode, size, modified, changed, state, photo) VALUES (1, CAST('a.jpg' AS BLOB), 1, 2, 3, 4, 5, 'present', 1);
INSERT INTO tag (photo, name, source) VALUES (1, 'dog', 'user');
INSERT INTO sidecar (folder, path, device, inode, size, modified, changed, read, problem, next_attempt) VALUES (1, CAST('a.xmp' AS BLOB), 1, 3, 3, 4, 5, 1, 'is not XMP', 7);
INSERT INTO sidecar_words (file, sidecar, title, description, rating) VALUES (1, 1, 'title', '', -1);
INSERT INTO last_path (photo, path) VALUES (1, CAST('/removed/a.jpg' AS BLOB));
INSERT INTO hash_part (part, value, photo) VALUES (0, 7, 1)
