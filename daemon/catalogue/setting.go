package catalogue

import (
	"context"
	"database/sql"
	"errors"
)

// A Setting is a value that is kept under a name.
type Setting struct{ Name, Value string }

// Setting reads a named value; "" where it was never set.
func (c *Catalogue) Setting(ctx context.Context, name string) (value string, err error) {
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// SetSetting keeps a named value.
func (c *Catalogue) SetSetting(ctx context.Context, name, value string) error {
	return c.update(ctx, func(w change) error { return w.set(name, value) })
}

func (w change) set(name, value string) error {
	_, err := w.exec(`INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)`, name, value)
	return err
}
