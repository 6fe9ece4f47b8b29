package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// Kinds of events.
const (
	PhotoEncoded    = "photo_encoded"
	PhotoTagged     = "photo_tagged"
	FileFound       = "file_found"
	FileMissing     = "file_missing"
	FileQuarantined = "file_quarantined"
	FolderAdded     = "folder_added"
	FolderRemoved   = "folder_removed"
	FolderOffline   = "folder_offline"
	FolderOnline    = "folder_online"
	// LearningProposed is the end of a learning run that has something to apply.
	LearningProposed = "learning_proposed"
)

// An Event tells of one change. Photo is 0 and Path empty where the kind has none.
type Event struct {
	Change int64
	Kind   string
	Photo  int64
	Path   string
}

// Change is the newest change number; 0 before the first change.
func (c *Catalogue) Change(ctx context.Context) (number int64, err error) {
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT coalesce(max(change), 0) FROM event`).Scan(&number)
	})
	return number, err
}

// Announce tells of what is no photo's and no file's.
func (c *Catalogue) Announce(ctx context.Context, kind string) error {
	return c.update(ctx, func(w change) error {
		_, err := w.event(kind, 0, "")
		return err
	})
}

// FoldersOnline reports whether a folder came back after the change number, and
// gives the newest one.
func (c *Catalogue) FoldersOnline(ctx context.Context, after int64) (online bool, newest int64, err error) {
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT coalesce(max(change), 0), coalesce(max(kind = ?), false) FROM event WHERE change > ?`,
			FolderOnline, after).Scan(&newest, &online)
	})
	return online, max(newest, after), err
}

// Wait gives a channel that is closed at the next change. Take it before
// reading, so that no change falls between.
func (c *Catalogue) Wait() <-chan struct{} {
	c.waiters.Lock()
	defer c.waiters.Unlock()
	return c.changed
}

// Events gives at most limit events after the change number, oldest first.
// Only the newest 100,000 events are kept over a restart or a purge.
func (c *Catalogue) Events(ctx context.Context, after int64, limit int) (events []Event, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx,
			`SELECT change, kind, coalesce(photo, 0), coalesce(path, x'') FROM event WHERE change > ? ORDER BY change LIMIT ?`, after, limit)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var event Event
			var path []byte
			if err := rows.Scan(&event.Change, &event.Kind, &event.Photo, &path); err != nil {
				return err
			}
			event.Path = string(path)
			events = append(events, event)
		}
		return rows.Err()
	})
	return events, err
}

// forgetEvents drops all but the newest events.
func forgetEvents(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, arguments ...any) (sql.Result, error)
}) error {
	_, err := db.ExecContext(ctx, `DELETE FROM event WHERE change <= (SELECT max(change) FROM event) - ?`, keptEvents)
	if err != nil {
		return fmt.Errorf("forget events: %w", err)
	}
	return nil
}
