package keyword

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bolterrors "go.etcd.io/bbolt/errors"
)

// formatKey is where the format stands among bleve's internal values.
const formatKey = "vsed.format"

// lockPatience is how long Open waits for another process that has the index.
const lockPatience = "2s"

// An Option changes how Open opens an index.
type Option func(*Index)

// Language sets whose words are stemmed and left out: a code of Languages.
// Without it that is "en".
func Language(code string) Option { return func(x *Index) { x.language = code } }

// AsStored takes the language of the index that is there: for one who looks at it
// without knowing the setting.
func AsStored() Option { return func(x *Index) { x.language = "" } }

// Open opens the index in the folder dir, or makes one, folder and all. An
// index that is damaged, of another format or language, or not ours is removed
// and started anew, with change number 0; Rebuilt tells. Other files in the folder are left
// alone. An index that another process has open, or that may not be read, is an
// error.
//
// Open reads all of the index's files once, to check their sums: about 0.1 s a
// hundred megabytes. One writer in one process owns the folder.
func Open(dir string, options ...Option) (*Index, error) {
	x := &Index{dir: filepath.Clean(dir), language: english}
	for _, option := range options {
		option(x)
	}
	if _, ok := filters[x.language]; !ok && x.language != "" {
		return nil, fmt.Errorf("keyword index: no stems of the language %q are known: take one of %s", x.language, strings.Join(Languages(), ", "))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keyword index: %w", err)
	}
	opened, rebuilt, err := openOrCreate(x.dir, x.language)
	if err != nil {
		return nil, fmt.Errorf("keyword index %s: %w", dir, err)
	}
	analyser := opened.bleve.Mapping().AnalyzerNamed(analyserName)
	if analyser == nil {
		return nil, errors.Join(fmt.Errorf("keyword index %s: no analyser", dir), opened.close())
	}
	x.analyser, x.rebuilt = analyser, rebuilt
	if err := x.take(opened); err != nil {
		return nil, fmt.Errorf("keyword index %s: %w", dir, err)
	}
	return x, nil
}

// openOrCreate says in rebuilt why it started anew.
func openOrCreate(dir, language string) (opened *store, rebuilt, err error) {
	opened, err = openExisting(dir, language)
	if err == nil || isAbout(err, outside) {
		return opened, nil, err
	}
	if rebuilt = err; errors.Is(err, bleve.ErrorIndexMetaMissing) && !exists(dir, "store") {
		rebuilt = nil
	}
	opened, err = create(dir, language)
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
func openExisting(dir, language string) (*store, error) {
	if err := checkSeal(dir); err != nil {
		return nil, err
	}
	if err := guard(func() error { return inspect(dir, language) }); err != nil {
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
func inspect(dir, language string) error {
	opened, err := openWith(dir, map[string]any{"bolt_timeout": lockPatience, "read_only": true})
	if err != nil {
		return err
	}
	return errors.Join(inspectOpen(opened, language), opened.Close())
}

func inspectOpen(opened bleve.Index, language string) error {
	found, err := opened.GetInternal([]byte(formatKey))
	if err != nil {
		return err
	}
	if stored, ok := strings.CutPrefix(string(found), format); ok && language == "" && slices.Contains(Languages(), stored) {
		language = stored
	}
	if want := format + language; string(found) != want {
		return fmt.Errorf("format is %q, want %q", found, want)
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
func create(dir, language string) (*store, error) {
	language = cmp.Or(language, english)
	for _, name := range []string{sealFile, "index_meta.json", "store"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	scheme, err := newMapping(language)
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
	batch.SetInternal([]byte(formatKey), []byte(format+language))
	if err := created.write(batch); err != nil {
		return nil, errors.Join(err, created.close())
	}
	return created, nil
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
