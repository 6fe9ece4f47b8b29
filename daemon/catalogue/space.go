package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
)

// A Space is the store of the vectors that encoders of one space made. Its
// methods may be called by any number of goroutines.
type Space struct {
	catalogue *Catalogue
	id        int64
	name      string
	write     *sql.DB // one connection
	read      *sql.DB

	features  atomic.Pointer[featureStore] // nil: none, or not known yet
	gathering sync.Mutex
	learned   atomic.Pointer[[]string] // the learned tags by their number
}

var spaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Space opens or makes the store of a space. The catalogue owns it and gives
// the same one until it is closed or the space is removed.
func (c *Catalogue) Space(ctx context.Context, name string) (*Space, error) {
	if !spaceName.MatchString(name) {
		return nil, fmt.Errorf("the space name %q is not a plain file name", name)
	}
	c.opening.Lock()
	defer c.opening.Unlock()
	if s, ok := c.spaces[name]; ok {
		return s, nil
	}
	s, err := c.openSpace(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open the vectors of the space %q: %w", name, err)
	}
	c.spaces[name] = s
	return s, nil
}

func (c *Catalogue) openSpace(ctx context.Context, name string) (*Space, error) {
	s := &Space{catalogue: c, name: name}
	s.write, s.read = openPools(c.spacePath(name))
	if _, err := s.write.ExecContext(ctx, spaceSchema()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	known, features, err := s.register(ctx)
	if err == nil {
		err = s.match(ctx, known)
	}
	if err == nil {
		err = s.readNames(ctx)
	}
	if err == nil && features != "" {
		var store *featureStore
		store, err = c.featureStore(ctx, features)
		s.features.Store(store)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (c *Catalogue) spacePath(name string) string {
	return filepath.Join(c.folder, "spaces", name+".db")
}

// register takes the space's number and gives the number of batches of which the
// catalogue knows, and the feature space; none is known of a space that was never
// compared.
func (s *Space) register(ctx context.Context) (known sql.NullInt64, features string, err error) {
	err = s.catalogue.update(ctx, func(w change) error {
		if _, err := w.exec(`INSERT OR IGNORE INTO space (name) VALUES (?)`, s.name); err != nil {
			return err
		}
		return w.QueryRowContext(ctx, `SELECT id, stored, coalesce(features, '') FROM space WHERE name = ?`, s.name).Scan(&s.id, &known, &features)
	})
	return known, features, err
}

// match compares the catalogue with the space's file where it has to: after a
// migration, and where the file lacks batches that the catalogue knows of, since
// it was lost, is from a backup, or a power cut took its last commits only. What
// the file has beyond is found when its photos come up again (see lacking).
func (s *Space) match(ctx context.Context, known sql.NullInt64) error {
	var stored int64
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&stored); err != nil {
		return err
	}
	if known.Valid && known.Int64 <= stored {
		return nil
	}
	return s.reconcile(ctx, stored)
}

// reconcile makes the catalogue know of the vectors that are in the space's
// file, of so many batches, and of no others.
func (s *Space) reconcile(ctx context.Context, stored int64) error {
	return s.catalogue.updateBeside(ctx, s, func(w change) error {
		if _, err := w.exec(`DELETE FROM encoded WHERE space = ? AND NOT EXISTS (`+matching+` AND photo.id = encoded.photo)`, s.id); err != nil {
			return err
		}
		if _, err := w.exec(`INSERT OR IGNORE INTO encoded (space, photo) SELECT ?, photo.id FROM (`+matching+`) AS photo`, s.id); err != nil {
			return err
		}
		_, err := w.exec(`UPDATE space SET stored = ? WHERE id = ?`, stored, s.id)
		return err
	})
}

// matching selects the photos whose own vector is in an attached space; a
// condition on photo may follow.
const matching = `SELECT photo.id FROM beside.embedding JOIN photo ON photo.id = embedding.photo AND photo.digest = embedding.digest WHERE true`

// updateBeside is update with the space's file attached as "beside". A commit
// over two files is not atomic: write must write to one of them only.
func (c *Catalogue) updateBeside(ctx context.Context, s *Space, write func(change) error) error {
	return c.updateWith(ctx, "NORMAL", c.spacePath(s.name), write)
}

// Wait is Catalogue.Wait: every change may be one of the space's.
func (s *Space) Wait() <-chan struct{} { return s.catalogue.Wait() }

// Name is the space's name.
func (s *Space) Name() string { return s.name }

func (s *Space) close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Serve makes the space the one that Photo.Encoded and Count are about, now and
// after a restart, and keeps settings in the same commit. It is on the disk when
// it returns.
func (c *Catalogue) Serve(ctx context.Context, s *Space, settings ...Setting) error {
	err := c.updateDurably(ctx, func(w change) error {
		if err := w.releaseRefused(s); err != nil {
			return err
		}
		if err := w.set("space", s.name); err != nil {
			return err
		}
		for _, setting := range settings {
			if err := w.set(setting.Name, setting.Value); err != nil {
				return err
			}
		}
		return w.setAsideRefused(s)
	})
	if err == nil {
		c.serving.Store(s)
	}
	return err
}

// releaseRefused takes files out of quarantine that were set aside once their
// photo was known, so by the encoder of the space that served: the one of another
// space may take them.
func (w change) releaseRefused(s *Space) error {
	const theirs = `state = 'quarantined' AND photo IS NOT NULL AND EXISTS (SELECT 1 FROM setting WHERE name = 'space' AND value != ?)`
	photos, err := queryIDs(w.ctx, w, `SELECT DISTINCT photo FROM file WHERE `+theirs, s.name)
	if err != nil {
		return err
	}
	for _, photo := range photos {
		if err := w.touch(FileFound, photo, ""); err != nil {
			return err
		}
	}
	_, err = w.exec(`UPDATE file SET state = 'present', reason = '', attempts = 0, next_attempt = NULL WHERE `+theirs, s.name)
	return err
}

// setAsideRefused puts the files of refused photos into quarantine, as if the
// space had served when its encoder refused them.
func (w change) setAsideRefused(s *Space) error {
	files, err := w.exec(`UPDATE file SET state = 'quarantined', reason = (SELECT reason FROM refused WHERE space = ?1 AND photo = file.photo),
			attempts = max(attempts, 1), last_attempt = unixepoch()
		WHERE state = 'present' AND photo IN (SELECT photo FROM refused WHERE space = ?1)`, s.id)
	if err != nil || files == 0 {
		return err
	}
	number, err := w.event(FileQuarantined, 0, "")
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE photo SET change = ? WHERE id IN (SELECT photo FROM refused WHERE space = ?)`, number, s.id)
	return err
}

// Serving gives the space of Serve; nil before the first.
func (c *Catalogue) Serving() *Space { return c.serving.Load() }

// servingID is 0, which no space has, before the first Serve.
func (c *Catalogue) servingID() int64 {
	if s := c.serving.Load(); s != nil {
		return s.id
	}
	return 0
}

// serveAgain serves the space of the last Serve.
func (c *Catalogue) serveAgain(ctx context.Context) error {
	name, err := c.Setting(ctx, "space")
	if err != nil || name == "" {
		return err
	}
	s, err := c.Space(ctx, name)
	c.serving.Store(s)
	return err
}

// Spaces gives the names of all spaces that hold vectors, in the order in which
// they were made.
func (c *Catalogue) Spaces(ctx context.Context) (names []string, err error) {
	err = c.view(func(db *sql.DB) error {
		names, err = queryColumn[string](ctx, db, "the spaces", `SELECT name FROM space ORDER BY id`)
		return err
	})
	return names, err
}

// RemoveSpace deletes a space with its vectors; the caller no longer uses it.
// Features go with the last space of their feature space.
// The one that serves is refused. The file goes first: after a kill there is a
// space without vectors, which can be removed, and no file that nobody knows of.
func (c *Catalogue) RemoveSpace(ctx context.Context, name string) error {
	s, err := c.Space(ctx, name)
	if err != nil {
		return err
	}
	if s == c.Serving() {
		return fmt.Errorf("the space %q serves: another encoder must take its place first", name)
	}
	if err := c.removeFile(s); err != nil {
		return fmt.Errorf("remove the vectors of the space %q: %w", name, err)
	}
	c.telling.Lock()
	defer c.telling.Unlock()
	err = c.update(ctx, func(w change) error {
		for _, statement := range []string{`DELETE FROM encoded WHERE space = ?`, `DELETE FROM space WHERE id = ?`} {
			if _, err := w.exec(statement, s.id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.dropUnusedFeatures(ctx)
}

func (c *Catalogue) removeFile(s *Space) error {
	c.opening.Lock()
	defer c.opening.Unlock()
	delete(c.spaces, s.name)
	return errors.Join(s.close(), removeDatabase(c.spacePath(s.name)))
}

func removeDatabase(path string) (err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if failed := os.Remove(path + suffix); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
