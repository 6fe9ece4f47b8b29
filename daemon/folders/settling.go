package folders

import (
	"time"

	"vsed/daemon/watch"
)

const (
	// settleTime is how long a file must not have been written to before it is
	// taken in: one that is being copied is not whole yet.
	settleTime = 2 * time.Second
	// aheadTime is how far a clock may be ahead for a time of writing to count as
	// a moment ago; one farther ahead says nothing, as a camera's.
	aheadTime = 10 * time.Second
	// maxSettling bounds the files that are waited for one by one; beyond it the
	// folder is scanned again.
	maxSettling = 10_000
)

// settling holds files that were written to a moment ago. Its zero value holds
// none.
type settling struct {
	files map[string]heldFile
	over  bool // more came than are held
}

type heldFile struct {
	info  watch.Info
	due   time.Time // when to look again
	since time.Time // of the change that it is held for
}

// holds reports whether the file is not to be taken in yet. A file that looked
// the same for the settle time is, whatever its clock says: that of a server may
// be ahead.
func (s *settling) holds(entry watch.Entry, now, since time.Time) bool {
	held, known := s.files[entry.Path]
	age := now.Sub(time.Unix(0, entry.ModifiedNanos))
	if entry.Rule != "" || !entry.Regular || age >= settleTime || age < -aheadTime {
		delete(s.files, entry.Path)
		return false
	}
	switch {
	case known && held.info == entry.Info:
		if now.Before(held.due) {
			return true
		}
		delete(s.files, entry.Path)
		return false
	case known:
		since = held.since
	case len(s.files) >= maxSettling:
		s.over = true
		return true
	}
	if s.files == nil {
		s.files = make(map[string]heldFile)
	}
	s.files[entry.Path] = heldFile{info: entry.Info, due: now.Add(settleTime), since: since}
	return true
}

// due gives the paths to look at again, with the oldest change that they are
// held for.
func (s *settling) due(now time.Time) (paths []string, since time.Time) {
	for path, held := range s.files {
		if now.Before(held.due) {
			continue
		}
		paths = append(paths, path)
		if since.IsZero() || held.since.Before(since) {
			since = held.since
		}
	}
	return paths, since
}

// timer tells when the next file is due, and is nil where none is held.
func (s *settling) timer(now time.Time) <-chan time.Time {
	var next time.Time
	for _, held := range s.files {
		if next.IsZero() || held.due.Before(next) {
			next = held.due
		}
	}
	if next.IsZero() {
		return nil
	}
	return time.After(next.Sub(now))
}

func (s *settling) oldest() (oldest time.Time) {
	for _, held := range s.files {
		if oldest.IsZero() || held.since.Before(oldest) {
			oldest = held.since
		}
	}
	return oldest
}

func (s *settling) forget(path string) { delete(s.files, path) }
func (s *settling) clear()             { *s = settling{} }

// overflowed reports, once, that files are to be looked for by a scan.
func (s *settling) overflowed() bool {
	over := s.over
	s.over = false
	return over
}
