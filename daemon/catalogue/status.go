package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// Counts accounts for every file of a folder. A file is in exactly one count, but
// that OfflineEncoded is a part of Offline: what searches find of it.
type Counts struct {
	Encoded, Waiting, Quarantined, Offline, Missing, Ignored int64
	OfflineEncoded                                           int64
	IgnoredBy                                                map[string]int64 // by rule
}

// Count accounts for the files of each folder, by folder id, in the space that
// serves. To count takes half a second a million files, and is not done again
// while nothing has been written. The caller must not change the answer.
func (c *Catalogue) Count(ctx context.Context) (counts map[int64]Counts, err error) {
	c.counting.Lock()
	defer c.counting.Unlock()
	written, serving := c.written.Load(), c.servingID()
	if c.counted != nil && c.countedAt == written && c.countedIn == serving {
		return c.counted, nil
	}
	if counts, err = c.count(ctx, serving); err == nil {
		c.counted, c.countedAt, c.countedIn = counts, written, serving
	}
	return counts, err
}

func (c *Catalogue) count(ctx context.Context, serving int64) (counts map[int64]Counts, err error) {
	counts = make(map[int64]Counts)
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT folder, status, rule, count(*) FROM (
			SELECT file.folder AS folder, CASE
				WHEN file.state IN ('missing', 'ignored') THEN file.state
				WHEN folder.offline AND file.state = 'present' AND encoded.photo IS NOT NULL THEN 'offline encoded'
				WHEN folder.offline THEN 'offline'
				WHEN file.state = 'quarantined' THEN 'quarantined'
				WHEN encoded.photo IS NOT NULL THEN 'encoded'
				ELSE 'waiting' END AS status,
				CASE WHEN file.state = 'ignored' THEN file.reason ELSE '' END AS rule
			FROM file JOIN folder ON folder.id = file.folder LEFT JOIN encoded ON encoded.space = ? AND encoded.photo = file.photo)
			GROUP BY folder, status, rule`, serving)
		if err != nil {
			return fmt.Errorf("count files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var folder, count int64
			var status, rule string
			if err := rows.Scan(&folder, &status, &rule, &count); err != nil {
				return err
			}
			sum := counts[folder]
			sum.add(status, rule, count)
			counts[folder] = sum
		}
		return rows.Err()
	})
	return counts, err
}

func (c *Counts) add(status, rule string, count int64) {
	switch status {
	case "encoded":
		c.Encoded += count
	case "waiting":
		c.Waiting += count
	case "quarantined":
		c.Quarantined += count
	case "offline":
		c.Offline += count
	case "offline encoded":
		c.Offline += count
		c.OfflineEncoded += count
	case "missing":
		c.Missing += count
	case "ignored":
		c.Ignored += count
		if c.IgnoredBy == nil {
			c.IgnoredBy = make(map[string]int64)
		}
		c.IgnoredBy[rule] += count
	}
}

// Findable counts the photos that the space's index should hold, and gives the
// dimensions of its vectors; 0 where it has none.
func (s *Space) Findable(ctx context.Context) (photos int64, dimensions int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT coalesce((SELECT length(vector) / 2 FROM embedding LIMIT 1), 0)`).Scan(&dimensions)
	if err != nil {
		return 0, 0, fmt.Errorf("read vectors: %w", err)
	}
	err = s.catalogue.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT count(*) FROM encoded WHERE space = ? AND EXISTS (SELECT 1 FROM file WHERE photo = encoded.photo AND state = 'present')`,
			s.id).Scan(&photos)
	})
	return photos, dimensions, err
}

// Coverage accounts for the files of a folder that a space should cover: all
// but missing and ignored ones.
type Coverage struct {
	Encoded  int64 `json:"encoded"` // whether the folder is there or not
	Waiting  int64 `json:"waiting"`
	SetAside int64 `json:"set_aside"` // in quarantine, or refused by the space's encoder
	Offline  int64 `json:"offline"`   // not encoded, and not to be read now
}

// Add sums up the coverage of another folder.
func (c *Coverage) Add(other Coverage) {
	c.Encoded += other.Encoded
	c.Waiting += other.Waiting
	c.SetAside += other.SetAside
	c.Offline += other.Offline
}

// Coverage accounts for the files of each folder, by folder id.
func (s *Space) Coverage(ctx context.Context) (coverage map[int64]Coverage, err error) {
	coverage = make(map[int64]Coverage)
	err = s.catalogue.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT folder, sum(has), sum(NOT has AND NOT aside AND NOT offline), sum(NOT has AND aside), sum(NOT has AND NOT aside AND offline) FROM (
			SELECT file.folder AS folder, folder.offline AS offline,
				file.state = 'present' AND EXISTS (SELECT 1 FROM encoded WHERE space = ?1 AND photo = file.photo) AS has,
				file.state = 'quarantined' OR EXISTS (SELECT 1 FROM refused WHERE space = ?1 AND photo = file.photo) AS aside
			FROM file JOIN folder ON folder.id = file.folder WHERE file.state IN ('present', 'quarantined')) GROUP BY folder`, s.id)
		if err != nil {
			return fmt.Errorf("count vectors: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var folder int64
			var covers Coverage
			if err := rows.Scan(&folder, &covers.Encoded, &covers.Waiting, &covers.SetAside, &covers.Offline); err != nil {
				return err
			}
			coverage[folder] = covers
		}
		return rows.Err()
	})
	return coverage, err
}
