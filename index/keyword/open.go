package keyword

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bolterrors "go.etcd.io/bbolt/errors"
)

// formatKey is where the format stands among bleve's internal values.
const formatKey = "vsed.format"

// lockPatience is how long Open waits for another process that has the index.
const lockPatience = "2s"

// Open opens the index in the folder dir, or makes one, folder and all. An
// index that is damaged, of another format or not ours is removed and started
// anew, with change number 0; Rebuilt tells. Other files in the folder are left
// alone. An index that another process has open, or that may not be read, is an
// error.
//
// Open reads all of the index's files once, to check their sums: about 0.1 s a
// hundred megabytes. One writer in one process owns the folder.
func Open(dir string) (*Index, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keyword index: %w", err)
	}
	dir = filepath.Clean(dir)
	opened, rebuilt, err := openOrCreate(dir)
	if err != nil {
		return nil, fmt.Errorf("keyword index %s: %w", dir, err)
	}
	analyser := opened.bleve.Mapping().AnalyzerNamed(analyserName)
	if analyser == nil {
		return nil, errors.Join(fmt.Errorf("keyword index %s: no analyser", dir), opened.close())
	}
	x := &Index{dir: dir, analyser: analyser, rebuilt: rebuilt}
	if err := x.take(opened); err != nil {
		return nil, fmt.Errorf("keyword index %s: %w", dir, err)
	}
	return x, nil
}

// openOrCreate says in rebuilt why it started anew.
func openOrCreate(dir string) (opened *store, rebuilt, err error) {
	opened, err = openExisting(dir)
	if err == nil || isAbout(err, outside) {
		return opened, nil, err
	}
	if rebuilt = err; errors.Is(err, bleve.ErrorIndexMetaMissing) && !exists(dir, "store") {
		rebuilt = nil
	}
	opened, err = create(dir)
	return opened, rebuilt, err
}

// Close waits for running calls and ends the index's goroutines. It may be
// called several times.
func (x *Index) Close() error {
	x.closing.Do(func() {
		x.writing.Lock()
		defer x.writing.Unlock()
		x.mutex.Lock()
		defer x.mutex.Unlock()
		if err := x.drop(errClosed); err != nil {
			x.closeErr = fmt.Errorf("keyword index: closing: %w", err)
			return
		}
		x.closeErr = seal(x.dir)
	})
	return x.closeErr
}

var errInUse = errors.New("in use by another process; stop that one or choose another state folder")

// outside are the reasons that are not the index's fault, so that it is kept.
var outside = []error{errInUse, os.ErrPermission, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.ENOMEM, syscall.EIO}

func isAbout(err error, list []error) bool {
	for _, one := range list {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// openExisting opens for reading first: bleve then starts none of the
// goroutines in which it could meet damage where nobody can catch it.
func openExisting(dir string) (*store, error) {
	if err := checkSeal(dir); err != nil {
		return nil, err
	}
	if err := guard(func() error { return inspect(dir) }); err != nil {
		return nil, err
	}
	opened, err := openWritable(dir, func(config map[string]any) (bleve.Index, error) { return openWith(dir, config) })
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(dir, sealFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, opened.close())
	}
	return opened, nil
}

// inspect checks the format and the sum of each segment in use.
func inspect(dir string) error {
	opened, err := openWith(dir, map[string]any{"bolt_timeout": lockPatience, "read_only": true})
	if err != nil {
		return err
	}
	return errors.Join(inspectOpen(opened), opened.Close())
}

func inspectOpen(opened bleve.Index) error {
	found, err := opened.GetInternal([]byte(formatKey))
	if err != nil {
		return err
	}
	if string(found) != format {
		return fmt.Errorf("format is %q, want %q", found, format)
	}
	return checkSegments(opened)
}

// openWith turns what bleve does on damaged files into an error: it panics, and
// reads mapped files behind their end.
func openWith(dir string, config map[string]any) (opened bleve.Index, err error) {
	err = guard(func() (err error) {
		opened, err = bleve.OpenUsing(dir, config)
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errInUse
	}
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// create removes what bleve and this package write, and nothing else.
func create(dir string) (*store, error) {
	for _, name := range []string{sealFile, "index_meta.json", "store"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	scheme, err := newMapping()
	if err != nil {
		return nil, err
	}
	created, err := openWritable(dir, func(config map[string]any) (opened bleve.Index, err error) {
		err = guard(func() (err error) {
			opened, err = bleve.NewUsing(dir, scheme, scorch.Name, scorch.Name, config)
			return err
		})
		return opened, err
	})
	if err != nil {
		return nil, err
	}
	batch := created.bleve.NewBatch()
	batch.SetInternal([]byte(formatKey), []byte(format))
	if err := created.write(batch); err != nil {
		return nil, errors.Join(err, created.close())
	}
	return created, nil
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
