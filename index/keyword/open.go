package keyword

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
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
	opened, err := openExisting(dir)
	if err == nil {
		return newIndex(dir, opened, nil)
	}
	if isAbout(err, outside) {
		return nil, fmt.Errorf("keyword index %s: %w", dir, err)
	}
	if errors.Is(err, bleve.ErrorIndexMetaMissing) && !exists(dir, "store") {
		err = nil
	}
	created, createErr := create(dir)
	if createErr != nil {
		return nil, fmt.Errorf("keyword index %s: %w", dir, createErr)
	}
	return newIndex(dir, created, err)
}

func newIndex(dir string, opened bleve.Index, rebuilt error) (*Index, error) {
	analyser := opened.Mapping().AnalyzerNamed(analyserName)
	if analyser == nil {
		return nil, errors.Join(fmt.Errorf("keyword index %s: no analyser", dir), opened.Close())
	}
	return &Index{dir: dir, bleve: opened, analyser: analyser, rebuilt: rebuilt}, nil
}

// Close waits for running calls and ends the index's goroutines. It may be
// called several times.
func (x *Index) Close() error {
	x.closing.Do(func() {
		if err := x.bleve.Close(); err != nil {
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
func openExisting(dir string) (bleve.Index, error) {
	if err := checkSeal(dir); err != nil {
		return nil, err
	}
	if err := inspect(dir); err != nil {
		return nil, err
	}
	opened, err := openWith(dir, map[string]any{"bolt_timeout": lockPatience})
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(dir, sealFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, opened.Close())
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
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("damaged: %v", cause)
		}
	}()
	opened, err = bleve.OpenUsing(dir, config)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errInUse
	}
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// create removes what bleve and this package write, and nothing else.
func create(dir string) (bleve.Index, error) {
	for _, name := range []string{sealFile, "index_meta.json", "store"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	scheme, err := newMapping()
	if err != nil {
		return nil, err
	}
	created, err := bleve.NewUsing(dir, scheme, scorch.Name, scorch.Name, map[string]any{"bolt_timeout": lockPatience})
	if err != nil {
		return nil, err
	}
	if err := created.SetInternal([]byte(formatKey), []byte(format)); err != nil {
		return nil, errors.Join(err, created.Close())
	}
	return created, nil
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
