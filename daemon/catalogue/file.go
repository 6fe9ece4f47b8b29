package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// A Stat is what a directory says of a file; a file is read again only when
// its Stat changed.
type Stat struct {
	Device, Inode               uint64
	Size                        int64
	ModifiedNanos, ChangedNanos int64
}

// An Observation is a file that a scan or the watcher saw.
type Observation struct {
	Path string // below the folder, raw bytes
	Stat Stat
	Rule string // the rule that ignores it, or ""
}

// A Scan compares a whole walk over one folder with the catalogue. It has one
// owner.
type Scan struct {
	catalogue *Catalogue
	folder    int64
	seen      map[int64]struct{}
}

// BeginScan starts a comparison with the folder of this id.
func (c *Catalogue) BeginScan(folder int64) *Scan {
	return &Scan{catalogue: c, folder: folder, seen: make(map[int64]struct{})}
}

// Observe notes files that were seen, in one transaction. Unchanged files cost
// no write.
func (s *Scan) Observe(ctx context.Context, observations []Observation) error {
	return s.catalogue.observe(ctx, s.folder, observations, func(id int64) { s.seen[id] = struct{}{} })
}

// Finish declares files missing that the walk, which must have been whole, did
// not see.
func (s *Scan) Finish(ctx context.Context) error {
	gone, err := s.unseen(ctx)
	if err != nil {
		return err
	}
	return s.catalogue.update(ctx, func(w change) error {
		for _, file := range gone {
			if err := w.missing(file); err != nil {
				return err
			}
		}
		_, err := w.exec(`UPDATE folder SET last_scan = ? WHERE id = ?`, time.Now().Unix(), s.folder)
		return err
	})
}

func (s *Scan) unseen(ctx context.Context) (gone []knownFile, err error) {
	err = s.catalogue.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, knownFileQuery+`WHERE file.folder = ? AND file.state != 'missing'`, s.folder)
		if err != nil {
			return fmt.Errorf("read the files of a folder: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			file, err := scanKnownFile(rows)
			if err != nil {
				return err
			}
			if _, ok := s.seen[file.id]; !ok {
				gone = append(gone, file)
			}
		}
		return rows.Err()
	})
	return gone, err
}

// Observe notes single files that the watcher saw, outside of a scan.
func (c *Catalogue) Observe(ctx context.Context, folder int64, observations []Observation) error {
	return c.observe(ctx, folder, observations, func(int64) {})
}

// Vanished notes that nothing is at these paths any more, neither a file nor,
// where it was a directory, anything below it.
func (c *Catalogue) Vanished(ctx context.Context, folder int64, paths []string) error {
	return c.update(ctx, func(w change) error {
		for _, path := range paths {
			// Everything below a directory lies between "path/" and "path0", the next byte.
			files, err := w.knownFiles(`WHERE file.folder = ? AND file.state != 'missing' AND (file.path = ? OR (file.path > ? AND file.path < ?))`,
				folder, []byte(path), []byte(path+"/"), []byte(path+"0"))
			if err != nil {
				return err
			}
			for _, file := range files {
				if err := w.missing(file); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// knownFile is a row of file with the absolute path.
type knownFile struct {
	id    int64
	path  string
	stat  Stat
	state string
	rule  string
	photo int64 // 0: not decoded
}

const knownFileQuery = `SELECT file.id, folder.path, file.path, file.device, file.inode, file.size, file.modified, file.changed,
	file.state, file.reason, coalesce(file.photo, 0) FROM file JOIN folder ON folder.id = file.folder `

func scanKnownFile(rows interface{ Scan(...any) error }) (file knownFile, err error) {
	var folder, path []byte
	var device, inode int64
	err = rows.Scan(&file.id, &folder, &path, &device, &inode, &file.stat.Size, &file.stat.ModifiedNanos, &file.stat.ChangedNanos,
		&file.state, &file.rule, &file.photo)
	file.stat.Device, file.stat.Inode = uint64(device), uint64(inode)
	file.path = filepath.Join(string(folder), string(path))
	return file, err
}

func (w change) knownFiles(condition string, arguments ...any) (files []knownFile, err error) {
	rows, err := w.QueryContext(w.ctx, knownFileQuery+condition, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		file, err := scanKnownFile(rows)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, rows.Err()
}

func (w change) missing(file knownFile) error {
	if _, err := w.exec(`UPDATE file SET state = 'missing', reason = '', attempts = 0 WHERE id = ?`, file.id); err != nil || file.state == "ignored" {
		return err
	}
	return w.touch(FileMissing, file.photo, file.path)
}

// observe compares with what is known before it writes, so that an unchanged
// tree is read without a transaction.
func (c *Catalogue) observe(ctx context.Context, folder int64, observations []Observation, seen func(id int64)) error {
	fresh, err := c.fresh(ctx, folder, observations, seen)
	if err != nil || len(fresh) == 0 {
		return err
	}
	return c.update(ctx, func(w change) error {
		var root []byte
		err := w.QueryRowContext(ctx, `SELECT path FROM folder WHERE id = ?`, folder).Scan(&root)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // the folder was removed meanwhile
		}
		if err != nil {
			return err
		}
		for _, observation := range fresh {
			id, err := w.observeOne(folder, string(root), observation)
			if err != nil {
				return err
			}
			seen(id)
		}
		return nil
	})
}

// fresh gives the observations that tell something new.
func (c *Catalogue) fresh(ctx context.Context, folder int64, observations []Observation, seen func(id int64)) (fresh []Observation, err error) {
	err = c.view(func(db *sql.DB) error {
		known, err := db.PrepareContext(ctx, knownFileQuery+`WHERE file.folder = ? AND file.path = ?`)
		if err != nil {
			return fmt.Errorf("read files: %w", err)
		}
		defer known.Close()
		for _, observation := range observations {
			file, err := scanKnownFile(known.QueryRowContext(ctx, folder, []byte(observation.Path)))
			switch {
			case errors.Is(err, sql.ErrNoRows):
				fresh = append(fresh, observation)
			case err != nil:
				return fmt.Errorf("read a file: %w", err)
			case file.tells(observation):
				seen(file.id)
			default:
				fresh = append(fresh, observation)
			}
		}
		return nil
	})
	return fresh, err
}

// tells reports whether the row says all that the observation says.
func (file knownFile) tells(observation Observation) bool {
	if observation.Rule != "" {
		return file.state == "ignored" && file.rule == observation.Rule
	}
	return file.state != "missing" && file.state != "ignored" && file.stat == observation.Stat
}

func (w change) observeOne(folder int64, root string, observation Observation) (id int64, err error) {
	before, err := w.knownFiles(`WHERE file.folder = ? AND file.path = ?`, folder, []byte(observation.Path))
	if err != nil {
		return 0, err
	}
	photo, state := int64(0), "present"
	if observation.Rule != "" {
		state = "ignored"
	} else if photo, err = w.sameContent(observation.Stat); err != nil {
		return 0, err
	}
	stat := observation.Stat
	err = w.QueryRowContext(w.ctx, `INSERT INTO file (folder, path, device, inode, size, modified, changed, state, reason, photo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))
		ON CONFLICT (folder, path) DO UPDATE SET device = excluded.device, inode = excluded.inode, size = excluded.size, modified = excluded.modified,
			changed = excluded.changed, state = excluded.state, reason = excluded.reason, photo = excluded.photo, attempts = 0
		RETURNING id`,
		folder, []byte(observation.Path), int64(stat.Device), int64(stat.Inode), stat.Size, stat.ModifiedNanos, stat.ChangedNanos,
		state, observation.Rule, photo).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("write a file: %w", err)
	}
	return id, w.touchObserved(filepath.Join(root, observation.Path), photo, before, observation.Rule != "")
}

// touchObserved tells the indexes of the photo that is at path now and of the
// one that was.
func (w change) touchObserved(path string, photo int64, before []knownFile, ignored bool) error {
	for _, file := range before {
		if file.photo != 0 && file.photo != photo {
			if err := w.touch(FileMissing, file.photo, path); err != nil {
				return err
			}
		}
	}
	if ignored {
		return nil
	}
	return w.touch(FileFound, photo, path)
}

// sameContent finds the photo of a file that was renamed, moved, linked or
// is back: same inode, size and time of modification.
func (w change) sameContent(stat Stat) (photo int64, err error) {
	err = w.QueryRowContext(w.ctx, `SELECT photo FROM file WHERE inode = ? AND device = ? AND size = ? AND modified = ? AND photo IS NOT NULL LIMIT 1`,
		int64(stat.Inode), int64(stat.Device), stat.Size, stat.ModifiedNanos).Scan(&photo)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return photo, err
}

// A WaitingFile is a file whose photo has no vector in the space in use.
type WaitingFile struct {
	ID       int64
	FolderID int64
	Folder   string // absolute
	Path     string // below the folder
	Attempts int    // times that a plugin failed on it
}

// Undecoded gives files not decoded yet, in order of id after a cursor.
func (c *Catalogue) Undecoded(ctx context.Context, after int64, limit int) ([]WaitingFile, error) {
	return c.waiting(ctx, `file.state = 'present' AND file.photo IS NULL`, after, limit)
}

// Unencoded gives one file for each decoded photo without a vector in the
// space in use, in order of id after a cursor. It reads every file: ask it
// when the space changes and after a start, not for each new file.
func (c *Catalogue) Unencoded(ctx context.Context, after int64, limit int) ([]WaitingFile, error) {
	return c.waiting(ctx, `file.state = 'present' AND file.photo NOT IN (SELECT photo FROM space.embedding)
		AND NOT EXISTS (SELECT 1 FROM file AS earlier JOIN folder AS root ON root.id = earlier.folder
			WHERE earlier.photo = file.photo AND earlier.id < file.id AND earlier.state = 'present' AND NOT root.offline)`, after, limit)
}

func (c *Catalogue) waiting(ctx context.Context, condition string, after int64, limit int) (files []WaitingFile, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT file.id, folder.id, folder.path, file.path, file.attempts FROM file JOIN folder ON folder.id = file.folder
			WHERE `+condition+` AND NOT folder.offline AND file.id > ? ORDER BY file.id LIMIT ?`, after, limit)
		if err != nil {
			return fmt.Errorf("read waiting files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var file WaitingFile
			var folder, path []byte
			if err := rows.Scan(&file.ID, &file.FolderID, &folder, &path, &file.Attempts); err != nil {
				return err
			}
			file.Folder, file.Path = string(folder), string(path)
			files = append(files, file)
		}
		return rows.Err()
	})
	return files, err
}

// Failed counts one more failure of a plugin on the file and gives the sum.
func (c *Catalogue) Failed(ctx context.Context, id int64) (attempts int, err error) {
	err = c.update(ctx, func(w change) error {
		err := w.QueryRowContext(ctx, `UPDATE file SET attempts = attempts + 1 WHERE id = ? RETURNING attempts`, id).Scan(&attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // its folder was removed meanwhile
		}
		return err
	})
	return attempts, err
}

// Quarantine sets a file aside with its reason until its stat changes.
func (c *Catalogue) Quarantine(ctx context.Context, id int64, reason string) error {
	return c.update(ctx, func(w change) error {
		files, err := w.knownFiles(`WHERE file.id = ? AND file.state = 'present'`, id)
		if err != nil || len(files) == 0 {
			return err
		}
		if _, err := w.exec(`UPDATE file SET state = 'quarantined', reason = ?, attempts = attempts + 1 WHERE id = ?`, reason, id); err != nil {
			return err
		}
		return w.touch(FileQuarantined, files[0].photo, files[0].path)
	})
}

// A QuarantinedFile is a file that was set aside.
type QuarantinedFile struct {
	Path     string // absolute
	Reason   string
	Attempts int64
}

// Quarantined lists files set aside, the newest first.
func (c *Catalogue) Quarantined(ctx context.Context, limit int) (files []QuarantinedFile, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT folder.path, file.path, file.reason, file.attempts FROM file JOIN folder ON folder.id = file.folder
			WHERE file.state = 'quarantined' ORDER BY file.id DESC LIMIT ?`, limit)
		if err != nil {
			return fmt.Errorf("read quarantined files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var file QuarantinedFile
			var folder, path []byte
			if err := rows.Scan(&folder, &path, &file.Reason, &file.Attempts); err != nil {
				return err
			}
			file.Path = filepath.Join(string(folder), string(path))
			files = append(files, file)
		}
		return rows.Err()
	})
	return files, err
}
