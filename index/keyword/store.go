package keyword

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
)

// patience is how long a broken store may take to answer, and any to close,
// before it is given up. Until then a slow disk may have its way.
const patience = 10 * time.Second

// writePatience is how long a write of some hundred documents may take: a disk
// that needs longer hangs.
const writePatience = 2 * time.Minute

var (
	errDamaged = errors.New("damaged")
	errStuck   = errors.New("damaged: bleve does not end")
	errHangs   = errors.New("the disk does not take a write")
)

// A store is an open bleve index and what is known of its health. One that has
// failed once is not written any more, but closed and opened anew: in bleve's
// memory stands what never reached the disk, and its goroutines are not to be
// trusted.
//
// There is one write at a time, and it is over when it is on disk. With two
// segments that are not on disk bleve merges them on a goroutine without
// recover. And where bleve itself waits for the disk and that fails, it closes
// a segment that searches use, and panics on the next write; so bleve gets
// unsafe_batch, and the waiting is done here.
type store struct {
	folder   string
	bleve    bleve.Index
	readOnly bool

	opened   atomic.Bool
	failing  sync.Once
	failed   chan struct{} // closed at the first sign of damage
	reason   error         // set before failed is closed
	hanging  bool          // a write never came back
	released chan struct{} // closed when the store is being closed
}

func newStore(dir string, readOnly bool) *store {
	return &store{
		folder: filepath.Join(dir, "store"), readOnly: readOnly,
		failed: make(chan struct{}), released: make(chan struct{}),
	}
}

// The stores open for writing, by folder: bleve knows a callback for errors of
// its own goroutines by a name alone, in a map of its own that is only read
// once an index is open, and hands it the folder.
var (
	stores   sync.Map
	register = sync.OnceFunc(func() { scorch.RegistryAsyncErrorCallbacks[callback] = onTrouble })
)

const callback = "vsed.keyword"

// onTrouble runs on the goroutine of bleve's that failed or has just recovered
// from a panic. Bleve would go on and try again without a pause; it waits here
// until the store is closed, but not while bleve is still opening it, as bleve
// closes it itself when that fails. What was not cleared away does no harm.
func onTrouble(err error, folder string) {
	if errors.Is(err, scorch.ErrCleanup) {
		return
	}
	if found, ok := stores.Load(folder); ok {
		s := found.(*store)
		s.fail(err)
		if s.opened.Load() {
			<-s.released
		}
	}
}

// openWritable opens the index by the function it is given.
func openWritable(dir string, open func(config map[string]any) (bleve.Index, error)) (*store, error) {
	register()
	s := newStore(dir, false)
	if _, other := stores.LoadOrStore(s.folder, s); other {
		return nil, errInUse
	}
	opened, err := open(map[string]any{"bolt_timeout": lockPatience, "unsafe_batch": true, "asyncErrorCallbackName": callback})
	if err != nil {
		stores.CompareAndDelete(s.folder, s)
		return nil, err
	}
	s.bleve = opened
	s.opened.Store(true)
	return s, nil
}

// openReadOnly opens what is on disk, as it is.
func openReadOnly(dir, language string) (*store, error) {
	s := newStore(dir, true)
	var err error
	if s.bleve, err = openWith(dir, map[string]any{"bolt_timeout": lockPatience, "read_only": true}); err != nil {
		return nil, err
	}
	if err := guard(func() error { return inspectOpen(s.bleve, language) }); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) fail(reason error) {
	s.failing.Do(func() {
		s.reason = reason
		close(s.failed)
	})
}

func (s *store) sound() bool {
	select {
	case <-s.failed:
		return false
	default:
		return true
	}
}

// write returns when the batch is on disk, or has not got there for too long.
func (s *store) write(batch *bleve.Batch) error {
	persisted, introduced := make(chan error, 1), make(chan error, 1)
	batch.SetPersistedCallback(func(err error) { persisted <- err })
	late := time.AfterFunc(writePatience, func() { s.fail(errHangs) })
	defer late.Stop()
	go func() { introduced <- guard(func() error { return s.bleve.Batch(batch) }) }()
	err := s.answer(introduced)
	if err == nil {
		select {
		case err = <-persisted:
		case <-s.failed:
			err = s.reason
		}
	}
	if err != nil {
		s.fail(err)
	}
	return err
}

// answer gives up a write where the goroutine of bleve's that should take it has
// ended in a panic: the write's own goroutine is lost then.
func (s *store) answer(introduced <-chan error) error {
	select {
	case err := <-introduced:
		return err
	case <-s.failed:
	}
	select {
	case err := <-introduced:
		return err
	case <-time.After(patience):
		s.hanging = true
		return s.reason
	}
}

// read runs a function that only reads. Damage that it meets is noted.
func (s *store) read(work func(bleve.Index) error) error {
	err := guard(func() error { return work(s.bleve) })
	if errors.Is(err, errDamaged) {
		s.fail(err)
	}
	return err
}

// change is the number of the last change, as the store has it.
func (s *store) change() (change int64, err error) {
	err = s.read(func(opened bleve.Index) error {
		value, err := opened.GetInternal([]byte(changeKey))
		if err == nil && len(value) == 8 {
			change = int64(binary.BigEndian.Uint64(value))
		}
		return err
	})
	return change, err
}

// close returns errStuck where bleve does not end: its goroutines are lost
// then, and its lock on the files with them.
func (s *store) close() error {
	stores.CompareAndDelete(s.folder, s)
	close(s.released)
	ended := make(chan error, 1)
	go func() { ended <- guard(s.end) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		return errStuck
	}
}

// end goes past bleve's own lock where a lost write holds it.
func (s *store) end() error {
	if !s.hanging {
		return s.bleve.Close()
	}
	inner, err := s.bleve.Advanced()
	if err != nil {
		return err
	}
	return inner.Close()
}

// guard makes an error of a panic, and of reading a mapped file that is shorter
// or cannot be read.
func guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", errDamaged, cause)
		}
	}()
	return work()
}
