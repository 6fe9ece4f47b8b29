package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"vsed/daemon/watch"
	"vsed/plugins/host"
)

func TestJudge(t *testing.T) {
	f := func(failure error, want verdict) {
		t.Helper()
		if got, _ := judge(failure); got != want {
			t.Errorf("%v: got %d, want %d", failure, got, want)
		}
	}
	open := func(err error) error { return &openError{fmt.Errorf("photo x: %w", err)} }
	f(open(fs.ErrNotExist), vanished)
	f(open(syscall.ENOTDIR), vanished)
	f(open(syscall.ELOOP), vanished)
	f(open(watch.ErrNotRegular), refused)
	f(open(syscall.EACCES), forbidden)
	f(open(syscall.EIO), unread)
	f(open(syscall.EBADMSG), unread)
	f(open(syscall.ENOTCONN), unread)
	f(open(syscall.ESTALE), unread)
	f(open(watch.ErrNotAnswering), unread)
	f(open(syscall.EMFILE), elsewhere)
	f(open(syscall.ENOMEM), elsewhere)
	f(syscall.EIO, elsewhere) // of the catalogue's or the thumbnails' disk
	f(errors.New("database is locked"), elsewhere)
	f(&host.RejectedError{Reason: "is text"}, refused)
	f(&host.CrashError{}, suspect)
}
