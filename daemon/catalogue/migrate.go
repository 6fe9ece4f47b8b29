package catalogue

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// schemas holds N.sql, which takes a catalogue from schema N-1 to N; an empty
// file is schema 0. A file that was in a release never changes again.
//
//go:embed schema/*.sql
var schemas embed.FS

// step gives the statements towards a schema, or fs.ErrNotExist.
func step(version int) (string, error) {
	text, err := schemas.ReadFile(fmt.Sprintf("schema/%d.sql", version))
	return string(text), err
}

func spaceSchema() string {
	text, err := schemas.ReadFile("schema/space.sql")
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// newestSchema is the one that this vsed writes.
func newestSchema() int {
	version := 0
	for {
		if _, err := step(version + 1); err != nil {
			return version
		}
		version++
	}
}

// migrate takes the catalogue at path to the newest schema, one step a
// transaction, and keeps a copy of what it found, unless that is nothing. A
// catalogue that is damaged or newer is named and left as it is.
func migrate(ctx context.Context, path string) (err error) {
	db := openDatabase(path, "_txlock=immediate")
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	version, err := schemaOf(ctx, db, path)
	if err != nil {
		return err
	}
	if version > 0 && version < newestSchema() {
		if err := keepCopy(ctx, db, fmt.Sprintf("%s.schema-%d", path, version)); err != nil {
			return fmt.Errorf("take the catalogue %s from schema %d on: %w", path, version, err)
		}
	}
	for ; version < newestSchema(); version++ {
		if err := migrateOnce(ctx, db, version); err != nil {
			return fmt.Errorf("take the catalogue %s from schema %d to %d: %w", path, version, version+1, err)
		}
	}
	return forgetEvents(ctx, db)
}

// schemaOf refuses what is no catalogue, or one of a newer vsed.
func schemaOf(ctx context.Context, db *sql.DB, path string) (version int, err error) {
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("open the catalogue %s: %w; it is not touched: put a backup in its place, or move it away to begin anew", path, err)
	}
	if version > newestSchema() {
		return 0, fmt.Errorf("the catalogue %s was written by a newer vsed (schema %d, this one knows %d): start that vsed, or point `state` at another folder",
			path, version, newestSchema())
	}
	return version, nil
}

// CheckSchema fails where the catalogue in the state folder has not the schema
// that this vsed writes. Only Open migrates it.
func CheckSchema(ctx context.Context, folder string) (err error) {
	path := cataloguePath(folder)
	db := openDatabase(path, "_txlock=immediate")
	defer func() { err = errors.Join(err, db.Close()) }()
	version, err := schemaOf(ctx, db, path)
	if err == nil && version < newestSchema() {
		err = fmt.Errorf("the catalogue %s has schema %d, this vsed writes %d: start vsed, which keeps a copy and migrates it", path, version, newestSchema())
	}
	return err
}

func migrateOnce(ctx context.Context, db *sql.DB, version int) error {
	statements, err := step(version + 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;", statements, version+1))
	return err
}

// keepCopy writes the database into another file, which appears whole and is on
// the disk when this returns. A failure leaves nothing behind: it may be that the
// disk is full. What a kill left is replaced.
func keepCopy(ctx context.Context, db *sql.DB, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep a copy before: %w", err)
		}
	}()
	partial := path + ".partial"
	if err := removeFile(partial); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", partial)
	if err == nil {
		err = syncPath(partial)
	}
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		return errors.Join(err, removeFile(partial))
	}
	return syncPath(filepath.Dir(path))
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncPath brings a file, or the names in a folder, to the disk. SQLite does not
// do so for what VACUUM writes.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
