package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// Counts accounts for every file of a folder. A file is in exactly one count.
type Counts struct {
	Encoded, Waiting, Quarantined, Offline, Missing, Ignored int64
	IgnoredBy                                                map[string]int64 // by rule
}

// Count accounts for the files of each folder, by folder id.
func (c *Catalogue) Count(ctx context.Context) (counts map[int64]Counts, err error) {
	counts = make(map[int64]Counts)
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT folder, status, rule, count(*) FROM (
			SELECT file.folder AS folder, CASE
				WHEN file.state IN ('missing', 'ignored') THEN file.state
				WHEN folder.offline THEN 'offline'
				WHEN file.state = 'quarantined' THEN 'quarantined'
				WHEN embedding.photo IS NOT NULL THEN 'encoded'
				ELSE 'waiting' END AS status,
				CASE WHEN file.state = 'ignored' THEN file.reason ELSE '' END AS rule
			FROM file JOIN folder ON folder.id = file.folder LEFT JOIN photo ON photo.id = file.photo
				LEFT JOIN space.embedding AS embedding ON embedding.photo = photo.id AND embedding.digest = photo.digest)
			GROUP BY folder, status, rule`)
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
