package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// A Stat is what a directory says of a file; a file is read again only when
// its Stat changed.
type Stat struct {
	Device, Inode               uint64
	Size                        int64
	ModifiedNanos, ChangedNanos int64
}

// without is the stat less the device's number.
func (s Stat) without() Stat {
	s.Device = 0
	return s
}

// An Observation is a file that a scan or the watcher saw.
type Observation struct {
	Path    string // below the folder, raw bytes
	Stat    Stat
	Rule    string // the rule that ignores it, or ""
	Sidecar bool   // an XMP file, which is read for the photos beside it
}

// A Scan compares a whole walk over one folder with the catalogue. It has one
// owner.
type Scan struct {
	catalogue *Catalogue
	folder    int64
	seen      map[int64]struct{}
	sidecars  map[int64]struct{}
}

// BeginScan starts a comparison with the folder of this id.
func (c *Catalogue) BeginScan(folder int64) *Scan {
	return &Scan{catalogue: c, folder: folder, seen: make(map[int64]struct{}), sidecars: make(map[int64]struct{})}
}

// Observe notes files that were seen, in one transaction. Unchanged files cost
// no write.
func (s *Scan) Observe(ctx context.Context, observations []Observation) error {
	return s.catalogue.observe(ctx, s.folder, observations, s)
}

// Finish declares files missing that the walk did not see. Those below the
// unread paths, which the walk could not enter, stay as they are.
func (s *Scan) Finish(ctx context.Context, unreadPaths []string) error {
	unread := newPathSet(unreadPaths)
	gone, err := s.unseen(ctx, unread)
	if err != nil {
		return err
	}
	return s.catalogue.update(ctx, func(w change) error {
		for _, file := range gone {
			if err := w.missing(file); err != nil {
				return err
			}
		}
		if err := w.forgetSidecars(s.folder, s.sidecars, unread); err != nil {
			return err
		}
		_, err := w.exec(`UPDATE folder SET last_scan = ? WHERE id = ?`, time.Now().Unix(), s.folder)
		return err
	})
}

func (s *Scan) unseen(ctx context.Context, unread pathSet) (gone []knownFile, err error) {
	met := make(map[uint64]bool)
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
			if _, ok := s.seen[file.id]; ok {
				met[file.stat.Device] = true
			} else if !unread.below(file.relative) {
				gone = append(gone, file)
			}
		}
		return rows.Err()
	})
	// Where no file of a device was met, a disk that is mounted below the folder
	// is away, not each of its files.
	if len(met) > 0 {
		gone = slices.DeleteFunc(gone, func(file knownFile) bool { return !met[file.stat.Device] })
	}
	return gone, err
}

// A pathSet holds paths below a folder; "." is the folder itself.
type pathSet map[string]bool

func newPathSet(paths []string) pathSet {
	set := make(pathSet, len(paths))
	for _, path := range paths {
		set[path] = true
	}
	return set
}

// below reports whether the path or a folder above it is in the set.
func (s pathSet) below(path string) bool {
	for {
		if s[path] {
			return true
		}
		if path == "." || path == "/" {
			return false
		}
		path = filepath.Dir(path)
	}
}

// Observe notes single files that the watcher saw, outside of a scan.
func (c *Catalogue) Observe(ctx context.Context, folder int64, observations []Observation) error {
	return c.observe(ctx, folder, observations, nil)
}

// Vanished notes that nothing is at these paths any more, neither a file nor,
// where it was a directory, anything below it.
func (c *Catalogue) Vanished(ctx context.Context, folder int64, paths []string) error {
	return c.update(ctx, func(w change) error {
		for _, path := range paths {
			// Everything below a directory lies between "path/" and "path0", the next byte.
			const here = `folder = ? AND (path = ? OR (path > ? AND path < ?))`
			arguments := []any{folder, []byte(path), []byte(path + "/"), []byte(path + "0")}
			files, err := w.knownFiles(`WHERE file.state != 'missing' AND file.id IN (SELECT id FROM file WHERE `+here+`)`, arguments...)
			if err != nil {
				return err
			}
			for _, file := range files {
				if err := w.missing(file); err != nil {
					return err
				}
			}
			if err := w.dropSidecars(here, arguments...); err != nil {
				return err
			}
		}
		return nil
	})
}

// knownFile is a row of file with the absolute path.
type knownFile struct {
	id       int64
	folder   int64
	path     string // absolute
	relative string
	stat     Stat
	state    string
	rule     string
	photo    int64 // 0: not decoded
	previous int64 // what it held before it changed; 0: nothing known
}

const knownFileQuery = `SELECT file.id, folder.id, folder.path, file.path, file.device, file.inode, file.size, file.modified, file.changed,
	file.state, file.reason, coalesce(file.photo, 0), coalesce(file.previous, 0) FROM file JOIN folder ON folder.id = file.folder `

func scanKnownFile(rows interface{ Scan(...any) error }) (file knownFile, err error) {
	var folder, path []byte
	var device, inode int64
	err = rows.Scan(&file.id, &file.folder, &folder, &path, &device, &inode, &file.stat.Size, &file.stat.ModifiedNanos, &file.stat.ChangedNanos,
		&file.state, &file.rule, &file.photo, &file.previous)
	file.stat.Device, file.stat.Inode = uint64(device), uint64(inode)
	file.relative = string(path)
	file.path = filepath.Join(string(folder), file.relative)
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
	_, err := w.exec(`UPDATE file SET state = 'missing', reason = '', attempts = 0, next_attempt = NULL, missing_since = ? WHERE id = ?`,
		time.Now().Unix(), file.id)
	if err != nil || file.state == "ignored" {
		return err
	}
	return w.touch(FileMissing, file.photo, file.path)
}

// observe compares with what is known before it writes, so that an unchanged
// tree is read without a transaction. seen may be nil.
func (c *Catalogue) observe(ctx context.Context, folder int64, observations []Observation, seen *Scan) error {
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
			if err := w.observeOne(folder, string(root), observation, seen); err != nil {
				return err
			}
		}
		return nil
	})
}

// saw notes what the walk has passed.
func (s *Scan) saw(id int64, sidecar bool) {
	switch {
	case s == nil:
	case sidecar:
		s.sidecars[id] = struct{}{}
	default:
		s.seen[id] = struct{}{}
	}
}

// fresh gives the observations that tell something new.
func (c *Catalogue) fresh(ctx context.Context, folder int64, observations []Observation, seen *Scan) (fresh []Observation, err error) {
	err = c.view(func(db *sql.DB) error {
		known, err := db.PrepareContext(ctx, knownFileQuery+`WHERE file.folder = ? AND file.path = ?`)
		if err != nil {
			return fmt.Errorf("read files: %w", err)
		}
		defer known.Close()
		for _, observation := range observations {
			id, told, err := told(ctx, db, known, folder, observation)
			if err != nil {
				return err
			}
			if told {
				seen.saw(id, observation.Sidecar)
			} else {
				fresh = append(fresh, observation)
			}
		}
		return nil
	})
	return fresh, err
}

// told reports whether the catalogue says already what the observation says.
func told(ctx context.Context, db *sql.DB, known *sql.Stmt, folder int64, observation Observation) (id int64, told bool, err error) {
	if observation.Sidecar {
		return toldOfSidecar(ctx, db, folder, observation)
	}
	file, err := scanKnownFile(known.QueryRowContext(ctx, folder, []byte(observation.Path)))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read a file: %w", err)
	}
	return file.id, file.tells(observation), nil
}

// tells reports whether the row says all that the observation says.
func (file knownFile) tells(observation Observation) bool {
	if observation.Rule != "" {
		return file.state == "ignored" && file.rule == observation.Rule
	}
	return file.state != "missing" && file.state != "ignored" && file.stat == observation.Stat
}

func (w change) observeOne(folder int64, root string, observation Observation, seen *Scan) error {
	if observation.Sidecar {
		id, err := w.observeSidecar(folder, observation)
		seen.saw(id, true)
		return err
	}
	before, err := w.knownFiles(`WHERE file.folder = ? AND file.path = ?`, folder, []byte(observation.Path))
	if err != nil {
		return err
	}
	photo, state := int64(0), "present"
	if observation.Rule != "" {
		state = "ignored"
	} else if photo, err = w.sameFile(before, observation.Stat); err != nil {
		return err
	}
	stat := observation.Stat
	var id int64
	err = w.QueryRowContext(w.ctx, `INSERT INTO file (folder, path, device, inode, size, modified, changed, state, reason, photo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))
		ON CONFLICT (folder, path) DO UPDATE SET device = excluded.device, inode = excluded.inode, size = excluded.size, modified = excluded.modified,
			changed = excluded.changed, state = excluded.state, reason = excluded.reason, previous = coalesce(file.photo, file.previous),
			photo = excluded.photo, attempts = 0, next_attempt = NULL, missing_since = NULL
		RETURNING id`,
		folder, []byte(observation.Path), int64(stat.Device), int64(stat.Inode), stat.Size, stat.ModifiedNanos, stat.ChangedNanos,
		state, observation.Rule, photo).Scan(&id)
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	seen.saw(id, false)
	return w.touchObserved(filepath.Join(root, observation.Path), photo, before, observation.Rule != "")
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

// sameFile finds the photo of a file that has this very stat under another
// path, or had it before it went missing: what a moved folder leaves unchanged.
// A file that was itself renamed has another time of change; its content is
// read, and found known by its digest. A device may have another number after
// each mount.
func (w change) sameFile(before []knownFile, stat Stat) (photo int64, err error) {
	if len(before) == 1 && before[0].stat.without() == stat.without() && before[0].photo != 0 {
		return before[0].photo, nil
	}
	err = w.QueryRowContext(w.ctx, `SELECT photo FROM file WHERE inode = ? AND device = ? AND size = ? AND modified = ? AND changed = ? AND photo IS NOT NULL LIMIT 1`,
		int64(stat.Inode), int64(stat.Device), stat.Size, stat.ModifiedNanos, stat.ChangedNanos).Scan(&photo)
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
	Stat     Stat   // as last observed
	Known    bool   // a photo of this very size is known: the digest may be all it takes
}

// Undecoded gives files not decoded yet, in order of id after a cursor.
func (c *Catalogue) Undecoded(ctx context.Context, after int64, limit int) ([]WaitingFile, error) {
	return c.waiting(ctx, `file.state = 'present' AND file.photo IS NULL`, after, limit)
}

// Unencoded gives one file for each decoded photo without a vector in the
// space in use, in order of id after a cursor. It reads every file: ask it
// after a start, when the space changes or a folder is back, not for each file.
func (c *Catalogue) Unencoded(ctx context.Context, after int64, limit int) ([]WaitingFile, error) {
	return c.waiting(ctx, `file.state = 'present' AND file.photo IS NOT NULL AND NOT EXISTS (`+encoded+` AND photo.id = file.photo)
		AND NOT EXISTS (SELECT 1 FROM file AS earlier JOIN folder AS root ON root.id = earlier.folder
			WHERE earlier.photo = file.photo AND earlier.id < file.id AND earlier.state = 'present' AND NOT root.offline)`, after, limit)
}

// encoded selects the photos with a vector; a condition on photo may follow.
const encoded = `SELECT 1 FROM photo JOIN space.embedding ON embedding.photo = photo.id AND embedding.digest = photo.digest WHERE true`

func (c *Catalogue) waiting(ctx context.Context, condition string, after int64, limit int) (files []WaitingFile, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT file.id, folder.id, folder.path, file.path,
			file.device, file.inode, file.size, file.modified, file.changed, EXISTS (SELECT 1 FROM photo WHERE photo.size = file.size)
			FROM file JOIN folder ON folder.id = file.folder
			WHERE `+condition+` AND NOT folder.offline AND file.id > ? ORDER BY file.id LIMIT ?`, after, limit)
		if err != nil {
			return fmt.Errorf("read waiting files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var file WaitingFile
			var folder, path []byte
			var device, inode int64
			if err := rows.Scan(&file.ID, &file.FolderID, &folder, &path, &device, &inode,
				&file.Stat.Size, &file.Stat.ModifiedNanos, &file.Stat.ChangedNanos, &file.Known); err != nil {
				return err
			}
			file.Stat.Device, file.Stat.Inode = uint64(device), uint64(inode)
			file.Folder, file.Path = string(folder), string(path)
			files = append(files, file)
		}
		return rows.Err()
	})
	return files, err
}
