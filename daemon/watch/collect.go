package watch

import (
	"context"
	"slices"
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
// all of it.
type collector struct {
	changed func(paths []string)
	rescan  func(reason string)

	// waiting has the time of the last happening of each path.
	waiting map[string]time.Time
	// lost is the reason for a rescan, and empty where none is due; single paths
	// are not kept then.
	lost                string
	firstLost, lastLost time.Time
}

func newCollector(changed func([]string), rescan func(string)) *collector {
	return &collector{changed: changed, rescan: rescan, waiting: map[string]time.Time{}}
}

// run reports what comes until ctx ends. A report that is slow to return holds
// up the happenings.
func (c *collector) run(ctx context.Context, happenings <-chan happening) {
	timer := time.NewTimer(settle)
	timer.Stop()
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
	if c.lost == "" && one.lost == "" {
		c.waiting[one.path] = now
		if len(c.waiting) <= burst {
			return
		}
		one.lost = "many changes at once"
	}
	if c.lost == "" {
		c.lost, c.firstLost = one.lost, now
		clear(c.waiting)
	}
	c.lastLost = now
}

// report hands out what has settled.
func (c *collector) report(now time.Time) {
	if c.lost != "" {
		if now.Before(c.lostDue()) {
			return
		}
		reason := c.lost
		c.lost = ""
		c.rescan(reason)
		return
	}
	var paths []string
	for path, last := range c.waiting {
		if now.Sub(last) >= settle {
			paths = append(paths, path)
			delete(c.waiting, path)
		}
	}
	if len(paths) > 0 {
		slices.Sort(paths)
		c.changed(paths)
	}
}

// next is how long it is until something will have settled.
func (c *collector) next(now time.Time) (time.Duration, bool) {
	if c.lost != "" {
		return c.lostDue().Sub(now), true
	}
	var earliest time.Time
	for _, last := range c.waiting {
		if earliest.IsZero() || last.Before(earliest) {
			earliest = last
		}
	}
	return earliest.Add(settle).Sub(now), !earliest.IsZero()
}

func (c *collector) lostDue() time.Time {
	due, latest := c.lastLost.Add(settle), c.firstLost.Add(patience)
	if latest.Before(due) {
		return latest
	}
	return due
}
