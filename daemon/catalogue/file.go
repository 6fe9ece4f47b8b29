package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"math"
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
			here := []any{folder, []byte(path), []byte(path + "/"), []byte(path + "0")}
			files, err := w.knownFiles(presentHere, here...)
			if err != nil {
				return err
			}
			for _, file := range files {
				if err := w.missing(file); err != nil {
					return err
				}
			}
			if err := w.dropSidecars(sidecarsHere, here...); err != nil {
				return err
			}
		}
		return nil
	})
}

// What is at a path or below it. With OR in place of UNION ALL, SQLite would read
// all names of the folder.
const (
	presentHere = `WHERE file.state != 'missing' AND file.id IN (SELECT id FROM file WHERE folder = ?1 AND path = ?2
		UNION ALL SELECT id FROM file WHERE folder = ?1 AND path > ?3 AND path < ?4)`
	sidecarsHere = `folder = ?1 AND path = ?2 UNION ALL SELECT id FROM sidecar WHERE folder = ?1 AND path > ?3 AND path < ?4`
)

// OnOtherDevice reports whether anything that is known at the path, or below it,
// lay on another device than that of this number.
func (c *Catalogue) OnOtherDevice(ctx context.Context, folder int64, path string, device uint64) (other bool, err error) {
	const here = `WHERE folder = ?1 AND device != ?2 AND (path = ?3 OR (path > ?4 AND path < ?5))`
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM file `+here+` AND state != 'missing') OR EXISTS (SELECT 1 FROM sidecar `+here+`)`,
			folder, int64(device), []byte(path), []byte(path+"/"), []byte(path+"0")).Scan(&other)
	})
	return other, err
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
	_, err := w.exec(`UPDATE file SET state = 'missing', reason = '', attempts = 0, next_attempt = NULL, missing_since = max(?, `+latest+`) WHERE id = ?`,
		time.Now().Unix(), file.id)
	if err != nil || file.state == "ignored" {
		return err
	}
	return w.touch(FileMissing, file.photo, file.path)
}

// A WaitingFile is a file to be decoded.
type WaitingFile struct {
	ID       int64
	FolderID int64
	Folder   string // absolute
	Path     string // below the folder
	Stat     Stat   // as last observed
	Known    bool   // a photo of this very size is known: the digest may be all it takes
	Photo    int64  // what it holds; 0 where it was not decoded yet
	Taken    string // the photo's time; "" where unknown
}

// Undecoded gives files not decoded yet, in order of folder and id, after the one
// given; nil begins.
func (c *Catalogue) Undecoded(ctx context.Context, after *WaitingFile, limit int) ([]WaitingFile, error) {
	if after == nil {
		after = &WaitingFile{}
	}
	return c.waiting(ctx, undecoded, after.FolderID, after.ID, limit)
}

// CROSS JOIN has SQLite go from folder to folder, by an index in each.
const undecoded = `FROM folder CROSS JOIN file ON file.folder = folder.id LEFT JOIN photo ON photo.id = file.photo
	WHERE NOT folder.offline AND folder.id >= ?1 AND file.state = 'present' AND file.photo IS NULL AND file.id > iif(folder.id = ?1, ?2, 0)
	ORDER BY folder.id, file.id LIMIT ?3`

// Unencoded gives one file for each decoded photo without a vector in the
// space, unless it was refused there, or without the metadata of schema 2: those
// taken last first, after the one given; nil begins. It reads every photo: ask
// it after a start, for another space or when a folder is back.
func (s *Space) Unencoded(ctx context.Context, after *WaitingFile, limit int) ([]WaitingFile, error) {
	if after == nil {
		after = &WaitingFile{Photo: math.MaxInt64, Taken: "\uffff"}
	}
	return s.catalogue.waiting(ctx, `FROM photo JOIN file ON file.id = (SELECT min(readable.id) FROM file AS readable JOIN folder AS root ON root.id = readable.folder
			WHERE readable.photo = photo.id AND readable.state = 'present' AND NOT root.offline) JOIN folder ON folder.id = file.folder
		WHERE (photo.taken, photo.id) < (?1, ?2) AND (photo.size = 0 OR NOT EXISTS (SELECT 1 FROM encoded WHERE space = ?3 AND photo = photo.id))
			AND NOT EXISTS (SELECT 1 FROM refused WHERE space = ?3 AND photo = photo.id)
		ORDER BY photo.taken DESC, photo.id DESC LIMIT ?4`, after.Taken, after.Photo, s.id, limit)
}

const waitingQuery = `SELECT file.id, folder.id, folder.path, file.path, file.device, file.inode, file.size, file.modified, file.changed,
	EXISTS (SELECT 1 FROM photo WHERE photo.size = file.size), coalesce(photo.id, 0), coalesce(photo.taken, '') `

func (c *Catalogue) waiting(ctx context.Context, from string, arguments ...any) (files []WaitingFile, err error) {
	err = c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, waitingQuery+from, arguments...)
		if err != nil {
			return fmt.Errorf("read waiting files: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var file WaitingFile
			var folder, path []byte
			var device, inode int64
			if err := rows.Scan(&file.ID, &file.FolderID, &folder, &path, &device, &inode,
				&file.Stat.Size, &file.Stat.ModifiedNanos, &file.Stat.ChangedNanos, &file.Known, &file.Photo, &file.Taken); err != nil {
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
