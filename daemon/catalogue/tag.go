package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// A photo has a tag once: words that differ by case or by Unicode's normal form alone
// are one, in the spelling that was there first. They are stored in form NFC; older rows
// may not be, so that fold compares.

// fold gives the form in which two spellings of a tag are the same.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// composed gives tags in the form in which they are stored.
func composed(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = norm.NFC.String(name)
	}
	return all
}

const (
	selectGiven = `SELECT name FROM tag WHERE photo = ?1 UNION SELECT name FROM keyword WHERE photo = ?1
		UNION SELECT name FROM sidecar_tag WHERE file IN (SELECT id FROM file WHERE photo = ?1) ORDER BY name`
	selectRemoved = `SELECT name FROM tag_removed WHERE photo = ?1 ORDER BY name`
	selectRefused = `SELECT name FROM tag_refused WHERE photo = ?1 ORDER BY name`
)

// spellings gives those names of a query over a photo that are the tag, in any
// spelling, and first the very one where it is among them.
func (w change) spellings(query string, photo int64, tag string) (same []string, err error) {
	names, err := queryColumn[string](w.ctx, w, "tags", query, photo)
	for _, name := range names {
		switch {
		case name == tag:
			same = slices.Insert(same, 0, name)
		case fold(name) == fold(tag):
			same = append(same, name)
		}
	}
	return same, err
}

// AddTags puts the user's tags on a photo; those it has already stay.
func (c *Catalogue) AddTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		restored, err := w.drop("tag_removed", selectRemoved, photo, name)
		if err != nil {
			return 0, err
		}
		back, err := w.drop("tag_refused", selectRefused, photo, name)
		if err != nil {
			return 0, err
		}
		given, err := w.spellings(selectGiven, photo, name)
		if err != nil {
			return 0, err
		}
		if len(given) > 0 {
			name = given[0]
		}
		added, err := w.exec(`INSERT OR IGNORE INTO tag (photo, name, source) VALUES (?, ?, 'user')`, photo, name)
		return restored + back + added, err
	})
}

// drop deletes a word of the user's against a tag, in any spelling.
func (w change) drop(table, query string, photo int64, tag string) (dropped int64, err error) {
	names, err := w.spellings(query, photo, tag)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		count, err := w.exec(`DELETE FROM `+table+` WHERE photo = ? AND name = ?`, photo, name)
		if err != nil {
			return 0, err
		}
		dropped += count
	}
	return dropped, nil
}

// RemoveTags takes tags off a photo; those it lacks are no error. The others
// stay off, whatever a file or sidecar says later.
func (c *Catalogue) RemoveTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (touched int64, err error) {
		given, err := w.spellings(selectGiven, photo, name)
		if err != nil {
			return 0, err
		}
		for _, name := range given {
			count, err := w.removeTag(photo, name)
			if err != nil {
				return 0, err
			}
			touched += count
		}
		return touched, nil
	})
}

// removeTag takes off one spelling.
func (w change) removeTag(photo int64, name string) (int64, error) {
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
		for _, name := range composed(names) {
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
