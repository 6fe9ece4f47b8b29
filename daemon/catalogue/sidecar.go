package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// observeSidecar notes an XMP file; one with a new stat is to be read. A device
// may have another number after each mount.
func (w change) observeSidecar(folder int64, observation Observation) (id int64, err error) {
	stat := observation.Stat
	err = w.QueryRowContext(w.ctx, `INSERT INTO sidecar (folder, path, device, inode, size, modified, changed) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (folder, path) DO UPDATE SET
			(read, problem, next_attempt) = (SELECT read AND same, iif(same, problem, ''), iif(same, next_attempt, NULL) FROM (SELECT
				inode = excluded.inode AND size = excluded.size AND modified = excluded.modified AND changed = excluded.changed AS same)),
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
		if err := w.setSidecarWords(one, SidecarWords{}); err != nil {
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

const sidecarQuery = `SELECT sidecar.id, sidecar.folder, folder.path, sidecar.path, sidecar.device, sidecar.inode, sidecar.size, sidecar.modified, sidecar.changed `

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
	rows, err := w.QueryContext(w.ctx, sidecarQuery+`FROM sidecar JOIN folder ON folder.id = sidecar.folder
		WHERE sidecar.id IN (SELECT id FROM sidecar WHERE `+condition+`)`, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read sidecars: %w", err)
	}
	return scanSidecars(rows)
}

// UnreadSidecars gives sidecars to be read, in order of folder and id, after the
// one given; nil begins.
func (c *Catalogue) UnreadSidecars(ctx context.Context, after *Sidecar, limit int) (sidecars []Sidecar, err error) {
	if after == nil {
		after = &Sidecar{}
	}
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sidecarQuery+unreadSidecars, after.FolderID, after.ID, limit)
		if err != nil {
			return fmt.Errorf("read sidecars: %w", err)
		}
		sidecars, err = scanSidecars(rows)
		return err
	})
	return sidecars, err
}

// As undecoded.
const unreadSidecars = `FROM folder CROSS JOIN sidecar ON sidecar.folder = folder.id
	WHERE NOT folder.offline AND folder.id >= ?1 AND NOT sidecar.read AND sidecar.id > iif(folder.id = ?1, ?2, 0)
	ORDER BY folder.id, sidecar.id LIMIT ?3`

// SidecarWords is what a sidecar says of the photos beside it. What it says
// nothing of is empty.
type SidecarWords struct {
	Keywords           []string // become tags of source "sidecar"
	Title, Description string
	Rating             int  // as in Metadata
	Rated              bool // it gives the rating, which may be 0
}

// SidecarRead stores what a sidecar says. A sidecar that changed since it was
// listed stays unread.
func (c *Catalogue) SidecarRead(ctx context.Context, sidecar Sidecar, words SidecarWords) error {
	return c.sidecarTried(ctx, sidecar, func(w change) error {
		if _, err := w.exec(`UPDATE sidecar SET read = 1, problem = '', next_attempt = NULL WHERE id = ?`, sidecar.ID); err != nil {
			return err
		}
		return w.setSidecarWords(sidecar, words)
	})
}

// SidecarFailed stores why a sidecar cannot be read; what it said before stands.
// It is tried again when it changes, or after the pause; 0: not by itself.
func (c *Catalogue) SidecarFailed(ctx context.Context, sidecar Sidecar, problem string, pause time.Duration) error {
	return c.sidecarTried(ctx, sidecar, func(w change) error {
		next := any(nil)
		if pause > 0 {
			next = time.Now().Add(pause).Unix()
		}
		_, err := w.exec(`UPDATE sidecar SET read = 1, problem = ?, next_attempt = ? WHERE id = ?`, problem, next, sidecar.ID)
		return err
	})
}

func (c *Catalogue) sidecarTried(ctx context.Context, sidecar Sidecar, store func(change) error) error {
	return c.update(ctx, func(w change) error {
		now, err := w.sidecars(`id = ?`, sidecar.ID)
		if err != nil || len(now) == 0 || now[0].Stat != sidecar.Stat {
			return err
		}
		return store(w)
	})
}

// RetrySidecars has those read again whose time has come.
func (c *Catalogue) RetrySidecars(ctx context.Context, now time.Time) error {
	const due = `next_attempt <= ?`
	var some bool
	err := c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sidecar WHERE `+due+`)`, now.Unix()).Scan(&some)
	})
	if err != nil || !some {
		return err
	}
	return c.update(ctx, func(w change) error {
		_, err := w.exec(`UPDATE sidecar SET read = 0, next_attempt = NULL WHERE `+due, now.Unix())
		return err
	})
}

// A SidecarProblem is a sidecar that cannot be read.
type SidecarProblem struct {
	Path        string // absolute
	Problem     string
	NextAttempt time.Time // zero: when it changes
}

// SidecarProblems counts the sidecars that cannot be read and lists the first of
// them by path.
func (c *Catalogue) SidecarProblems(ctx context.Context, limit int) (count int64, first []SidecarProblem, err error) {
	err = c.view(func(db *sql.DB) error {
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sidecar WHERE problem != ''`).Scan(&count); err != nil || count == 0 {
			return err
		}
		rows, err := db.QueryContext(ctx, `SELECT folder.path, sidecar.path, sidecar.problem, coalesce(sidecar.next_attempt, 0)
			FROM sidecar JOIN folder ON folder.id = sidecar.folder WHERE sidecar.problem != '' ORDER BY folder.path, sidecar.path LIMIT ?`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one SidecarProblem
			var folder, path []byte
			var next int64
			if err := rows.Scan(&folder, &path, &one.Problem, &next); err != nil {
				return err
			}
			one.Path, one.NextAttempt = filepath.Join(string(folder), string(path)), unixTime(next)
			first = append(first, one)
		}
		return rows.Err()
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read the sidecars' problems: %w", err)
	}
	return count, first, nil
}

// setSidecarWords replaces what the sidecar says of each file that it belongs to.
func (w change) setSidecarWords(sidecar Sidecar, words SidecarWords) error {
	files, err := w.filesOf(sidecar)
	if err != nil {
		return err
	}
	for _, table := range []string{"sidecar_tag", "sidecar_words"} {
		if _, err := w.exec(`DELETE FROM `+table+` WHERE sidecar = ?`, sidecar.ID); err != nil {
			return err
		}
	}
	for _, file := range files {
		if err := w.addSidecarWords(file.id, sidecar.ID, words); err != nil {
			return err
		}
		if file.photo == 0 {
			continue // nobody knows it yet
		}
		if err := w.touch(PhotoTagged, file.photo, ""); err != nil {
			return err
		}
	}
	return nil
}

func (w change) addSidecarWords(file, sidecar int64, words SidecarWords) error {
	for _, name := range composed(words.Keywords) {
		if _, err := w.exec(`INSERT OR IGNORE INTO sidecar_tag (file, sidecar, name) VALUES (?, ?, ?)`, file, sidecar, name); err != nil {
			return err
		}
	}
	if words.Title == "" && words.Description == "" && !words.Rated {
		return nil
	}
	rating := any(nil)
	if words.Rated {
		rating = words.Rating
	}
	_, err := w.exec(`INSERT INTO sidecar_words (file, sidecar, title, description, rating) VALUES (?, ?, ?, ?, ?)`,
		file, sidecar, words.Title, words.Description, rating)
	return err
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

// sidecarsOf marks the sidecars of a new file unread, so that it gets their words.
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
