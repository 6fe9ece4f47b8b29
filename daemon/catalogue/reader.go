package catalogue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// snapshot runs read in one transaction for reading.
func (c *Catalogue) snapshot(ctx context.Context, read func(*photoReader) error) error {
	return c.view(func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return fmt.Errorf("read photos: %w", err)
		}
		reader, err := newPhotoReader(ctx, tx, c.servingID())
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		err = read(reader)
		reader.close()
		return errors.Join(err, tx.Rollback())
	})
}

// photoReader holds the prepared statements that read one photo.
type photoReader struct {
	tx                                  *sql.Tx
	serving                             int64 // the space that Photo.Encoded is about
	worded                              bool  // any sidecar says more than keywords: most libraries have none, and are read faster
	photo, files, tags, words, lastPath *sql.Stmt
}

func newPhotoReader(ctx context.Context, tx *sql.Tx, serving int64) (*photoReader, error) {
	reader := &photoReader{tx: tx, serving: serving}
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sidecar_words)`).Scan(&reader.worded); err != nil {
		return nil, fmt.Errorf("read photos: %w", err)
	}
	for _, statement := range []struct {
		into **sql.Stmt
		text string
	}{
		{&reader.photo, `SELECT digest, change, size, format, width, height, taken, taken_offset, taken_source, camera, lens,
			latitude IS NOT NULL, coalesce(latitude, 0), coalesce(longitude, 0), title, description, rating, coalesce(perceptual_hash, 0), coalesce(similar, id),
			EXISTS (SELECT 1 FROM encoded WHERE space = ?2 AND photo = photo.id) FROM photo WHERE id = ?1`},
		{&reader.files, `SELECT folder.id, folder.path, file.path, folder.offline, file.state = 'missing', file.state IN ('quarantined', 'ignored') FROM file
			JOIN folder ON folder.id = file.folder WHERE file.photo = ? ORDER BY file.state != 'present', folder.offline, folder.path, file.path`},
		{&reader.tags, `SELECT name, source FROM tag WHERE photo = ?1
			UNION SELECT name, 'file' FROM keyword WHERE photo = ?1 AND name NOT IN (SELECT name FROM tag_removed WHERE photo = ?1)
			UNION SELECT sidecar_tag.name, 'sidecar' FROM sidecar_tag JOIN file ON file.id = sidecar_tag.file
				WHERE file.photo = ?1 AND sidecar_tag.name NOT IN (SELECT name FROM tag_removed WHERE photo = ?1)
			ORDER BY name, source`},
		// a.jpg.xmp, which is of this file alone, before a.xmp, then what was written last.
		{&reader.words, `SELECT words.title, words.description, words.rating FROM file JOIN sidecar_words AS words ON words.file = file.id
			JOIN sidecar ON sidecar.id = words.sidecar WHERE file.photo = ?
			ORDER BY file.state = 'missing', length(sidecar.path) - length(file.path) DESC, sidecar.modified DESC, sidecar.id`},
		{&reader.lastPath, `SELECT path FROM last_path WHERE photo = ?`},
	} {
		prepared, err := tx.PrepareContext(ctx, statement.text)
		if err != nil {
			reader.close()
			return nil, fmt.Errorf("read photos: %w", err)
		}
		*statement.into = prepared
	}
	return reader, nil
}

func (r *photoReader) close() {
	for _, statement := range []*sql.Stmt{r.photo, r.files, r.tags, r.words, r.lastPath} {
		if statement != nil {
			statement.Close()
		}
	}
}

func (r *photoReader) read(ctx context.Context, id int64) (Photo, error) {
	photo := Photo{ID: id}
	var digest []byte
	var hash int64
	err := r.photo.QueryRowContext(ctx, id, r.serving).Scan(&digest, &photo.Change, &photo.Size, &photo.Format, &photo.Width, &photo.Height,
		&photo.Taken, &photo.TakenOffset, &photo.TakenSource, &photo.Camera, &photo.Lens, &photo.Located, &photo.Latitude, &photo.Longitude,
		&photo.Title, &photo.Description, &photo.Rating, &hash, &photo.Group, &photo.Encoded)
	if err != nil {
		return photo, err
	}
	copy(photo.Digest[:], digest)
	photo.PerceptualHash = uint64(hash)
	if r.worded {
		if err := r.readWords(ctx, &photo); err != nil {
			return photo, err
		}
	}
	if err := r.readFiles(ctx, &photo); err != nil {
		return photo, err
	}
	return photo, r.readTags(ctx, &photo)
}

// readWords puts what sidecars say in the place of the photo's own words, each by
// the first that says anything of it.
func (r *photoReader) readWords(ctx context.Context, photo *Photo) error {
	rows, err := r.words.QueryContext(ctx, photo.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	var title, description string
	var rating sql.NullInt64
	for rows.Next() {
		var nextTitle, nextDescription string
		var nextRating sql.NullInt64
		if err := rows.Scan(&nextTitle, &nextDescription, &nextRating); err != nil {
			return err
		}
		title, description = cmp.Or(title, nextTitle), cmp.Or(description, nextDescription)
		if !rating.Valid {
			rating = nextRating
		}
	}
	photo.Title, photo.Description = cmp.Or(title, photo.Title), cmp.Or(description, photo.Description)
	if rating.Valid {
		photo.Rating = int(rating.Int64)
	}
	return rows.Err()
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
		if err := rows.Scan(&file.FolderID, &folder, &path, &file.Offline, &file.Missing, &file.Rejected); err != nil {
			return err
		}
		file.Folder = string(folder)
		file.Path = filepath.Join(file.Folder, string(path))
		photo.Files = append(photo.Files, file)
	}
	if err := rows.Err(); err != nil || len(photo.Files) > 0 {
		return err
	}
	var path []byte
	err = r.lastPath.QueryRowContext(ctx, photo.ID).Scan(&path)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	photo.LastPath = string(path)
	return err
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
