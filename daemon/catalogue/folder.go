package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// A Folder is a watched root.
type Folder struct {
	ID       int64
	Path     string // absolute, raw bytes
	Offline  bool   // cannot be read at present; its files keep their state
	Problem  string // why it is offline
	LastScan time.Time
}

// A NestedError refuses a folder that overlaps with one that is watched.
type NestedError struct{ Path, Watched string }

func (e *NestedError) Error() string {
	return fmt.Sprintf("%s overlaps with %s, which is watched already: remove that one first", e.Path, e.Watched)
}

// Folders lists the watched folders by path.
func (c *Catalogue) Folders(ctx context.Context) (folders []Folder, err error) {
	err = c.view(func(db *sql.DB) error {
		folders, err = queryFolders(ctx, db)
		return err
	})
	return folders, err
}

type queryer interface {
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
}

func queryFolders(ctx context.Context, db queryer) (folders []Folder, err error) {
	rows, err := db.QueryContext(ctx, `SELECT id, path, offline, problem, last_scan FROM folder ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("read folders: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var folder Folder
		var path []byte
		var lastScan int64
		if err := rows.Scan(&folder.ID, &path, &folder.Offline, &folder.Problem, &lastScan); err != nil {
			return nil, err
		}
		folder.Path = string(path)
		if lastScan > 0 {
			folder.LastScan = time.Unix(lastScan, 0)
		}
		folders = append(folders, folder)
	}
	return folders, rows.Err()
}

// AddFolder watches the folder at an absolute path. One that is watched
// already is given back as it is.
func (c *Catalogue) AddFolder(ctx context.Context, path string) (folder Folder, err error) {
	path = filepath.Clean(path)
	err = c.updateDurably(ctx, func(w change) error {
		folders, err := queryFolders(ctx, w)
		if err != nil {
			return err
		}
		for _, known := range folders {
			if known.Path == path {
				folder = known
				return nil
			}
			if inside(path, known.Path) || inside(known.Path, path) {
				return &NestedError{Path: path, Watched: known.Path}
			}
		}
		folder = Folder{Path: path}
		if _, err := w.event(FolderAdded, 0, path); err != nil {
			return err
		}
		return w.QueryRowContext(ctx, `INSERT INTO folder (path) VALUES (?) RETURNING id`, []byte(path)).Scan(&folder.ID)
	})
	return folder, err
}

func inside(path, root string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// RemoveFolder forgets the folder and its files. Photos keep their tags and
// vectors, so that adding the folder again costs no encoding.
func (c *Catalogue) RemoveFolder(ctx context.Context, path string) error {
	path = filepath.Clean(path)
	return c.updateDurably(ctx, func(w change) error {
		var id int64
		err := w.QueryRowContext(ctx, `SELECT id FROM folder WHERE path = ?`, []byte(path)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("folder %s: %w", path, ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := w.touchFolder(FolderRemoved, id, path); err != nil {
			return err
		}
		_, err = w.exec(`DELETE FROM folder WHERE id = ?`, id)
		return err
	})
}

// SetFolderState notes whether the folder can be read; problem says why not.
func (c *Catalogue) SetFolderState(ctx context.Context, id int64, offline bool, problem string) error {
	return c.update(ctx, func(w change) error {
		var path []byte
		var was bool
		var wasProblem string
		err := w.QueryRowContext(ctx, `SELECT path, offline, problem FROM folder WHERE id = ?`, id).Scan(&path, &was, &wasProblem)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if was == offline && wasProblem == problem {
			return nil
		}
		if _, err := w.exec(`UPDATE folder SET offline = ?, problem = ? WHERE id = ?`, offline, problem, id); err != nil || was == offline {
			return err
		}
		kind := FolderOnline
		if offline {
			kind = FolderOffline
		}
		return w.touchFolder(kind, id, string(path))
	})
}

// touchFolder notes one event that concerns every photo of the folder.
func (w change) touchFolder(kind string, id int64, path string) error {
	number, err := w.event(kind, 0, path)
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE photo SET change = ? WHERE id IN (SELECT photo FROM file WHERE folder = ?)`, number, id)
	return err
}
