package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
)

// observeSidecar notes an XMP file; one with a new stat is to be read.
func (w change) observeSidecar(folder int64, observation Observation) (id int64, err error) {
	stat := observation.Stat
	err = w.QueryRowContext(w.ctx, `INSERT INTO sidecar (folder, path, device, inode, size, modified, changed) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (folder, path) DO UPDATE SET
			read = read AND device = excluded.device AND inode = excluded.inode AND size = excluded.size AND modified = excluded.modified AND changed = excluded.changed,
			device = excluded.device, inode = excluded.inode, size = excluded.size, modified = excluded.modified, changed = excluded.changed
		RETURNING id`,
		folder, []byte(observation.Path), int64(stat.Device), int64(stat.Inode), stat.Size, stat.ModifiedNanos, stat.ChangedNanos).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("write a sidecar: %w", err)
	}
	return id, nil
}

// forgetSidecars drops sidecars, but for those below an unread path.
func (w change) forgetSidecars(ids []int64, unread pathSet) error {
	list, values := oneOfIDs(ids)
	sidecars, err := w.sidecars(`id IN `+list, values...)
	if err != nil {
		return err
	}
	for _, one := range sidecars {
		if unread.below(one.Path) {
			continue
		}
		if err := w.dropSidecars(`id = ?`, one.ID); err != nil {
			return err
		}
	}
	return nil
}

// dropSidecars forgets sidecars and what they said.
func (w change) dropSidecars(condition string, arguments ...any) error {
	gone, err := w.sidecars(condition, arguments...)
	if err != nil {
		return err
	}
	for _, one := range gone {
		if err := w.setSidecarTags(one, nil); err != nil {
			return err
		}
		if _, err := w.exec(`DELETE FROM sidecar WHERE id = ?`, one.ID); err != nil {
			return err
		}
	}
	return nil
}

// A Sidecar is an XMP file that has not been read.
type Sidecar struct {
	ID       int64
	FolderID int64
	Folder   string // absolute
	Path     string // below the folder
	Stat     Stat
}

const sidecarQuery = `SELECT sidecar.id, sidecar.folder, folder.path, sidecar.path, sidecar.device, sidecar.inode, sidecar.size, sidecar.modified, sidecar.changed
	FROM sidecar JOIN folder ON folder.id = sidecar.folder WHERE sidecar.id IN (SELECT id FROM sidecar WHERE `

func scanSidecars(rows *sql.Rows) (sidecars []Sidecar, err error) {
	defer rows.Close()
	for rows.Next() {
		var one Sidecar
		var folder, path []byte
		var device, inode int64
		if err := rows.Scan(&one.ID, &one.FolderID, &folder, &path, &device, &inode, &one.Stat.Size, &one.Stat.ModifiedNanos, &one.Stat.ChangedNanos); err != nil {
			return nil, err
		}
		one.Folder, one.Path = string(folder), string(path)
		one.Stat.Device, one.Stat.Inode = uint64(device), uint64(inode)
		sidecars = append(sidecars, one)
	}
	return sidecars, rows.Err()
}

func (w change) sidecars(condition string, arguments ...any) ([]Sidecar, error) {
	rows, err := w.QueryContext(w.ctx, sidecarQuery+condition+`)`, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read sidecars: %w", err)
	}
	return scanSidecars(rows)
}

// UnreadSidecars gives sidecars to be read, in order of id after a cursor.
func (c *Catalogue) UnreadSidecars(ctx context.Context, after int64, limit int) (sidecars []Sidecar, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sidecarQuery+`NOT read AND id > ?) AND NOT folder.offline ORDER BY sidecar.id LIMIT ?`, after, limit)
		if err != nil {
			return fmt.Errorf("read sidecars: %w", err)
		}
		sidecars, err = scanSidecars(rows)
		return err
	})
	return sidecars, err
}

// SidecarRead stores what a sidecar says, or why it cannot be read. A sidecar
// that changed since it was listed stays unread.
func (c *Catalogue) SidecarRead(ctx context.Context, sidecar Sidecar, keywords []string, problem string) error {
	return c.update(ctx, func(w change) error {
		now, err := w.sidecars(`id = ?`, sidecar.ID)
		if err != nil || len(now) == 0 || now[0].Stat != sidecar.Stat {
			return err
		}
		if _, err := w.exec(`UPDATE sidecar SET read = 1, problem = ? WHERE id = ?`, problem, sidecar.ID); err != nil {
			return err
		}
		if problem != "" {
			return nil // what it said before stands
		}
		return w.setSidecarTags(sidecar, keywords)
	})
}

// setSidecarTags replaces the sidecar's tags on each file that it belongs to.
func (w change) setSidecarTags(sidecar Sidecar, keywords []string) error {
	files, err := w.filesOf(sidecar)
	if err != nil {
		return err
	}
	if _, err := w.exec(`DELETE FROM sidecar_tag WHERE sidecar = ?`, sidecar.ID); err != nil {
		return err
	}
	for _, file := range files {
		for _, name := range keywords {
			if _, err := w.exec(`INSERT OR IGNORE INTO sidecar_tag (file, sidecar, name) VALUES (?, ?, ?)`, file.id, sidecar.ID, name); err != nil {
				return err
			}
		}
		if err := w.touch(PhotoTagged, file.photo, ""); err != nil {
			return err
		}
	}
	return nil
}

// filesOf finds the photos beside a sidecar: a.jpg for a.jpg.xmp, and every
// a.* for a.xmp.
func (w change) filesOf(sidecar Sidecar) ([]knownFile, error) {
	stem := sidecar.Path[:len(sidecar.Path)-len(filepath.Ext(sidecar.Path))]
	candidates, err := w.knownFiles(`WHERE file.folder = ? AND file.state != 'ignored' AND (file.path = ? OR (file.path > ? AND file.path < ?))`,
		sidecar.FolderID, []byte(stem), []byte(stem+"."), []byte(stem+"/"))
	if err != nil {
		return nil, err
	}
	files := candidates[:0]
	for _, file := range candidates {
		rest := strings.TrimPrefix(file.relative, stem)
		if rest == "" || !strings.ContainsAny(rest[1:], "./") {
			files = append(files, file)
		}
	}
	return files, nil
}

// sidecarsOf marks the sidecars of a new file unread, so that it gets their tags.
func (w change) sidecarsOf(folder int64, path string) error {
	stem := path[:len(path)-len(filepath.Ext(path))]
	for _, name := range [][]byte{[]byte(path + ".xmp"), []byte(path + ".XMP"), []byte(stem + ".xmp"), []byte(stem + ".XMP")} {
		if bytes.Equal(name, []byte(path)) {
			continue
		}
		if _, err := w.exec(`UPDATE sidecar SET read = 0 WHERE folder = ? AND path = ?`, folder, name); err != nil {
			return err
		}
	}
	return nil
}
