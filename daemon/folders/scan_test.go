package folders

import (
	"errors"
	"syscall"
	"testing"

	"vsed/daemon/watch"
)

// The status names what cannot be read, and not only the folder that it is in.
func TestAProblemNamesItsPath(t *testing.T) {
	f := func(want string, entries ...watch.Entry) {
		t.Helper()
		w := &walk{}
		for _, entry := range entries {
			if err := w.visit(t.Context())(entry); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.problem(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	locked := watch.Entry{Path: "2024/locked", Problem: syscall.EACCES}
	f("")
	f("2024/locked: permission denied: let the user that runs vsed read it", locked)
	f("d: permission denied: let the user that runs vsed read it", watch.Entry{Path: "d", Problem: syscall.EACCES})
	f("2024/locked: permission denied: let the user that runs vsed read it; and 1 more", locked, locked)
	f("permission denied: let the user that runs vsed read it", watch.Entry{Path: ".", Problem: syscall.EACCES})
	f("a/.vsedignore: line 1 is odd", watch.Entry{Path: "a", Problem: errors.New("a/.vsedignore: line 1 is odd")})
}
