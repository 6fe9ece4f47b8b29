package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// A featureStore keeps what the encoders of one feature space made of photos, apart
// from the vectors: those of several spaces are made from it.
type featureStore struct {
	name  string
	write *sql.DB // one connection
	read  *sql.DB
}

// A feature is that of a photo, of this content.
type feature struct {
	photo  int64
	digest []byte
	value  []byte
}

func (c *Catalogue) featuresPath(name string) string {
	return filepath.Join(c.folder, "features", name+".db")
}

// featureStore opens or makes the store of a feature space; opening is held.
func (c *Catalogue) featureStore(ctx context.Context, name string) (*featureStore, error) {
	if f, ok := c.features[name]; ok {
		return f, nil
	}
	if !spaceName.MatchString(name) {
		return nil, fmt.Errorf("the feature space %q is not a plain file name", name)
	}
	path := c.featuresPath(name)
	if err := makeFeatures(ctx, path); err != nil {
		return nil, fmt.Errorf("open the features of %q: %w", name, err)
	}
	f := &featureStore{name: name}
	f.write, f.read = openPools(path)
	c.features[name] = f
	return f, nil
}

// makeFeatures makes the file where there is none: the size of its pages can be
// chosen only before it has a write-ahead log.
func makeFeatures(ctx context.Context, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	statements, err := schemas.ReadFile("schema/features.sql")
	if err != nil {
		panic(err) // it is part of the program
	}
	name := (&url.URL{Scheme: "file", Path: path}).String() + "?mode=rwc&_busy_timeout=10000"
	db := sql.OpenDB(connector{name: name, driver: &sqlite3.SQLiteDriver{}})
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, string(statements))
	return err
}

func (f *featureStore) close() error { return errors.Join(f.read.Close(), f.write.Close()) }

// keep writes features in place of what it has. Those that are moved are on the disk
// when it returns.
func (f *featureStore) keep(ctx context.Context, features []feature, moved bool) error {
	synchronous, verb := "NORMAL", "INSERT OR REPLACE"
	if moved {
		synchronous, verb = "FULL", "INSERT OR IGNORE" // what it has is newer
	}
	connection, err := f.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close() // gives it back to the pool
	if _, err := connection.ExecContext(ctx, "PRAGMA synchronous = "+synchronous); err != nil {
		return err
	}
	tx, err := connection.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, one := range features {
		if _, err := tx.ExecContext(ctx, verb+` INTO feature (photo, digest, feature) VALUES (?, ?, ?)`, one.photo, one.digest, one.value); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// A Description is what a space's encoders say of what is kept for them.
type Description struct {
	FeatureSpace string   // "": they have no features
	LearnedTags  []string // none: they have not learned any
}

// Describe notes what the space's encoders say of themselves; it is asked for
// whenever one has started. Features of other spaces of the same feature space can
// then be used for this one.
func (s *Space) Describe(ctx context.Context, about Description) error {
	if err := s.nameTags(ctx, about.LearnedTags); err != nil {
		return fmt.Errorf("write the learned tags of the space %q: %w", s.name, err)
	}
	s.catalogue.telling.Lock()
	defer s.catalogue.telling.Unlock()
	if err := s.useFeatures(ctx, about.FeatureSpace); err != nil {
		return err
	}
	err := s.catalogue.update(ctx, func(w change) error {
		_, err := w.exec(`UPDATE space SET features = ?1 WHERE id = ?2 AND features IS NOT ?1`, about.FeatureSpace, s.id)
		return err
	})
	if err != nil {
		return err
	}
	return s.catalogue.dropUnusedFeatures(ctx)
}

// useFeatures opens the store of a feature space for the space; "" is none.
func (s *Space) useFeatures(ctx context.Context, name string) error {
	if name == "" {
		s.features.Store(nil)
		return nil
	}
	s.catalogue.opening.Lock()
	defer s.catalogue.opening.Unlock()
	f, err := s.catalogue.featureStore(ctx, name)
	if err == nil {
		s.features.Store(f)
	}
	return err
}

// dropUnusedFeatures deletes the stores of feature spaces that no space is of. While
// there is a space of which that is not known, all are kept. telling is held.
func (c *Catalogue) dropUnusedFeatures(ctx context.Context) error {
	used, err := queryColumn[sql.NullString](ctx, c.read, "the spaces", `SELECT features FROM space`)
	if err != nil || slices.Contains(used, sql.NullString{}) {
		return err
	}
	stored, err := c.storedFeatures()
	for _, name := range stored {
		if err == nil && !slices.Contains(used, sql.NullString{String: name, Valid: true}) {
			err = c.removeFeatures(name)
		}
	}
	return err
}

// storedFeatures gives the feature spaces that have a file.
func (c *Catalogue) storedFeatures() (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(c.folder, "features"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the stored features: %w", err)
	}
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".db"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func (c *Catalogue) removeFeatures(name string) (err error) {
	c.opening.Lock()
	defer c.opening.Unlock()
	if f, ok := c.features[name]; ok {
		delete(c.features, name)
		err = f.close()
	}
	if err = errors.Join(err, removeDatabase(c.featuresPath(name))); err != nil {
		return fmt.Errorf("remove the features of %q: %w", name, err)
	}
	return nil
}

// movedMark is the application's number in the file of a space that keeps no
// features beside its vectors any more.
const movedMark = 1

// moveBatch is how many features are moved at a time: each batch waits for the disk.
const moveBatch = 1000

// Gather moves features that an older vsed kept beside the vectors into the store of
// the feature space. It takes seconds for 100,000 photos, once, while all else goes
// on; a kill in between costs nothing, the next call goes on from there. After a
// *KeepsSizeError all are moved.
func (s *Space) Gather(ctx context.Context) error {
	into := s.features.Load()
	if into == nil {
		return nil
	}
	s.gathering.Lock()
	defer s.gathering.Unlock()
	var beside bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pragma_table_info('embedding') WHERE name = 'feature')
		AND (SELECT application_id FROM pragma_application_id) != ?`, movedMark).Scan(&beside)
	if err != nil || !beside {
		return err
	}
	var after int64
	for moved := moveBatch; moved == moveBatch; {
		if after, moved, err = s.move(ctx, into, after); err != nil {
			return fmt.Errorf("move features out of the space %q: %w", s.name, err)
		}
	}
	if _, err := s.write.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", movedMark)); err != nil {
		return err
	}
	if _, err := s.write.ExecContext(ctx, "VACUUM"); err != nil && ctx.Err() == nil {
		return &KeepsSizeError{s.catalogue.spacePath(s.name), err}
	}
	return ctx.Err()
}

// A KeepsSizeError says that a file has room in it which could not be given back to
// the disk: new vectors will take it.
type KeepsSizeError struct {
	Path string
	Err  error
}

func (e *KeepsSizeError) Error() string {
	return fmt.Sprintf("%s keeps its size, though half of it is free: %v", e.Path, e.Err)
}

func (e *KeepsSizeError) Unwrap() error { return e.Err }

// move moves a batch of features of the photos after one.
func (s *Space) move(ctx context.Context, into *featureStore, after int64) (last int64, moved int, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT photo, digest, feature FROM embedding WHERE photo > ? AND feature IS NOT NULL ORDER BY photo LIMIT ?`, after, moveBatch)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	var batch []feature
	for rows.Next() {
		var one feature
		if err := rows.Scan(&one.photo, &one.digest, &one.value); err != nil {
			return 0, 0, err
		}
		batch, last = append(batch, one), one.photo
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(batch) == 0 {
		return last, 0, err
	}
	if err := into.keep(ctx, batch, true); err != nil {
		return 0, 0, err
	}
	_, err = s.write.ExecContext(ctx, `UPDATE embedding SET feature = NULL WHERE photo > ? AND photo <= ?`, after, last)
	return last, len(batch), err
}

// A Stored feature is what a vector can be made from without the photo.
type Stored struct {
	Photo   int64
	Feature []byte

	digest []byte
}

// Projectable gives, in the order of ids, photos without a vector in the space that
// have a stored feature of its feature space, whether their folder is there or not:
// those after an id among the next limit photos without a vector. last is the last
// that was looked at; 0: there are no more.
func (s *Space) Projectable(ctx context.Context, after int64, limit int) (photos []Stored, last int64, err error) {
	from := s.features.Load()
	if from == nil {
		return nil, 0, nil
	}
	lacking, err := s.unencoded(ctx, after, limit)
	if err != nil || len(lacking) == 0 {
		return nil, 0, err
	}
	photos, err = from.fill(ctx, lacking)
	return photos, lacking[len(lacking)-1].Photo, err
}

// unencoded gives photos of present files without a vector.
func (s *Space) unencoded(ctx context.Context, after int64, limit int) (photos []Stored, err error) {
	rows, err := s.catalogue.read.QueryContext(ctx, `SELECT id, digest FROM photo WHERE id > ? AND size > 0
			AND NOT EXISTS (SELECT 1 FROM encoded WHERE space = ? AND photo = photo.id)
			AND EXISTS (SELECT 1 FROM file WHERE photo = photo.id AND state = 'present')
		ORDER BY id LIMIT ?`, after, s.id, limit)
	if err != nil {
		return nil, fmt.Errorf("read photos without a vector: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Stored
		if err := rows.Scan(&one.Photo, &one.digest); err != nil {
			return nil, err
		}
		photos = append(photos, one)
	}
	return photos, rows.Err()
}

// fill gives those of the photos that have a feature, with it.
func (f *featureStore) fill(ctx context.Context, photos []Stored) (filled []Stored, err error) {
	read, err := f.read.PrepareContext(ctx, `SELECT feature FROM feature WHERE photo = ? AND digest = ?`)
	if err != nil {
		return nil, fmt.Errorf("read features: %w", err)
	}
	defer read.Close()
	for _, one := range photos {
		err := read.QueryRowContext(ctx, one.Photo, one.digest).Scan(&one.Feature)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the feature of photo %d: %w", one.Photo, err)
		}
		filled = append(filled, one)
	}
	return filled, nil
}

// CountFeatures counts the photos of which a feature space has features; none where
// it was never used.
func (c *Catalogue) CountFeatures(ctx context.Context, name string) (photos int64, err error) {
	if stored, err := c.storedFeatures(); err != nil || !slices.Contains(stored, name) {
		return 0, err
	}
	c.opening.Lock()
	f, err := c.featureStore(ctx, name)
	c.opening.Unlock()
	if err == nil {
		err = f.read.QueryRowContext(ctx, `SELECT count(*) FROM feature INDEXED BY feature_digest`).Scan(&photos)
	}
	return photos, err
}
