package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Folder is a watched root.
type Folder struct {
	ID       int64
	Path     string // absolute, raw bytes
	Offline  bool   // cannot be read at present; its files keep their state
	Problem  string // why it is offline, or what of it cannot be read
	LastScan time.Time

	Configured bool // named by the configuration
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
	rows, err := db.QueryContext(ctx, `SELECT id, path, offline, problem, last_scan, configured FROM folder ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("read folders: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var folder Folder
		var path []byte
		var lastScan int64
		if err := rows.Scan(&folder.ID, &path, &folder.Offline, &folder.Problem, &lastScan, &folder.Configured); err != nil {
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
	err = c.updateDurably(ctx, func(w change) error {
		folder, err = w.addFolder(filepath.Clean(path), false)
		return err
	})
	return folder, err
}

// ConfigureFolders makes the folders of the configuration those that are
// watched, beside the ones added by hand: new ones are added, and those that
// the configuration no longer names are removed. One that overlaps with another
// is left out and told.
func (c *Catalogue) ConfigureFolders(ctx context.Context, paths []string) (refused []error, err error) {
	err = c.updateDurably(ctx, func(w change) error {
		if err := w.removeUnnamed(paths); err != nil {
			return err
		}
		for _, path := range paths {
			_, err := w.addFolder(filepath.Clean(path), true)
			var nested *NestedError
			if errors.As(err, &nested) {
				refused = append(refused, err)
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return refused, err
}

func (w change) removeUnnamed(paths []string) error {
	folders, err := queryFolders(w.ctx, w)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		named := slices.ContainsFunc(paths, func(path string) bool { return filepath.Clean(path) == folder.Path })
		if folder.Configured && !named {
			if err := w.removeFolder(folder); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w change) addFolder(path string, configured bool) (Folder, error) {
	folders, err := queryFolders(w.ctx, w)
	if err != nil {
		return Folder{}, err
	}
	for _, known := range folders {
		if known.Path == path {
			return known, nil // one that was added by hand stays when the configuration drops it
		}
		if inside(path, known.Path) || inside(known.Path, path) {
			return Folder{}, &NestedError{Path: path, Watched: known.Path}
		}
	}
	if _, err := w.event(FolderAdded, 0, path); err != nil {
		return Folder{}, err
	}
	folder := Folder{Path: path, Configured: configured}
	err = w.QueryRowContext(w.ctx, `INSERT INTO folder (path, configured) VALUES (?, ?) RETURNING id`, []byte(path), configured).Scan(&folder.ID)
	return folder, err
}

func inside(path, root string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// RemoveFolder forgets the folder and its files. Photos keep their tags and
// vectors, so that adding the folder again costs no encoding, and those that the
// user tagged their last path.
func (c *Catalogue) RemoveFolder(ctx context.Context, path string) error {
	path = filepath.Clean(path)
	return c.updateDurably(ctx, func(w change) error {
		folders, err := queryFolders(ctx, w)
		if err != nil {
			return err
		}
		for _, folder := range folders {
			if folder.Path == path {
				return w.removeFolder(folder)
			}
		}
		return fmt.Errorf("folder %s: %w", path, ErrNotFound)
	})
}

func (w change) removeFolder(folder Folder) error {
	if err := w.touchFolder(FolderRemoved, folder.ID, folder.Path); err != nil {
		return err
	}
	if _, err := w.exec(`DELETE FROM setting WHERE name = ?`, identitySetting(folder.ID)); err != nil {
		return err
	}
	if err := w.keepLastPaths(folder); err != nil {
		return err
	}
	_, err := w.exec(`DELETE FROM folder WHERE id = ?`, folder.ID)
	return err
}

// keepLastPaths notes where the photos were that the user tagged: an export of
// the tags has nothing else that a person knows them by. Of several files it is
// the first that is there.
func (w change) keepLastPaths(folder Folder) error {
	_, err := w.exec(`INSERT OR REPLACE INTO last_path (photo, path) SELECT photo, CAST(? || path AS BLOB) FROM file
		WHERE folder = ? AND photo IN (SELECT photo FROM tag WHERE source = 'user') ORDER BY state = 'missing' DESC, path DESC`,
		[]byte(strings.TrimSuffix(folder.Path, "/")+"/"), folder.ID)
	return err
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
