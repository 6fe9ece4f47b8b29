package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Failed counts one more failure of a plugin on the file and gives the sum
// since it last changed or was encoded; 0 where it changed or went meanwhile.
func (c *Catalogue) Failed(ctx context.Context, file WaitingFile) (attempts int, err error) {
	err = c.update(ctx, func(w change) error {
		err := w.QueryRowContext(ctx, `UPDATE file SET attempts = attempts + 1, last_attempt = ? WHERE id = ? AND size = ? AND modified = ? AND changed = ? RETURNING attempts`,
			time.Now().Unix(), file.ID, file.Stat.Size, file.Stat.ModifiedNanos, file.Stat.ChangedNanos).Scan(&attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return attempts, err
}

// Quarantine sets a file aside with its reason, unless it changed since it had
// file.Stat. It is tried again when it changes, on request, or after the pause;
// 0: not by itself.
func (c *Catalogue) Quarantine(ctx context.Context, file WaitingFile, reason string, pause time.Duration) error {
	return c.update(ctx, func(w change) error {
		files, err := w.knownFiles(`WHERE file.id = ? AND file.state = 'present'`, file.ID)
		if err != nil || len(files) == 0 || files[0].stat.without() != file.Stat.without() {
			return err
		}
		now, next := time.Now(), any(nil)
		if pause > 0 {
			next = now.Add(pause).Unix()
		}
		_, err = w.exec(`UPDATE file SET state = 'quarantined', reason = ?, attempts = max(attempts, 1), last_attempt = ?, next_attempt = ? WHERE id = ?`,
			reason, now.Unix(), next, file.ID)
		if err != nil {
			return err
		}
		return w.touch(FileQuarantined, files[0].photo, files[0].path)
	})
}

// A QuarantinedFile is a file that was set aside.
type QuarantinedFile struct {
	ID          int64
	Path        string // absolute
	Reason      string
	Attempts    int64
	LastAttempt time.Time
	NextAttempt time.Time // zero: when it changes or on request
}

// Quarantined lists files set aside in the order of their ids after a cursor.
func (c *Catalogue) Quarantined(ctx context.Context, after int64, limit int) (files []QuarantinedFile, err error) {
	return c.quarantined(ctx, `file.id > ? ORDER BY file.id LIMIT ?`, after, limit)
}

// NewestQuarantined lists the files that were set aside last.
func (c *Catalogue) NewestQuarantined(ctx context.Context, limit int) (files []QuarantinedFile, err error) {
	return c.quarantined(ctx, `true ORDER BY file.last_attempt DESC, file.id DESC LIMIT ?`, limit)
}

// QuarantinedFile reads one, or fails with ErrNotFound.
func (c *Catalogue) QuarantinedFile(ctx context.Context, id int64) (QuarantinedFile, error) {
	files, err := c.quarantined(ctx, `file.id = ?`, id)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("file %d in quarantine: %w", id, ErrNotFound)
	}
	if err != nil {
		return QuarantinedFile{}, err
	}
	return files[0], nil
}

func (c *Catalogue) quarantined(ctx context.Context, condition string, arguments ...any) (files []QuarantinedFile, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT file.id, folder.path, file.path, file.reason, file.attempts, coalesce(file.last_attempt, 0), coalesce(file.next_attempt, 0)
			FROM file JOIN folder ON folder.id = file.folder WHERE file.state = 'quarantined' AND `+condition, arguments...)
		if err != nil {
			return fmt.Errorf("read quarantined files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var file QuarantinedFile
			var folder, path []byte
			var last, next int64
			if err := rows.Scan(&file.ID, &folder, &path, &file.Reason, &file.Attempts, &last, &next); err != nil {
				return err
			}
			file.Path = filepath.Join(string(folder), string(path))
			file.LastAttempt, file.NextAttempt = unixTime(last), unixTime(next)
			files = append(files, file)
		}
		return rows.Err()
	})
	return files, err
}

// unixTime is the zero time for 0.
func unixTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// RetryQuarantined takes files out of quarantine, to be decoded from the
// start; without ids, all. It gives how many were in it.
func (c *Catalogue) RetryQuarantined(ctx context.Context, ids []int64) (count int64, err error) {
	if len(ids) == 0 {
		return c.release(ctx, `true`)
	}
	for some := range slices.Chunk(ids, statementIDs) {
		list, values := oneOfIDs(some)
		released, err := c.release(ctx, `id IN `+list, values...)
		if count += released; err != nil {
			return count, err
		}
	}
	return count, nil
}

// RetryDue takes files out of quarantine whose time has come.
func (c *Catalogue) RetryDue(ctx context.Context, now time.Time) (count int64, err error) {
	return c.release(ctx, `next_attempt <= ?`, now.Unix())
}

func (c *Catalogue) release(ctx context.Context, condition string, arguments ...any) (count int64, err error) {
	var due bool
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM file WHERE state = 'quarantined' AND `+condition+`)`, arguments...).Scan(&due)
	})
	if err != nil || !due {
		return 0, err
	}
	err = c.update(ctx, func(w change) error {
		count, err = w.exec(`UPDATE file SET state = 'present', reason = '', next_attempt = NULL, previous = coalesce(photo, previous), photo = NULL
			WHERE state = 'quarantined' AND `+condition, arguments...)
		if err != nil {
			return err
		}
		_, err = w.event(FileFound, 0, "")
		return err
	})
	return count, err
}
