package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// FolderIdentity gives what SetFolderIdentity kept of a folder, or nil.
func (c *Catalogue) FolderIdentity(ctx context.Context, folder int64) ([]byte, error) {
	value, err := c.Setting(ctx, identitySetting(folder))
	if err != nil || value == "" {
		return nil, err
	}
	return []byte(value), nil
}

// SetFolderIdentity keeps what tells a folder from another that may lie in its
// place. The bytes are UTF-8 and the caller's to understand. Of a folder that was
// removed nothing is kept.
func (c *Catalogue) SetFolderIdentity(ctx context.Context, folder int64, identity []byte) error {
	return c.update(ctx, func(w change) error {
		_, err := w.exec(`INSERT OR REPLACE INTO setting (name, value) SELECT ?, ? FROM folder WHERE id = ?`, identitySetting(folder), string(identity), folder)
		return err
	})
}

// Ids of folders are never used again.
func identitySetting(folder int64) string { return fmt.Sprintf("folder-identity-%d", folder) }

// PresentPaths gives paths of a folder's files that are neither missing nor
// ignored, in the order of their bytes after a path, at most limit.
func (c *Catalogue) PresentPaths(ctx context.Context, folder int64, after string, limit int) (paths []string, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT path FROM file WHERE folder = ? AND path > ? AND state NOT IN ('missing', 'ignored')
			ORDER BY path LIMIT ?`, folder, []byte(after), limit)
		if err != nil {
			return fmt.Errorf("read the files of a folder: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var path []byte
			if err := rows.Scan(&path); err != nil {
				return err
			}
			paths = append(paths, string(path))
		}
		return rows.Err()
	})
	return paths, err
}
