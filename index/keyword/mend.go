package keyword

import (
	"errors"
	"fmt"

	"github.com/blevesearch/bleve/v2"
)

// mend gives Apply a sound store: it closes one that has failed and opens it
// anew, or starts it anew. The caller holds writing.
func (x *Index) mend() error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if errors.Is(x.problem, errClosed) {
		return errClosed
	}
	if x.store == nil || x.store.readOnly || !x.store.sound() {
		if err := x.reopen(); err != nil {
			return err
		}
	}
	return x.behind
}

// reopen leaves the index readable where it cannot be made writable.
func (x *Index) reopen() error {
	open := openOrCreate
	if errors.Is(errors.Join(x.problem, x.drop(nil)), errStuck) {
		open = createOnly
	}
	opened, rebuilt, err := open(x.dir, x.language)
	if err == nil {
		err = x.take(opened)
	}
	if err != nil {
		x.takeReadOnly(err)
		return fmt.Errorf("opening again: %w", err)
	}
	if rebuilt != nil && x.behind != nil {
		x.behind = fmt.Errorf("%w (%w)", x.behind, rebuilt)
	}
	return nil
}

// createOnly is for files that a stuck store has locked.
func createOnly(dir, language string) (opened *store, rebuilt, err error) {
	opened, err = create(dir, language)
	return opened, errStuck, err
}

// fallBack goes back to what is on disk after a write that failed: in bleve's
// memory that write stands. It reports whether the change is on disk after all,
// as bleve may have tried once more while it was closed.
func (x *Index) fallBack(change int64) bool {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	err, before := x.store.reason, x.change
	if closed := x.drop(err); errors.Is(closed, errStuck) {
		x.problem = errStuck
		return false
	}
	x.takeReadOnly(err)
	return x.store != nil && x.change == change && change > before
}

func (x *Index) takeReadOnly(problem error) {
	x.problem = problem
	opened, err := openReadOnly(x.dir, x.language)
	if err == nil {
		err = x.take(opened)
	}
	if err != nil {
		x.problem = errors.Join(problem, err)
	}
}

// take makes the store the index's own, or closes it.
func (x *Index) take(opened *store) error {
	change, err := opened.change()
	if err != nil {
		return errors.Join(err, opened.close())
	}
	if change < x.change {
		x.behind = ErrBehind
	}
	x.store, x.problem, x.change = opened, nil, change
	return nil
}

func (x *Index) drop(problem error) error {
	old := x.store
	x.store, x.problem = nil, problem
	if old == nil {
		return nil
	}
	return old.close()
}

func (x *Index) read(work func(bleve.Index) error) error {
	x.mutex.RLock()
	defer x.mutex.RUnlock()
	if x.store == nil {
		return x.problem
	}
	return x.store.read(work)
}
