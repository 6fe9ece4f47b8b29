package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// AddTags puts the user's tags on a photo; those it has already stay.
func (c *Catalogue) AddTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		restored, err := w.exec(`DELETE FROM tag_removed WHERE photo = ? AND name = ?`, photo, name)
		if err != nil {
			return 0, err
		}
		if err := w.takeBack(photo, name); err != nil {
			return 0, err
		}
		added, err := w.exec(`INSERT OR IGNORE INTO tag (photo, name, source) VALUES (?, ?, 'user')`, photo, name)
		return restored + added, err
	})
}

// RemoveTags takes tags off a photo; those it lacks are no error. The others
// stay off, whatever a file or sidecar says later.
func (c *Catalogue) RemoveTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		removed, err := w.exec(`DELETE FROM tag WHERE photo = ? AND name = ?`, photo, name)
		if err != nil {
			return 0, err
		}
		// Of a tag of the user's own, too: a sidecar may give it that is not read yet.
		hidden, err := w.exec(`INSERT OR IGNORE INTO tag_removed (photo, name)
			SELECT ?1, ?2 WHERE ?3 OR EXISTS (SELECT 1 FROM keyword WHERE photo = ?1 AND name = ?2)
				OR EXISTS (SELECT 1 FROM sidecar_tag WHERE name = ?2 AND file IN (SELECT id FROM file WHERE photo = ?1))`,
			photo, name, removed > 0)
		return removed + hidden, err
	})
}

func (c *Catalogue) changeTags(ctx context.Context, photo int64, names []string, apply func(w change, name string) (int64, error)) error {
	return c.updateDurably(ctx, func(w change) error {
		var exists int
		err := w.QueryRowContext(ctx, `SELECT 1 FROM photo WHERE id = ?`, photo).Scan(&exists)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("photo %d: %w", photo, ErrNotFound)
		}
		if err != nil {
			return err
		}
		var touched int64
		for _, name := range names {
			count, err := apply(w, name)
			if err != nil {
				return err
			}
			touched += count
		}
		if touched == 0 {
			return nil
		}
		return w.touch(PhotoTagged, photo, "")
	})
}

// inheritTags gives the user's words on what a file held before to what it
// holds now: the photo was edited in place.
func (w change) inheritTags(from, to int64) error {
	if _, err := w.exec(`INSERT OR IGNORE INTO tag (photo, name, source) SELECT ?, name, source FROM tag WHERE photo = ? AND source = 'user'`, to, from); err != nil {
		return err
	}
	for _, table := range []string{"tag_removed", "tag_refused"} {
		if _, err := w.exec(`INSERT OR IGNORE INTO `+table+` (photo, name) SELECT ?, name FROM `+table+` WHERE photo = ?`, to, from); err != nil {
			return err
		}
	}
	return nil
}
