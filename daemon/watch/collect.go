package watch

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// settle is how long nothing must happen to a path before it is reported: a
	// file being copied is written to more often than that.
	settle = 500 * time.Millisecond
	// patience is how long a rescan waits at most for things to settle.
	patience = 10 * time.Second
	// burst is the number of waiting paths above which a scan is cheaper.
	burst = 1000
)

// A happening is a path to which something happened, or, where lost is given,
// the reason why single paths cannot be told.
type happening struct {
	path string
	lost string
}

// A collector makes few reports of many happenings. The goroutine of run owns
// all of it but oldest.
type collector struct {
	changed func(paths []string, since time.Time)
	rescan  func(reason string, since time.Time)

	waiting map[string]span
	// lost is the reason for a rescan, and empty where none is due; single paths
	// are not kept then.
	lost     string
	lostSpan span
	// oldest is the first happening that was not reported, in Unix nanoseconds; 0
	// where there is none.
	oldest *atomic.Int64
}

// A span has the times of the first and the last happening of something.
type span struct{ first, last time.Time }

func newCollector(changed func([]string, time.Time), rescan func(string, time.Time), oldest *atomic.Int64) *collector {
	return &collector{changed: changed, rescan: rescan, waiting: map[string]span{}, oldest: oldest}
}

// run reports what comes until ctx ends. A report that is slow to return holds
// up the happenings.
func (c *collector) run(ctx context.Context, happenings <-chan happening) {
	timer := time.NewTimer(settle)
	timer.Stop()
	defer c.oldest.Store(0)
	armed := false
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-happenings:
			c.note(one, time.Now())
			if !armed {
				timer.Reset(settle)
				armed = true
			}
		case <-timer.C:
			c.report(time.Now())
			var wait time.Duration
			if wait, armed = c.next(time.Now()); armed {
				timer.Reset(wait)
			}
		}
	}
}

func (c *collector) note(one happening, now time.Time) {
	c.oldest.CompareAndSwap(0, now.UnixNano())
	if c.lost == "" && one.lost == "" {
		known := c.waiting[one.path]
		if known.first.IsZero() {
			known.first = now
		}
		known.last = now
		c.waiting[one.path] = known
		if len(c.waiting) <= burst {
			return
		}
		one.lost = "many changes at once"
	}
	if c.lost == "" {
		c.lost, c.lostSpan.first = one.lost, now
		if oldest, ok := c.first(); ok {
			c.lostSpan.first = oldest
		}
		clear(c.waiting)
	}
	c.lostSpan.last = now
}

func (c *collector) first() (oldest time.Time, ok bool) {
	for _, one := range c.waiting {
		if !ok || one.first.Before(oldest) {
			oldest, ok = one.first, true
		}
	}
	return oldest, ok
}

// report hands out what has settled.
func (c *collector) report(now time.Time) {
	if c.lost != "" {
		if now.Before(c.lostDue()) {
			return
		}
		reason := c.lost
		c.lost = ""
		c.rescan(reason, c.lostSpan.first)
		c.age()
		return
	}
	var paths []string
	since := now
	for path, one := range c.waiting {
		if now.Sub(one.last) >= settle {
			paths = append(paths, path)
			delete(c.waiting, path)
			if one.first.Before(since) {
				since = one.first
			}
		}
	}
	if len(paths) > 0 {
		slices.Sort(paths)
		c.changed(paths, since)
	}
	c.age()
}

func (c *collector) age() {
	oldest, ok := c.first()
	switch {
	case c.lost != "":
		c.oldest.Store(c.lostSpan.first.UnixNano())
	case ok:
		c.oldest.Store(oldest.UnixNano())
	default:
		c.oldest.Store(0)
	}
}

// next is how long it is until something will have settled.
func (c *collector) next(now time.Time) (time.Duration, bool) {
	if c.lost != "" {
		return c.lostDue().Sub(now), true
	}
	var earliest time.Time
	for _, one := range c.waiting {
		if earliest.IsZero() || one.last.Before(earliest) {
			earliest = one.last
		}
	}
	return earliest.Add(settle).Sub(now), !earliest.IsZero()
}

func (c *collector) lostDue() time.Time {
	due, latest := c.lostSpan.last.Add(settle), c.lostSpan.first.Add(patience)
	if latest.Before(due) {
		return latest
	}
	return due
}
