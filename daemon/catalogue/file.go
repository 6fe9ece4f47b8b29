package catalogue

import (
	"context"
	"database/sql"
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
