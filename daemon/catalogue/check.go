package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// A Finding is something that is not as it should be.
type Finding struct {
	What   string // one line, for a person
	Mended bool
}

// Check reads all of the catalogue, of its spaces and of the stored features and
// tells what is wrong with them. With repair it drops what can be made again:
// vectors and features that belong to no photo or have another length than the
// rest. Damage of a database file itself is told, not mended: a backup is the
// remedy, or for a space or features their removal.
func (c *Catalogue) Check(ctx context.Context, repair bool) (findings []Finding, err error) {
	if findings, err = pages(ctx, c.read, "the catalogue", "put a backup in its place"); err != nil || len(findings) > 0 {
		return findings, err
	}
	names, err := c.Spaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s, err := c.Space(ctx, name)
		if err != nil {
			return nil, err
		}
		found, err := s.check(ctx, repair)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	stored, err := c.storedFeatures()
	if err != nil {
		return nil, err
	}
	for _, name := range stored {
		found, err := c.checkFeatures(ctx, name, repair)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

func (c *Catalogue) checkFeatures(ctx context.Context, name string, repair bool) ([]Finding, error) {
	c.opening.Lock()
	f, err := c.featureStore(ctx, name)
	c.opening.Unlock()
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("the feature space %q", name)
	damage, err := pages(ctx, f.read, what, fmt.Sprintf("move %s away: its photos are read again when they are learned from", c.featuresPath(name)))
	if err != nil || len(damage) > 0 {
		return damage, err
	}
	strays, err := c.sweep(ctx, repair, c.featuresPath(name), what, "feature", "features belong to no photo", strayFeature)
	if err != nil {
		return nil, err
	}
	odd, err := c.sweep(ctx, repair, c.featuresPath(name), what, "feature", "features have a length that others do not have",
		`length(feature) != (SELECT length(feature) FROM beside.feature GROUP BY length(feature) ORDER BY count(*) DESC LIMIT 1)`)
	return slices.Concat(strays, odd), err
}

func (s *Space) check(ctx context.Context, repair bool) ([]Finding, error) {
	damage, err := pages(ctx, s.read, fmt.Sprintf("the space %q", s.name), fmt.Sprintf("move %s away: its photos are encoded again", s.catalogue.spacePath(s.name)))
	if err != nil || len(damage) > 0 {
		return damage, err
	}
	path, what := s.catalogue.spacePath(s.name), fmt.Sprintf("the space %q", s.name)
	orphans, err := s.catalogue.sweep(ctx, repair, path, what, "embedding", "vectors belong to no photo", orphaned)
	if err != nil {
		return nil, err
	}
	odd, err := s.catalogue.sweep(ctx, repair, path, what, "embedding", "vectors have a length that others do not have",
		`length(vector) != (SELECT length(vector) FROM beside.embedding GROUP BY length(vector) ORDER BY count(*) DESC LIMIT 1)`)
	if err != nil {
		return nil, err
	}
	lost, err := s.lost(ctx, repair)
	return slices.Concat(orphans, odd, lost), err
}

// pages asks SQLite for the soundness of a file.
func pages(ctx context.Context, db *sql.DB, what, remedy string) (findings []Finding, err error) {
	for _, pragma := range []string{"integrity_check", "foreign_key_check"} {
		lines, err := pragmaLines(ctx, db, pragma)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			findings = append(findings, Finding{What: fmt.Sprintf("%s is damaged (%s): %s; %s", what, pragma, line, remedy)})
		}
	}
	return findings, nil
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

// sweep counts rows of a table of another file that a condition marks as wrong, and
// drops them in a repair: their photos then wait for new ones.
func (c *Catalogue) sweep(ctx context.Context, repair bool, path, where, table, what, condition string) ([]Finding, error) {
	return c.wrong(ctx, repair, path, where, what, `SELECT count(*) FROM beside.`+table+` WHERE `+condition, `DELETE FROM beside.`+table+` WHERE `+condition)
}

// lost counts photos whose vector the catalogue knows and the space lacks, and
// has them encoded again in a repair.
func (s *Space) lost(ctx context.Context, repair bool) ([]Finding, error) {
	condition := fmt.Sprintf(`FROM encoded WHERE space = %d AND NOT EXISTS (%s AND photo.id = encoded.photo)`, s.id, matching)
	return s.catalogue.wrong(ctx, repair, s.catalogue.spacePath(s.name), fmt.Sprintf("the space %q", s.name), "vectors are lost",
		`SELECT count(*) `+condition, `DELETE `+condition)
}

func (c *Catalogue) wrong(ctx context.Context, repair bool, path, where, what, count, remove string) ([]Finding, error) {
	var rows int64
	err := c.updateWith(ctx, "NORMAL", path, func(w change) error {
		if err := w.QueryRowContext(ctx, count).Scan(&rows); err != nil || rows == 0 || !repair {
			return err
		}
		_, err := w.exec(remove)
		return err
	})
	if err != nil || rows == 0 {
		return nil, err
	}
	return []Finding{{What: fmt.Sprintf("in %s %d %s", where, rows, what), Mended: repair}}, nil
}

// Visible counts the photos that the indexes should hold.
func (c *Catalogue) Visible(ctx context.Context) (count int64, err error) {
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT count(DISTINCT photo) FROM file WHERE state = 'present' AND photo IS NOT NULL`).Scan(&count)
	})
	return count, err
}
