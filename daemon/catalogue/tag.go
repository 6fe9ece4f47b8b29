package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// User is the source of tags that a person gave.
const User = "user"

// AddTags puts the user's tags on a photo; those it has already stay.
func (c *Catalogue) AddTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, `INSERT OR IGNORE INTO tag (photo, name, source) VALUES (?, ?, 'user')`)
}

// RemoveTags takes the user's tags off a photo; those it lacks are no error.
func (c *Catalogue) RemoveTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, `DELETE FROM tag WHERE photo = ? AND name = ? AND source = 'user'`)
}

func (c *Catalogue) changeTags(ctx context.Context, photo int64, names []string, statement string) error {
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
			count, err := w.exec(statement, photo, name)
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
