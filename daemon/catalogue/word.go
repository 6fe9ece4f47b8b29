package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// A Word is what the user said of a photo's tags: those put on and those taken off.
type Word struct{ Tags, Removed []string }

// UserWord reads the user's word on a photo, in the order of names; empty where
// there is none, or no such photo.
func (c *Catalogue) UserWord(ctx context.Context, photo int64) (word Word, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT name, false FROM tag WHERE photo = ?1 AND source = 'user'
			UNION ALL SELECT name, true FROM tag_removed WHERE photo = ?1 ORDER BY name`, photo)
		if err != nil {
			return fmt.Errorf("read the user's tags: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var removed bool
			if err := rows.Scan(&name, &removed); err != nil {
				return err
			}
			if removed {
				word.Removed = append(word.Removed, name)
			} else {
				word.Tags = append(word.Tags, name)
			}
		}
		return rows.Err()
	})
	return word, err
}

// PhotosWithWord gives the ids of photos on whose tags the user said anything, in
// order after an id, at most limit.
func (c *Catalogue) PhotosWithWord(ctx context.Context, after int64, limit int) (ids []int64, err error) {
	err = c.view(func(db *sql.DB) error {
		ids, err = queryIDs(ctx, db, `SELECT photo FROM tag WHERE source = 'user' AND photo > ?1
			UNION SELECT photo FROM tag_removed WHERE photo > ?1 ORDER BY photo LIMIT ?2`, after, limit)
		return err
	})
	return ids, err
}
