package catalogue

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Purge forgets files that have been missing since before a time, and photos
// of which no file is left by that, or by an edit before that time, with their
// tags and vectors. Only folders that were scanned whole since recently count: a
// file may be back, and not yet seen. Photos whose folder is no longer watched
// are kept. Old events go too.
func (c *Catalogue) Purge(ctx context.Context, before, recently time.Time) error {
	const due = `state = 'missing' AND missing_since < ?1 AND folder IN (SELECT id FROM folder WHERE NOT offline AND last_scan >= ?2)`
	var gone []int64
	err := c.update(ctx, func(w change) (err error) {
		gone, err = queryIDs(ctx, w, `SELECT coalesce(photo, previous, 0) FROM file WHERE `+due+` UNION SELECT id FROM photo WHERE unheld_since < ?1 ORDER BY 1`,
			before.Unix(), recently.Unix())
		if err != nil {
			return err
		}
		worded, err := queryIDs(ctx, w, `SELECT DISTINCT photo FROM file WHERE `+due+` AND photo IS NOT NULL AND (
			EXISTS (SELECT 1 FROM sidecar_tag WHERE sidecar_tag.file = file.id) OR EXISTS (SELECT 1 FROM sidecar_words WHERE sidecar_words.file = file.id))`,
			before.Unix(), recently.Unix())
		if err != nil {
			return err
		}
		if _, err := w.exec(`DELETE FROM file WHERE `+due, before.Unix(), recently.Unix()); err != nil {
			return err
		}
		if err := w.noteForgotten(gone); err != nil {
			return err
		}
		// The first of a group goes last: each that went before the others would have
		// all of them follow the next.
		for _, photo := range slices.Backward(gone) {
			if err := w.forget(photo); err != nil {
				return err
			}
		}
		if err := w.touchLeft(worded); err != nil {
			return err
		}
		return forgetEvents(ctx, w)
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	return c.forgetVectors(ctx, gone)
}

// touchLeft tells the indexes of those of the photos that are still known: what
// sidecars said of their files went with these.
func (w change) touchLeft(photos []int64) error {
	for _, photo := range photos {
		var known bool
		if err := w.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM photo WHERE id = ?)`, photo).Scan(&known); err != nil {
			return err
		}
		if !known {
			continue
		}
		if err := w.touch(PhotoTagged, photo, ""); err != nil {
			return err
		}
	}
	return nil
}

// latest is a time that has certainly passed. A board without a battery for its
// clock starts in 1970, and what goes missing then is not long gone.
const latest = `(SELECT coalesce(max(at), 0) FROM event)`

// forgottenSetting holds the last change of all photos that were forgotten.
const forgottenSetting = "forgotten"

// noteForgotten keeps the last change of photos that may be forgotten next. Each
// went out of all indexes by such a change.
func (w change) noteForgotten(photos []int64) error {
	for _, photo := range photos {
		_, err := w.exec(`INSERT INTO setting (name, value) SELECT ?1, change FROM photo WHERE id = ?2
			ON CONFLICT (name) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))`, forgottenSetting, photo)
		if err != nil {
			return err
		}
	}
	return nil
}

// Forgotten gives the last change of all photos that were forgotten: an index
// that has not followed it may still hold some of them.
func (c *Catalogue) Forgotten(ctx context.Context) (change int64, err error) {
	text, err := c.Setting(ctx, forgottenSetting)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// forgetVectors deletes the vectors and features of photos that are no longer known.
// A kill before its end leaves some behind, which Check tells.
func (c *Catalogue) forgetVectors(ctx context.Context, photos []int64) error {
	names, err := c.Spaces(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := c.Space(ctx, name); err != nil {
			return err
		}
		if err := c.forgetRows(ctx, c.spacePath(name), `DELETE FROM beside.embedding WHERE photo = ? AND `+orphaned, photos); err != nil {
			return err
		}
	}
	stored, err := c.storedFeatures()
	for _, name := range stored {
		if err == nil {
			err = c.forgetRows(ctx, c.featuresPath(name), `DELETE FROM beside.feature WHERE photo = ? AND `+strayFeature, photos)
		}
	}
	return err
}

func (c *Catalogue) forgetRows(ctx context.Context, path, remove string, photos []int64) error {
	return c.updateWith(ctx, "NORMAL", path, func(w change) error {
		for _, photo := range photos {
			if _, err := w.exec(remove, photo); err != nil {
				return err
			}
		}
		return nil
	})
}

// orphaned marks vectors that no photo has.
const orphaned = `NOT EXISTS (SELECT 1 FROM photo WHERE photo.id = embedding.photo AND photo.digest = embedding.digest)`

// strayFeature marks features that no photo has.
const strayFeature = `NOT EXISTS (SELECT 1 FROM photo WHERE photo.id = feature.photo AND photo.digest = feature.digest)`

// forget drops a photo that no file holds, nor held before an edit that is not
// yet encoded.
func (w change) forget(photo int64) error {
	var known bool
	if err := w.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM photo WHERE id = ?1) AND NOT `+holding, photo).Scan(&known); err != nil || !known {
		return err
	}
	if err := w.dropHash(photo); err != nil {
		return err
	}
	if err := w.leaveGroup(photo); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM tag WHERE photo = ?1`,
		`DELETE FROM tag_removed WHERE photo = ?1`,
		`DELETE FROM tag_refused WHERE photo = ?1`,
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
	_, err := w.exec(`UPDATE photo SET unheld_since = max(?2, `+latest+`), unheld_by = ?3 WHERE id = ?1 AND NOT `+holding, photo, time.Now().Unix(), file)
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
