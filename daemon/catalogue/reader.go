package catalogue

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// snapshot runs read in one transaction for reading.
func (c *Catalogue) snapshot(ctx context.Context, read func(photoReader) error) error {
	return c.view(func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return fmt.Errorf("read photos: %w", err)
		}
		reader := photoReader{Tx: tx, serving: c.servingID()}
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sidecar_words)`).Scan(&reader.worded)
		if err == nil {
			err = read(reader)
		}
		return errors.Join(err, tx.Rollback())
	})
}

// A photoReader reads photos, many with one statement: most of what a statement
// costs is not the rows.
type photoReader struct {
	*sql.Tx
	serving int64 // the space that Photo.Encoded is about
	worded  bool  // any sidecar says more than keywords: most libraries have none, and are read faster
}

// Every statement joins the ids that it is asked for, asked.value, and begins with
// the place of the photo among them, asked.key. CROSS has SQLite begin with them.
const (
	selectPhotos = `SELECT asked.key, photo.id, digest, change, size, format, width, height, taken, taken_offset, taken_source, camera, lens,
		latitude IS NOT NULL, coalesce(latitude, 0), coalesce(longitude, 0), title, description, rating, coalesce(perceptual_hash, 0), coalesce(similar, photo.id),
		EXISTS (SELECT 1 FROM encoded WHERE space = ?2 AND encoded.photo = photo.id)
		FROM json_each(?1) AS asked CROSS JOIN photo ON photo.id = asked.value`
	selectFiles = `SELECT asked.key, folder.id, folder.path, file.path, folder.offline, file.state = 'missing', file.state IN ('quarantined', 'ignored')
		FROM json_each(?1) AS asked CROSS JOIN file ON file.photo = asked.value JOIN folder ON folder.id = file.folder
		ORDER BY asked.key, file.state != 'present', folder.offline, folder.path, file.path`
	selectTags = `SELECT asked.key AS place, tag.name AS name, tag.source AS source FROM json_each(?1) AS asked CROSS JOIN tag ON tag.photo = asked.value
		UNION SELECT asked.key, keyword.name, 'file' FROM json_each(?1) AS asked CROSS JOIN keyword ON keyword.photo = asked.value
			WHERE NOT EXISTS (SELECT 1 FROM tag_removed WHERE photo = asked.value AND fold(tag_removed.name) = fold(keyword.name))
		UNION SELECT asked.key, sidecar_tag.name, 'sidecar' FROM json_each(?1) AS asked
			CROSS JOIN file ON file.photo = asked.value JOIN sidecar_tag ON sidecar_tag.file = file.id
			WHERE NOT EXISTS (SELECT 1 FROM tag_removed WHERE photo = asked.value AND fold(tag_removed.name) = fold(sidecar_tag.name))
		ORDER BY place, name, source`
	// a.jpg.xmp, which is of this file alone, before a.xmp, then what was written last.
	selectWords = `SELECT asked.key, words.title, words.description, words.rating FROM json_each(?1) AS asked CROSS JOIN file ON file.photo = asked.value
		JOIN sidecar_words AS words ON words.file = file.id JOIN sidecar ON sidecar.id = words.sidecar
		ORDER BY asked.key, file.state = 'missing', length(sidecar.path) - length(file.path) DESC, sidecar.modified DESC, sidecar.id`
	selectLastPaths = `SELECT asked.key, last_path.path FROM json_each(?1) AS asked CROSS JOIN last_path ON last_path.photo = asked.value`
)

// read gives photos in the order of their ids; those that do not exist are left out.
func (r photoReader) read(ctx context.Context, ids []int64) ([]Photo, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	asked, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	photos := make([]Photo, len(ids))
	if err := r.fill(ctx, string(asked), photos); err != nil {
		return nil, fmt.Errorf("read photos: %w", err)
	}
	return slices.DeleteFunc(photos, func(photo Photo) bool { return photo.ID == 0 }), nil
}

func (r photoReader) fill(ctx context.Context, asked string, photos []Photo) error {
	if err := r.readPhotos(ctx, asked, photos); err != nil {
		return err
	}
	if r.worded {
		if err := r.readWords(ctx, asked, photos); err != nil {
			return err
		}
	}
	if err := r.readFiles(ctx, asked, photos); err != nil {
		return err
	}
	if slices.ContainsFunc(photos, func(photo Photo) bool { return len(photo.Files) == 0 }) {
		if err := r.readLastPaths(ctx, asked, photos); err != nil {
			return err
		}
	}
	return r.each(ctx, func(rows *sql.Rows) error {
		var place int
		var tag Tag
		if err := rows.Scan(&place, &tag.Name, &tag.Source); err != nil {
			return err
		}
		photos[place].Tags = append(photos[place].Tags, tag)
		return nil
	}, selectTags, asked)
}

// each calls scan for every row.
func (r photoReader) each(ctx context.Context, scan func(*sql.Rows) error, query string, arguments ...any) error {
	rows, err := r.QueryContext(ctx, query, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r photoReader) readPhotos(ctx context.Context, asked string, photos []Photo) error {
	var place int
	var photo Photo
	var digest sql.RawBytes
	var hash int64
	into := []any{&place, &photo.ID, &digest, &photo.Change, &photo.Size, &photo.Format, &photo.Width, &photo.Height,
		&photo.Taken, &photo.TakenOffset, &photo.TakenSource, &photo.Camera, &photo.Lens, &photo.Located, &photo.Latitude, &photo.Longitude,
		&photo.Title, &photo.Description, &photo.Rating, &hash, &photo.Group, &photo.Encoded}
	return r.each(ctx, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		copy(photo.Digest[:], digest)
		photo.PerceptualHash = uint64(hash)
		photos[place] = photo
		return nil
	}, selectPhotos, asked, r.serving)
}

// readWords puts what sidecars say in the place of the photos' own words, each by
// the first that says anything of it.
func (r photoReader) readWords(ctx context.Context, asked string, photos []Photo) error {
	type said struct {
		title, description string
		rating             sql.NullInt64
	}
	first := make([]said, len(photos))
	err := r.each(ctx, func(rows *sql.Rows) error {
		var place int
		var next said
		if err := rows.Scan(&place, &next.title, &next.description, &next.rating); err != nil {
			return err
		}
		words := &first[place]
		words.title, words.description = cmp.Or(words.title, next.title), cmp.Or(words.description, next.description)
		if !words.rating.Valid {
			words.rating = next.rating
		}
		return nil
	}, selectWords, asked)
	for i, words := range first {
		photos[i].Title, photos[i].Description = cmp.Or(words.title, photos[i].Title), cmp.Or(words.description, photos[i].Description)
		if words.rating.Valid {
			photos[i].Rating = int(words.rating.Int64)
		}
	}
	return err
}

func (r photoReader) readFiles(ctx context.Context, asked string, photos []Photo) error {
	return r.each(ctx, func(rows *sql.Rows) error {
		var place int
		var file File
		var folder, path sql.RawBytes
		if err := rows.Scan(&place, &file.FolderID, &folder, &path, &file.Offline, &file.Missing, &file.Rejected); err != nil {
			return err
		}
		file.Folder = string(folder)
		file.Path = filepath.Join(file.Folder, string(path))
		photos[place].Files = append(photos[place].Files, file)
		return nil
	}, selectFiles, asked)
}

func (r photoReader) readLastPaths(ctx context.Context, asked string, photos []Photo) error {
	return r.each(ctx, func(rows *sql.Rows) error {
		var place int
		var path []byte
		if err := rows.Scan(&place, &path); err != nil {
			return err
		}
		if photo := &photos[place]; len(photo.Files) == 0 {
			photo.LastPath = string(path)
		}
		return nil
	}, selectLastPaths, asked)
}
