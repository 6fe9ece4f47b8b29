package ingest

import (
	"errors"
	"io/fs"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
	"vsed/plugins/host"
)

// TestSidecarsThatCannotBeRead: each is tried again when it is time, not at each
// change of something else; what is not its fault keeps it waiting.
func TestSidecarsThatCannotBeRead(t *testing.T) {
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	folder, err := c.AddFolder(t.Context(), "/photos")
	check(t, err)
	p := New(Parts{Catalogue: c, Log: slog.New(slog.DiscardHandler)})
	inode := uint64(0)
	unread := func() []catalogue.Sidecar {
		t.Helper()
		list, err := c.UnreadSidecars(t.Context(), nil, 10)
		check(t, err)
		return list
	}
	f := func(failure error, wantReads int, wantProblem string, wantAgain time.Duration) {
		t.Helper()
		inode++
		check(t, c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: "a.xmp", Stat: catalogue.Stat{Inode: inode}, Sidecar: true}}))
		sidecar, reads := unread()[0], 0
		err := p.readUntilDone(t.Context(), func() (catalogue.Sidecar, catalogue.SidecarWords, error) {
			reads++
			return sidecar, catalogue.SidecarWords{}, failure
		})
		if (err != nil) != (wantProblem == "" && failure != nil) || reads != wantReads {
			t.Errorf("%v: %d reads, %v", failure, reads, err)
		}
		if err != nil {
			if !errors.Is(err, failure) || len(unread()) != 1 {
				t.Errorf("%v: %v, unread %v", failure, err, unread())
			}
			return
		}
		check(t, c.RetrySidecars(t.Context(), time.Now()))
		_, problems, err := c.SidecarProblems(t.Context(), 1)
		check(t, err)
		var problem string
		var again time.Duration
		if len(problems) > 0 {
			problem = problems[0].Problem
			if next := problems[0].NextAttempt; !next.IsZero() {
				again = time.Until(next).Round(time.Minute)
			}
		}
		if problem != wantProblem || again != wantAgain || len(unread()) != 0 {
			t.Errorf("%v: %q, again in %v, unread %v", failure, problem, again, unread())
		}
	}
	f(nil, 1, "", 0)
	f(&host.RejectedError{Reason: "is not XMP"}, 1, "is not XMP", 0)
	f(&openError{watch.ErrNotRegular}, 1, watch.ErrNotRegular.Error(), 0)
	f(&openError{fs.ErrPermission}, 1, "permission denied: let the user that runs vsed read it", forbiddenPause)
	f(&host.CrashError{}, maxAttempts, (&host.CrashError{}).Error(), crashPause)
	f(&openError{syscall.EMFILE}, 1, "", 0)
	f(errors.New("database is locked"), 1, "", 0)
	f(nil, 1, "", 0)
}
