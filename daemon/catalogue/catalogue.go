// Package catalogue is the one source of truth: which folders are watched,
// which files they hold, which photo (content) each file is, its tags, and the
// vectors of each space. It is SQLite and nothing else: it reads no folder,
// starts no plugin and knows no index. Whatever derives something from it
// follows its change numbers (see Changed and Wait).
package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"
)

// keptEvents is how many of the newest events outlive a restart or a purge.
const keptEvents = 100_000

// ErrNotFound is returned where a photo or folder does not exist.
var ErrNotFound = errors.New("not found")

// A Catalogue is the open database. Its methods may be called by any number
// of goroutines; writes take turns.
type Catalogue struct {
	folder string
	opened int64   // the newest change when it was opened
	write  *sql.DB // one connection
	read   *sql.DB

	serving  atomic.Pointer[Space]
	opening  sync.Mutex
	spaces   map[string]*Space        // the open ones; held by opening
	features map[string]*featureStore // the same
	telling  sync.Mutex               // held while it changes which space is of which feature space

	counting             sync.Mutex
	counted              map[int64]Counts // by Count; nil before
	countedAt, countedIn int64            // of written, and the space

	tagging  sync.Mutex
	tagged   TagCounts // by CountTags
	taggedAt *int64    // of written; nil before

	written atomic.Int64 // transactions
	waiters sync.Mutex
	changed chan struct{} // closed and replaced at each change
}

// Open opens or makes the catalogue in the state folder. A catalogue of a
// newer vsed is refused.
func Open(ctx context.Context, folder string) (*Catalogue, error) {
	oneArena()
	if err := os.MkdirAll(filepath.Join(folder, "spaces"), 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	c := &Catalogue{folder: folder, spaces: make(map[string]*Space), features: make(map[string]*featureStore), changed: make(chan struct{})}
	if err := migrate(ctx, c.path()); err != nil {
		return nil, err
	}
	c.write, c.read = openPools(c.path())
	err := c.write.PingContext(ctx)
	if err == nil {
		c.opened, err = c.Change(ctx)
	}
	if err == nil {
		err = c.serveAgain(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the catalogue: %w", err), c.Close())
	}
	return c, nil
}

// Opened gives the newest change when the catalogue was opened: an index that
// was closed before cannot have followed a later one.
func (c *Catalogue) Opened() int64 { return c.opened }

// Close ends all statements and closes the files.
func (c *Catalogue) Close() error {
	c.opening.Lock()
	defer c.opening.Unlock()
	err := errors.Join(c.read.Close(), c.write.Close())
	for _, s := range c.spaces {
		err = errors.Join(err, s.close())
	}
	for _, f := range c.features {
		err = errors.Join(err, f.close())
	}
	return err
}

func (c *Catalogue) path() string { return cataloguePath(c.folder) }

func cataloguePath(folder string) string { return filepath.Join(folder, "catalogue.db") }

// openPools gives a pool of one connection for writing and one for reading.
func openPools(path string) (write, read *sql.DB) {
	write = openDatabase(path, "_txlock=immediate")
	write.SetMaxOpenConns(1)
	// The driver does not heed that a transaction only reads: with the lock of one
	// that writes, a search would wait for whatever is stored meanwhile.
	read = openDatabase(path, "_txlock=deferred", "_cache_size=-512")
	read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	read.SetMaxIdleConns(4)
	read.SetConnMaxIdleTime(time.Minute)
	return write, read
}

// openDatabase prepares a pool. Each connection has a page cache of its own, of
// 2 MB where an option does not say otherwise: it fills as the database grows.
// Statements may compare tags by fold; no schema may, which others read, too.
func openDatabase(path string, options ...string) *sql.DB {
	name := (&url.URL{Scheme: "file", Path: path}).String() +
		"?mode=rwc&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000&_foreign_keys=on&_stmt_cache_size=64&" + strings.Join(options, "&")
	return sql.OpenDB(connector{name: name, driver: &sqlite3.SQLiteDriver{ConnectHook: func(connection *sqlite3.SQLiteConn) error {
		return connection.RegisterFunc("fold", fold, true)
	}}})
}

// A connector opens connections without a global registration of the driver.
type connector struct {
	name   string
	driver *sqlite3.SQLiteDriver
}

// view runs read with the reading pool.
func (c *Catalogue) view(read func(db *sql.DB) error) error {
	return read(c.read)
}

// A change is a running transaction. Its number counts the events written.
type change struct {
	*sql.Tx
	ctx context.Context
}

// update runs write in one transaction and wakes the waiters. A kill loses
// nothing of it; a power cut may take the last seconds back, as a whole, which
// a scan and the plugins then find again.
func (c *Catalogue) update(ctx context.Context, write func(change) error) error {
	return c.updateWith(ctx, "NORMAL", "", write)
}

// updateDurably is update for what only a person could tell again: it is on
// the disk when it returns.
func (c *Catalogue) updateDurably(ctx context.Context, write func(change) error) error {
	return c.updateWith(ctx, "FULL", "", write)
}

// updateWith runs write with another database attached, unless beside is empty.
func (c *Catalogue) updateWith(ctx context.Context, synchronous, beside string, write func(change) error) (err error) {
	connection, err := c.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin a change of the catalogue: %w", err)
	}
	defer connection.Close() // gives it back to the pool; the transaction has told all errors by then
	if _, err := connection.ExecContext(ctx, "PRAGMA main.synchronous = "+synchronous); err != nil {
		return fmt.Errorf("begin a change of the catalogue: %w", err)
	}
	if beside != "" {
		if _, err := connection.ExecContext(ctx, "ATTACH DATABASE ? AS beside", beside); err != nil {
			return fmt.Errorf("attach %s to the catalogue: %w", beside, err)
		}
		defer func() {
			_, failed := connection.ExecContext(context.WithoutCancel(ctx), "DETACH DATABASE beside")
			err = errors.Join(err, failed)
		}()
	}
	tx, err := connection.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a change of the catalogue: %w", err)
	}
	if err := write(change{tx, ctx}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write to the catalogue: %w", err)
	}
	c.announce()
	return nil
}

// StorageFailed reports whether an error of this package means that the disk
// or the database fails, and not what was asked of it.
func StorageFailed(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure)
}

func (c *Catalogue) announce() {
	c.written.Add(1)
	c.waiters.Lock()
	defer c.waiters.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// exec runs a statement and gives the number of rows it touched.
func (w change) exec(query string, arguments ...any) (int64, error) {
	result, err := w.ExecContext(w.ctx, query, arguments...)
	if err != nil {
		return 0, fmt.Errorf("write to the catalogue: %w", err)
	}
	return result.RowsAffected()
}

// event takes the next change number for an event; photo 0 and path "" mean none.
func (w change) event(kind string, photo int64, path string) (int64, error) {
	result, err := w.ExecContext(w.ctx, `INSERT INTO event (at, kind, photo, path) VALUES (?, ?, nullif(?, 0), nullif(?, x''))`,
		time.Now().Unix(), kind, photo, []byte(path))
	if err != nil {
		return 0, fmt.Errorf("write an event: %w", err)
	}
	return result.LastInsertId()
}

// touch notes an event of a photo, which every index will follow.
func (w change) touch(kind string, photo int64, path string) error {
	number, err := w.event(kind, photo, path)
	if err != nil || photo == 0 {
		return err
	}
	_, err = w.exec(`UPDATE photo SET change = ? WHERE id = ?`, number, photo)
	return err
}
