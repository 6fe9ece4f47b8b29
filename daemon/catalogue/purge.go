package catalogue

import (
	"context"
	"time"
)

// Purge forgets files that have been missing since before a time, and photos
// of which no file is left by that, with their tags and vectors. Photos whose
// folder is no longer watched are kept.
func (c *Catalogue) Purge(ctx context.Context, before time.Time) error {
	return c.update(ctx, func(w change) error {
		gone, err := queryIDs(ctx, w, `SELECT DISTINCT photo FROM file WHERE state = 'missing' AND missing_since < ? AND photo IS NOT NULL`, before.Unix())
		if err != nil {
			return err
		}
		if _, err := w.exec(`DELETE FROM file WHERE state = 'missing' AND missing_since < ?`, before.Unix()); err != nil {
			return err
		}
		for _, photo := range gone {
			if err := w.forget(photo); err != nil {
				return err
			}
		}
		return nil
	})
}

// forget drops a photo without files. Its vector stays in the space's file,
// unreachable by its digest, until the row is written again: one transaction
// writes one file.
func (w change) forget(photo int64) error {
	for _, statement := range []string{
		`DELETE FROM tag WHERE photo = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE photo = ?1)`,
		`DELETE FROM tag_removed WHERE photo = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE photo = ?1)`,
		`UPDATE file SET previous = NULL WHERE previous = ?1 AND NOT EXISTS (SELECT 1 FROM file AS other WHERE other.photo = ?1)`,
		`UPDATE photo SET similar = NULL WHERE similar = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE photo = ?1)`,
		`DELETE FROM photo WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE photo = ?1)`,
	} {
		if _, err := w.exec(statement, photo); err != nil {
			return err
		}
	}
	return nil
}
