package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// observe compares with what is known before it writes, so that an unchanged
// tree is read without a transaction. seen may be nil.
func (c *Catalogue) observe(ctx context.Context, folder int64, observations []Observation, seen *Scan) error {
	fresh, err := c.fresh(ctx, folder, observations, seen)
	if err != nil || len(fresh) == 0 {
		return err
	}
	return c.update(ctx, func(w change) error {
		var root []byte
		err := w.QueryRowContext(ctx, `SELECT path FROM folder WHERE id = ?`, folder).Scan(&root)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // the folder was removed meanwhile
		}
		if err != nil {
			return err
		}
		for _, observation := range fresh {
			if err := w.observeOne(folder, string(root), observation, seen); err != nil {
				return err
			}
		}
		return nil
	})
}

// fresh gives the observations that tell something new.
func (c *Catalogue) fresh(ctx context.Context, folder int64, observations []Observation, seen *Scan) (fresh []Observation, err error) {
	known, err := c.recorded(ctx, folder, observations)
	if err != nil {
		return nil, err
	}
	for _, observation := range observations {
		row, ok := known[place{observation.Path, observation.Sidecar}]
		seen.meets(observation.Stat, row)
		if ok && row.tells(observation) {
			seen.saw(row.id, observation.Sidecar)
		} else {
			fresh = append(fresh, observation)
		}
	}
	return fresh, nil
}

// A place is where a record stands: files and sidecars are apart.
type place struct {
	path    string // below the folder
	sidecar bool
}

// A record is what is compared with an observation.
type record struct {
	id          int64
	stat        Stat
	state, rule string // of a sidecar: present and none
}

// tells reports whether the row says all that the observation says.
func (r record) tells(observation Observation) bool {
	if observation.Rule != "" {
		return r.state == "ignored" && r.rule == observation.Rule
	}
	return r.state != "missing" && r.state != "ignored" && r.stat == observation.Stat
}

// recorded reads what is known of the places in a statement for all: one for
// each file would take most of a rescan's time.
func (c *Catalogue) recorded(ctx context.Context, folder int64, observations []Observation) (known map[place]record, err error) {
	var files, sidecars []any
	for _, observation := range observations {
		if observation.Sidecar {
			sidecars = append(sidecars, []byte(observation.Path))
		} else {
			files = append(files, []byte(observation.Path))
		}
	}
	known = make(map[place]record, len(observations))
	err = c.view(func(db *sql.DB) error {
		return errors.Join(
			readRecords(ctx, db, `SELECT false, id, path, device, inode, size, modified, changed, state, reason FROM file`, folder, files, known),
			readRecords(ctx, db, `SELECT true, id, path, device, inode, size, modified, changed, 'present', '' FROM sidecar`, folder, sidecars, known))
	})
	return known, err
}

func readRecords(ctx context.Context, db *sql.DB, query string, folder int64, paths []any, into map[place]record) error {
	if len(paths) == 0 {
		return nil
	}
	list, values := oneOf(paths)
	rows, err := db.QueryContext(ctx, query+` WHERE folder = ? AND path IN `+list, append([]any{folder}, values...)...)
	if err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at place
		var row record
		var device, inode int64
		if err := rows.Scan(&at.sidecar, &row.id, &at.path, &device, &inode, &row.stat.Size, &row.stat.ModifiedNanos, &row.stat.ChangedNanos,
			&row.state, &row.rule); err != nil {
			return fmt.Errorf("read a file: %w", err)
		}
		row.stat.Device, row.stat.Inode = uint64(device), uint64(inode)
		into[at] = row
	}
	return rows.Err()
}

// statementIDs is how many ids are given to one statement.
const statementIDs = 512

// oneOf gives a list for IN and its values, filled up with NULL to a power of
// two: statements are kept prepared, so there should not be one for each length.
func oneOf(values []any) (list string, filled []any) {
	length := 1
	for length < len(values) {
		length *= 2
	}
	return "(?" + strings.Repeat(",?", length-1) + ")", append(values, make([]any, length-len(values))...)
}

func oneOfIDs(ids []int64) (list string, filled []any) {
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	return oneOf(values)
}

func (w change) observeOne(folder int64, root string, observation Observation, seen *Scan) error {
	if observation.Sidecar {
		id, err := w.observeSidecar(folder, observation)
		seen.saw(id, true)
		return err
	}
	before, err := w.knownFiles(`WHERE file.folder = ? AND file.path = ?`, folder, []byte(observation.Path))
	if err != nil {
		return err
	}
	photo, state := int64(0), "present"
	if observation.Rule != "" {
		state = "ignored"
	} else if photo, err = w.sameFile(before, observation.Stat); err != nil {
		return err
	}
	stat := observation.Stat
	var id int64
	err = w.QueryRowContext(w.ctx, `INSERT INTO file (folder, path, device, inode, size, modified, changed, state, reason, photo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))
		ON CONFLICT (folder, path) DO UPDATE SET device = excluded.device, inode = excluded.inode, size = excluded.size, modified = excluded.modified,
			changed = excluded.changed, state = excluded.state, reason = excluded.reason,
			previous = CASE WHEN excluded.photo IS NULL THEN coalesce(file.photo, file.previous) END,
			photo = excluded.photo, attempts = 0, next_attempt = NULL, missing_since = NULL
		RETURNING id`,
		folder, []byte(observation.Path), int64(stat.Device), int64(stat.Inode), stat.Size, stat.ModifiedNanos, stat.ChangedNanos,
		state, observation.Rule, photo).Scan(&id)
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	seen.saw(id, false)
	if photo != 0 {
		if err := w.swapped(before, photo); err != nil {
			return err
		}
	}
	if len(before) == 0 || before[0].state == "ignored" {
		if err := w.sidecarsOf(folder, observation.Path); err != nil {
			return err
		}
	}
	return w.touchObserved(filepath.Join(root, observation.Path), photo, before, observation.Rule != "")
}

// touchObserved tells the indexes of the photo that is at path now and of the
// one that was.
func (w change) touchObserved(path string, photo int64, before []knownFile, ignored bool) error {
	for _, file := range before {
		if file.photo != 0 && file.photo != photo {
			if err := w.touch(FileMissing, file.photo, path); err != nil {
				return err
			}
		}
	}
	if ignored {
		return nil
	}
	return w.touch(FileFound, photo, path)
}

// sameFile finds the photo of a file that has this very stat under another
// path, or had it before it went missing: what a moved folder leaves unchanged.
// A file that was itself renamed has another time of change; its content is
// read, and found known by its digest. A device may have another number after
// each mount.
func (w change) sameFile(before []knownFile, stat Stat) (photo int64, err error) {
	if len(before) == 1 && before[0].stat.without() == stat.without() && before[0].photo != 0 {
		return before[0].photo, nil
	}
	err = w.QueryRowContext(w.ctx, `SELECT photo FROM file WHERE inode = ? AND device = ? AND size = ? AND modified = ? AND changed = ? AND photo IS NOT NULL LIMIT 1`,
		int64(stat.Inode), int64(stat.Device), stat.Size, stat.ModifiedNanos, stat.ChangedNanos).Scan(&photo)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return photo, err
}
