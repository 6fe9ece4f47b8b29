package vector

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrClosed is the error of every call after Close.
var ErrClosed = errors.New("vector index: closed")

// ErrLost is in the chain of the error of the first Apply after the index has
// found its files damaged and has started anew: everything must be put again,
// from change 0 on. A search that meets damage also returns it.
var ErrLost = errors.New("the vector index was damaged and starts anew")

// A damage is a fault of the files, which start anew; any other error is the
// machine's.
type damage struct{ reason error }

func (d *damage) Error() string { return d.reason.Error() }
func (d *damage) Unwrap() error { return d.reason }

// outside are reasons that are not the files' fault, so that they are kept.
var outside = []error{os.ErrPermission, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOMEM, syscall.EROFS}

func isDamage(err error) bool {
	for _, one := range outside {
		if errors.Is(err, one) {
			return false
		}
	}
	var d *damage
	return errors.As(err, &d)
}

// A RefusedError names the vectors that Apply did not take, and why.
type RefusedError struct {
	Reasons map[int64]error // by id
}

func (e *RefusedError) Error() string {
	for id, reason := range e.Reasons {
		if len(e.Reasons) == 1 {
			return fmt.Sprintf("vector of photo %d: %v", id, reason)
		}
		return fmt.Sprintf("%d vectors refused, among them of photo %d: %v", len(e.Reasons), id, reason)
	}
	return "no vector refused"
}
