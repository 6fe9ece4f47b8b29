package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// A Content is what a decoder found in a file.
type Content struct {
	Digest        [32]byte // SHA-256
	Size          int64    // bytes
	Format        string
	Width, Height int // pixels, upright
	Metadata
	PerceptualHash uint64 // 0 where unknown
}

// Metadata is what a file says of its photo.
type Metadata struct {
	Taken, TakenOffset  string // the camera's local time and its distance to UTC; "" where unknown
	TakenSource         int    // contract.TakenSource: how sure
	Camera, Lens        string
	Located             bool
	Latitude, Longitude float64 // degrees, WGS 84
	Title, Description  string
	Rating              int      // -1 rejected, 0 none, 1 to 5
	Keywords            []string // become tags of source "file"
}

// Identify notes what content a file has, as observed with this stat, and gives
// those of the spaces in which its photo still needs a vector. If the file
// changed since, it stays waiting: photo is 0.
func (c *Catalogue) Identify(ctx context.Context, file int64, stat Stat, content Content, spaces ...*Space) (photo int64, lacking []*Space, err error) {
	err = c.update(ctx, func(w change) error {
		files, err := w.knownFiles(`WHERE file.id = ? AND file.state = 'present'`, file)
		if err != nil || len(files) == 0 || files[0].stat != stat {
			return err
		}
		photo, err = w.identify(files[0], content)
		if err != nil {
			return err
		}
		lacking, err = w.lacking(photo, spaces)
		return err
	})
	return photo, lacking, err
}

func (w change) identify(file knownFile, content Content) (photo int64, err error) {
	photo, err = w.photo(content)
	if err != nil {
		return 0, err
	}
	return photo, w.link(file, photo)
}

// link makes the photo what the file holds. If the photo is new, the file was
// edited in place, and back if it is the one that an edit of this very file
// replaced: the user's words on what it held before go over. A photo that another
// file held, as before a swap of names, has its own.
func (w change) link(file knownFile, photo int64) error {
	var edited bool
	err := w.QueryRowContext(w.ctx, `SELECT change = 0 OR coalesce(unheld_by = ?, false) FROM photo WHERE id = ?`, file.id, photo).Scan(&edited)
	if err != nil {
		return err
	}
	if edited && file.previous != 0 && file.previous != photo {
		if err := w.inheritTags(file.previous, photo); err != nil {
			return err
		}
	}
	if _, err := w.exec(`UPDATE file SET photo = ?, previous = NULL WHERE id = ?`, photo, file.id); err != nil {
		return err
	}
	if err := w.taken(photo); err != nil {
		return err
	}
	if err := w.left(file.previous, file.id); err != nil {
		return err
	}
	return w.touch(FileFound, photo, file.path)
}

// Recognise links a file to the photo that has this digest already, with no
// more known of it, and reports whether that was all it took: where no photo has
// the digest, its metadata was never read, or it lacks a vector in one of the
// spaces, it says false.
func (c *Catalogue) Recognise(ctx context.Context, file int64, stat Stat, digest [32]byte, spaces ...*Space) (done bool, err error) {
	err = c.update(ctx, func(w change) error {
		files, err := w.knownFiles(`WHERE file.id = ? AND file.state = 'present'`, file)
		if err != nil || len(files) == 0 || files[0].stat != stat {
			return err
		}
		var photo int64
		err = w.QueryRowContext(ctx, `SELECT id FROM photo WHERE digest = ? AND size > 0`, digest[:]).Scan(&photo)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		lacking, err := w.lacking(photo, spaces)
		if err != nil || len(lacking) > 0 {
			return err
		}
		done = true
		return w.link(files[0], photo)
	})
	return done, err
}

// photo finds or adds the row of a content.
func (w change) photo(content Content) (id int64, err error) {
	var size int64 // 0: its metadata was never read
	err = w.QueryRowContext(w.ctx, `SELECT id, size FROM photo WHERE digest = ?`, content.Digest[:]).Scan(&id, &size)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.QueryRowContext(w.ctx, `INSERT INTO photo (digest, format, width, height, taken, camera, change) VALUES (?, '', 0, 0, '', '', 0) RETURNING id`,
			content.Digest[:]).Scan(&id)
	}
	if err != nil {
		return 0, fmt.Errorf("write a photo: %w", err)
	}
	latitude, longitude := any(nil), any(nil)
	if content.Located {
		latitude, longitude = content.Latitude, content.Longitude
	}
	_, err = w.exec(`UPDATE photo SET size = ?, format = ?, width = ?, height = ?, taken = ?, taken_offset = ?, taken_source = ?, camera = ?, lens = ?,
		latitude = ?, longitude = ?, title = ?, description = ?, rating = ?, perceptual_hash = coalesce(perceptual_hash, nullif(?, 0)) WHERE id = ?`,
		content.Size, content.Format, content.Width, content.Height, content.Taken, content.TakenOffset, content.TakenSource, content.Camera, content.Lens,
		latitude, longitude, content.Title, content.Description, content.Rating, int64(content.PerceptualHash), id)
	if err == nil && size == 0 {
		err = w.group(id, content)
	}
	if err == nil {
		err = w.setKeywords(id, content.Keywords)
	}
	return id, err
}

func (w change) setKeywords(photo int64, names []string) error {
	if _, err := w.exec(`DELETE FROM keyword WHERE photo = ?`, photo); err != nil {
		return err
	}
	for _, name := range composed(names) {
		if _, err := w.exec(`INSERT OR IGNORE INTO keyword (photo, name) VALUES (?, ?)`, photo, name); err != nil {
			return err
		}
	}
	return nil
}

// A File is where a photo is found.
type File struct {
	Path     string // absolute
	FolderID int64
	Folder   string // absolute
	Offline  bool
	Missing  bool
	Rejected bool // set aside or ignored
}

// A Tag is a word on a photo, and who said so: "user", "file", "sidecar" or "learned".
type Tag struct{ Name, Source string }

// A Photo is a content with its files and tags.
type Photo struct {
	ID     int64
	Change int64
	Group  int64  // id of the first photo that is nearly the same or of the same burst; its own where there is none
	Files  []File // in order of path; those that are there first
	Tags   []Tag  // in order of name
	// LastPath is where it was, absolute, when its folder was removed: only of what
	// the user tagged, and where no file is known.
	LastPath string
	Encoded  bool // has a vector in the space that serves
	Content       // without keywords: they are among Tags
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
	err = c.snapshot(ctx, func(reader photoReader) error {
		photos, err = reader.read(ctx, ids)
		return err
	})
	return photos, err
}

// A Cursor is a place in the order of changes. Several photos can share one
// change number; Cursor{Change: n} lies before all of them.
type Cursor struct{ Change, Photo int64 }

// Changed gives the photos after the cursor, in the order of their last
// change: what an index needs to catch up. All of it is of one moment.
func (c *Catalogue) Changed(ctx context.Context, after Cursor, limit int) (photos []Photo, err error) {
	err = c.snapshot(ctx, func(reader photoReader) error {
		ids, err := queryIDs(ctx, reader, `SELECT id FROM photo WHERE (change, id) > (?, ?) ORDER BY change, id LIMIT ?`, after.Change, after.Photo, limit)
		if err == nil {
			photos, err = reader.read(ctx, ids)
		}
		return err
	})
	return photos, err
}

// readAtOnce is how many photos are held in memory where many are read in turn.
const readAtOnce = 500

// UserTagged gives every photo with a tag of the user, in the order of ids.
func (c *Catalogue) UserTagged(ctx context.Context, yield func(Photo) error) error {
	return c.snapshot(ctx, func(reader photoReader) error {
		ids, err := queryIDs(ctx, reader, `SELECT DISTINCT photo FROM tag WHERE source = 'user' ORDER BY photo`)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(ids, readAtOnce) {
			photos, err := reader.read(ctx, some)
			if err != nil {
				return err
			}
			for _, photo := range photos {
				if err := yield(photo); err != nil {
					return err
				}
			}
		}
		return nil
	})
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

func queryIDs(ctx context.Context, db queryer, query string, arguments ...any) ([]int64, error) {
	return queryColumn[int64](ctx, db, "photos", query, arguments...)
}

// queryColumn gives the one column of a query; what names it in errors.
func queryColumn[T any](ctx context.Context, db queryer, what, query string, arguments ...any) (values []T, err error) {
	rows, err := db.QueryContext(ctx, query, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		values = append(values, value)
	}
	return values, rows.Err()
}
