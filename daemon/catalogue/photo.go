package catalogue

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/x448/float16"
)

// A Content is what a decoder found in a file.
type Content struct {
	Digest        [32]byte // SHA-256
	Format        string
	Width, Height int    // pixels, upright
	Taken, Camera string // "" where unknown
}

// An Embedding is what an encoder made of a photo.
type Embedding struct {
	Vector              []float32 // unit length; stored as float16
	Feature             []byte    // nil where the encoder has none
	Provider, Precision string
}

// Identify notes what content a file has, as observed with this stat, and
// reports whether its photo still needs a vector. If the file changed since,
// it stays waiting: photo is 0.
func (c *Catalogue) Identify(ctx context.Context, file int64, stat Stat, content Content) (photo int64, needsVector bool, err error) {
	err = c.update(ctx, func(w change) error {
		files, err := w.knownFiles(`WHERE file.id = ? AND file.state = 'present'`, file)
		if err != nil || len(files) == 0 {
			return err
		}
		if files[0].stat != stat {
			return nil
		}
		if photo, err = w.photo(content); err != nil {
			return err
		}
		if _, err := w.exec(`UPDATE file SET photo = ? WHERE id = ?`, photo, file); err != nil {
			return err
		}
		if err := w.touch(FileFound, photo, files[0].path); err != nil {
			return err
		}
		return w.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM space.embedding WHERE photo = ?)`, photo).Scan(&needsVector)
	})
	return photo, needsVector, err
}

func (w change) photo(content Content) (id int64, err error) {
	err = w.QueryRowContext(w.ctx, `INSERT INTO photo (digest, format, width, height, taken, camera, change) VALUES (?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (digest) DO UPDATE SET format = excluded.format RETURNING id`,
		content.Digest[:], content.Format, content.Width, content.Height, content.Taken, content.Camera).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("write a photo: %w", err)
	}
	return id, nil
}

// StoreEmbeddings writes the vectors of photos into the space in use, then
// announces them. A commit over two database files is not atomic, neither for a
// kill nor for a reader, so each step touches one file, in an order that is
// right after every prefix: a photo without a vector (Identify) is found again;
// a vector that was not announced is read at the next start; but an index that
// followed an announcement before its vector would never look again, and a
// vector without its photo could pass for another's.
func (c *Catalogue) StoreEmbeddings(ctx context.Context, embeddings map[int64]Embedding) error {
	err := c.update(ctx, func(w change) error {
		for photo, embedding := range embeddings {
			_, err := w.exec(`INSERT OR REPLACE INTO space.embedding (photo, vector, feature, provider, precision) VALUES (?, ?, ?, ?, ?)`,
				photo, encodeVector(embedding.Vector), embedding.Feature, embedding.Provider, embedding.Precision)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.update(ctx, func(w change) error {
		for photo := range embeddings {
			if err := w.touch(PhotoEncoded, photo, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func encodeVector(vector []float32) []byte {
	raw := make([]byte, 0, 2*len(vector))
	for _, value := range vector {
		raw = binary.LittleEndian.AppendUint16(raw, float16.Fromfloat32(value).Bits())
	}
	return raw
}

func decodeVector(raw []byte) []float32 {
	vector := make([]float32, len(raw)/2)
	for i := range vector {
		vector[i] = float16.Frombits(binary.LittleEndian.Uint16(raw[2*i:])).Float32()
	}
	return vector
}

// A File is where a photo is found.
type File struct {
	Path     string // absolute
	Folder   string // absolute
	Offline  bool
	Missing  bool
	Rejected bool // set aside
}

// A Tag is a word on a photo, and who said so: "user", "file", "sidecar" or "learned".
type Tag struct{ Name, Source string }

// A Photo is a content with its files and tags.
type Photo struct {
	ID      int64
	Digest  [32]byte
	Change  int64
	Files   []File    // in order of path; those that are there first
	Tags    []Tag     // in order of name
	Encoded bool      // has a vector in the space in use
	Vector  []float32 // only from Changed; nil where not encoded
}

// Visible reports whether any file of the photo is present or offline: others
// are in no index.
func (p Photo) Visible() bool { return len(p.Files) > 0 && !p.Files[0].Missing && !p.Files[0].Rejected }

// Photo reads one photo, or fails with ErrNotFound.
func (c *Catalogue) Photo(ctx context.Context, id int64) (photo Photo, err error) {
	photos, err := c.Photos(ctx, []int64{id})
	if err == nil && len(photos) == 0 {
		err = fmt.Errorf("photo %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return Photo{}, err
	}
	return photos[0], nil
}

// Photos reads photos in the given order; ids that do not exist are left out.
func (c *Catalogue) Photos(ctx context.Context, ids []int64) (photos []Photo, err error) {
	err = c.view(func(db *sql.DB) error {
		reader, err := newPhotoReader(ctx, db)
		if err != nil {
			return err
		}
		defer reader.close()
		for _, id := range ids {
			photo, err := reader.read(ctx, id)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			photos = append(photos, photo)
		}
		return nil
	})
	return photos, err
}

// A Cursor is a place in the order of changes. Several photos can share one
// change number; Cursor{Change: n} lies before all of them.
type Cursor struct{ Change, Photo int64 }

// Changed gives the photos after the cursor, in the order of their last
// change, with their vectors: what an index needs to catch up.
func (c *Catalogue) Changed(ctx context.Context, after Cursor, limit int) (photos []Photo, err error) {
	err = c.view(func(db *sql.DB) error {
		ids, err := queryIDs(ctx, db, `SELECT id FROM photo WHERE (change, id) > (?, ?) ORDER BY change, id LIMIT ?`, after.Change, after.Photo, limit)
		if err != nil {
			return err
		}
		reader, err := newPhotoReader(ctx, db)
		if err != nil {
			return err
		}
		defer reader.close()
		for _, id := range ids {
			photo, err := reader.read(ctx, id)
			if err == nil && photo.Encoded {
				photo.Vector, err = reader.vectorOf(ctx, id)
			}
			if err != nil {
				return err
			}
			photos = append(photos, photo)
		}
		return nil
	})
	return photos, err
}

// PhotosAt gives the photos of the files at an absolute path.
func (c *Catalogue) PhotosAt(ctx context.Context, path string) ([]Photo, error) {
	var ids []int64
	folders, err := c.Folders(ctx)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		relative, err := filepath.Rel(folder.Path, path)
		if err != nil || !inside(path, folder.Path) {
			continue
		}
		err = c.view(func(db *sql.DB) error {
			found, err := queryIDs(ctx, db, `SELECT photo FROM file WHERE folder = ? AND path = ? AND photo IS NOT NULL`, folder.ID, []byte(relative))
			ids = append(ids, found...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return c.Photos(ctx, ids)
}

func queryIDs(ctx context.Context, db *sql.DB, query string, arguments ...any) (ids []int64, err error) {
	rows, err := db.QueryContext(ctx, query, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read photos: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// photoReader holds the prepared statements that read one photo.
type photoReader struct{ photo, files, tags, vector *sql.Stmt }

func newPhotoReader(ctx context.Context, db *sql.DB) (*photoReader, error) {
	reader := &photoReader{}
	for _, statement := range []struct {
		into **sql.Stmt
		text string
	}{
		{&reader.photo, `SELECT digest, change, EXISTS (SELECT 1 FROM space.embedding WHERE photo = photo.id) FROM photo WHERE id = ?`},
		{&reader.files, `SELECT folder.path, file.path, folder.offline, file.state = 'missing', file.state IN ('quarantined', 'ignored') FROM file
			JOIN folder ON folder.id = file.folder WHERE file.photo = ? ORDER BY file.state != 'present', folder.offline, folder.path, file.path`},
		{&reader.tags, `SELECT name, source FROM tag WHERE photo = ? ORDER BY name, source`},
		{&reader.vector, `SELECT vector FROM space.embedding WHERE photo = ?`},
	} {
		prepared, err := db.PrepareContext(ctx, statement.text)
		if err != nil {
			reader.close()
			return nil, fmt.Errorf("read photos: %w", err)
		}
		*statement.into = prepared
	}
	return reader, nil
}

func (r *photoReader) close() {
	for _, statement := range []*sql.Stmt{r.photo, r.files, r.tags, r.vector} {
		if statement != nil {
			statement.Close()
		}
	}
}

func (r *photoReader) read(ctx context.Context, id int64) (Photo, error) {
	photo := Photo{ID: id}
	var digest []byte
	if err := r.photo.QueryRowContext(ctx, id).Scan(&digest, &photo.Change, &photo.Encoded); err != nil {
		return photo, err
	}
	copy(photo.Digest[:], digest)
	if err := r.readFiles(ctx, &photo); err != nil {
		return photo, err
	}
	return photo, r.readTags(ctx, &photo)
}

func (r *photoReader) readFiles(ctx context.Context, photo *Photo) error {
	rows, err := r.files.QueryContext(ctx, photo.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var file File
		var folder, path []byte
		if err := rows.Scan(&folder, &path, &file.Offline, &file.Missing, &file.Rejected); err != nil {
			return err
		}
		file.Folder = string(folder)
		file.Path = filepath.Join(file.Folder, string(path))
		photo.Files = append(photo.Files, file)
	}
	return rows.Err()
}

func (r *photoReader) readTags(ctx context.Context, photo *Photo) error {
	rows, err := r.tags.QueryContext(ctx, photo.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tag Tag
		if err := rows.Scan(&tag.Name, &tag.Source); err != nil {
			return err
		}
		photo.Tags = append(photo.Tags, tag)
	}
	return rows.Err()
}

func (r *photoReader) vectorOf(ctx context.Context, id int64) ([]float32, error) {
	var raw []byte
	if err := r.vector.QueryRowContext(ctx, id).Scan(&raw); err != nil {
		return nil, fmt.Errorf("read the vector of photo %d: %w", id, err)
	}
	return decodeVector(raw), nil
}
