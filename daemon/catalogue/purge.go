package catalogue

import (
	"context"
	"time"
)

// Purge forgets files that have been missing since before a time, and photos
// of which no file is left by that, or by an edit before that time, with their
// tags and vectors. Only folders
// that were scanned whole since recently count: a file may be back, and not yet
// seen. Photos whose folder is no longer watched are kept. Old events go too.
func (c *Catalogue) Purge(ctx context.Context, before, recently time.Time) error {
	const due = `state = 'missing' AND missing_since < ?1 AND folder IN (SELECT id FROM folder WHERE NOT offline AND last_scan >= ?2)`
	var gone []int64
	err := c.update(ctx, func(w change) (err error) {
		gone, err = queryIDs(ctx, w, `SELECT coalesce(photo, previous, 0) FROM file WHERE `+due+` UNION SELECT id FROM photo WHERE unheld_since < ?1`,
			before.Unix(), recently.Unix())
		if err != nil {
			return err
		}
		if _, err := w.exec(`DELETE FROM file WHERE `+due, before.Unix(), recently.Unix()); err != nil {
			return err
		}
		for _, photo := range gone {
			if err := w.forget(photo); err != nil {
				return err
			}
		}
		return forgetEvents(ctx, w)
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	return c.forgetVectors(ctx, gone)
}

// forgetVectors deletes the vectors of photos that are no longer known. A kill
// before its end leaves some behind, which Check tells.
func (c *Catalogue) forgetVectors(ctx context.Context, photos []int64) error {
	names, err := c.Spaces(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := c.Space(ctx, name)
		if err != nil {
			return err
		}
		err = c.updateBeside(ctx, s, func(w change) error {
			for _, photo := range photos {
				if _, err := w.exec(`DELETE FROM beside.embedding WHERE photo = ? AND `+orphaned, photo); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// orphaned marks vectors that no photo has.
const orphaned = `NOT EXISTS (SELECT 1 FROM photo WHERE photo.id = embedding.photo AND photo.digest = embedding.digest)`

// forget drops a photo that no file holds, nor held before an edit that is not
// yet encoded.
func (w change) forget(photo int64) error {
	var held bool
	if err := w.QueryRowContext(w.ctx, `SELECT `+holding, photo).Scan(&held); err != nil || held {
		return err
	}
	if err := w.leaveGroup(photo); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM tag WHERE photo = ?1`,
		`DELETE FROM tag_removed WHERE photo = ?1`,
		`DELETE FROM photo WHERE id = ?1`,
	} {
		if _, err := w.exec(statement, photo); err != nil {
			return err
		}
	}
	return nil
}

// holding tells of a photo, ?1, whether a file holds it, or held it before an
// edit whose content is not known yet.
const holding = `EXISTS (SELECT 1 FROM file WHERE photo = ?1 OR previous = ?1)`

// left notes that a file holds a photo no longer; 0 is none. If no other does,
// its time to be forgotten begins.
func (w change) left(photo, file int64) error {
	_, err := w.exec(`UPDATE photo SET unheld_since = ?2, unheld_by = ?3 WHERE id = ?1 AND NOT `+holding, photo, time.Now().Unix(), file)
	return err
}

// taken notes that a file holds a photo.
func (w change) taken(photo int64) error {
	_, err := w.exec(`UPDATE photo SET unheld_since = NULL, unheld_by = NULL WHERE id = ? AND unheld_since IS NOT NULL`, photo)
	return err
}

// swapped notes that a file holds a photo in place of what it held before.
func (w change) swapped(before []knownFile, photo int64) error {
	for _, file := range before {
		for _, old := range []int64{file.photo, file.previous} {
			if err := w.left(old, file.id); err != nil {
				return err
			}
		}
	}
	return w.taken(photo)
}
