package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// A Finding is something that is not as it should be.
type Finding struct {
	What   string // one line, for a person
	Mended bool
}

// Check reads all of the catalogue and of the space in use and tells what is
// wrong with them. With repair it drops what can be made again: vectors that
// belong to no photo or have another length than the rest. Damage of the
// database file itself is told, not mended: a backup is the remedy.
func (c *Catalogue) Check(ctx context.Context, repair bool) (findings []Finding, err error) {
	damage, err := c.pages(ctx)
	if err != nil || len(damage) > 0 {
		return damage, err
	}
	orphans, err := c.sweep(ctx, repair, "vectors belong to no photo", orphaned)
	if err != nil {
		return nil, err
	}
	odd, err := c.sweep(ctx, repair, "vectors have a length that others do not have",
		`length(vector) != (SELECT length(vector) FROM space.embedding GROUP BY length(vector) ORDER BY count(*) DESC LIMIT 1)`)
	return append(orphans, odd...), err
}

// pages asks SQLite for the soundness of both files.
func (c *Catalogue) pages(ctx context.Context) (findings []Finding, err error) {
	err = c.view(func(db *sql.DB) error {
		for _, pragma := range []string{"main.integrity_check", "space.integrity_check", "main.foreign_key_check"} {
			lines, err := pragmaLines(ctx, db, pragma)
			if err != nil {
				return err
			}
			for _, line := range lines {
				findings = append(findings, Finding{What: fmt.Sprintf("the catalogue is damaged (%s): %s; put a backup in its place", pragma, line)})
			}
		}
		return nil
	})
	return findings, err
}

// pragmaLines gives the first column of each row that is not "ok".
func pragmaLines(ctx context.Context, db *sql.DB, pragma string) (lines []string, err error) {
	rows, err := db.QueryContext(ctx, "PRAGMA "+pragma)
	if err != nil {
		return nil, fmt.Errorf("check the catalogue: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		if line := values[0].(*sql.NullString).String; line != "ok" {
			lines = append(lines, line)
		}
	}
	return lines, rows.Err()
}

// sweep counts rows of the space that a condition marks as wrong, and drops
// them in a repair: their photos then wait for new vectors.
func (c *Catalogue) sweep(ctx context.Context, repair bool, what, condition string) ([]Finding, error) {
	var count int64
	err := c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT count(*) FROM space.embedding WHERE `+condition).Scan(&count)
	})
	if err != nil || count == 0 {
		return nil, err
	}
	if repair {
		err = c.update(ctx, func(w change) error {
			_, err := w.exec(`DELETE FROM space.embedding WHERE ` + condition)
			return err
		})
	}
	return []Finding{{What: fmt.Sprintf("%d %s", count, what), Mended: repair && err == nil}}, err
}

// Visible counts the photos that the indexes should hold.
func (c *Catalogue) Visible(ctx context.Context) (count int64, err error) {
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT count(DISTINCT photo) FROM file WHERE state = 'present' AND photo IS NOT NULL`).Scan(&count)
	})
	return count, err
}
