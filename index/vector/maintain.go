package vector

import (
	"context"
	"fmt"
)

// nudge tells the maintainer that there may be work.
func (x *Index) nudge() {
	select {
	case x.wake <- struct{}{}:
	default: // it has been told
	}
}

// report passes an error of a reader on; where it is damage, the maintainer
// starts the index anew.
func (x *Index) report(err error) error {
	if err == nil || !isDamage(err) {
		return err
	}
	x.found.CompareAndSwap(nil, &damage{err})
	x.nudge()
	return fmt.Errorf("vector index %s: %w: %w", x.dir, ErrLost, err)
}

// maintain is the index's goroutine: it makes the table, checks sums, compacts,
// and starts anew where damage was found.
func (x *Index) maintain(ctx context.Context) {
	defer close(x.done)
	_ = x.report(x.makeTable())
	_ = x.report(x.checkAll(ctx))
	for {
		if d := x.found.Swap(nil); d != nil {
			x.startOver(d)
		}
		// An error that is not damage, such as a full disk, costs nothing but room.
		_ = x.report(x.compactAll(ctx))
		select {
		case <-x.wake:
		case <-ctx.Done():
			return
		}
	}
}

// checkAll checks every sum of what was there when the index was opened.
func (x *Index) checkAll(ctx context.Context) error {
	s, err := x.acquire()
	if err != nil {
		return nil // closed
	}
	defer s.release()
	for _, v := range s.views {
		for block := 0; v.segment != nil && block*blockRows < v.segment.found; block++ {
			if ctx.Err() != nil {
				return nil
			}
			if err := v.checkRows(block); err != nil {
				return err
			}
			if err := v.checkHalves(block); err != nil {
				return err
			}
		}
	}
	return nil
}

// startOver empties the index. Searches that run keep the rows that they have.
func (x *Index) startOver(d *damage) {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mutex.Lock()
	defer x.mutex.Unlock()
	old := x.journal
	if err := x.startAnew(d.reason); err != nil {
		x.found.CompareAndSwap(nil, d) // again when there is work again
		return
	}
	_ = old.close() // its file is gone
	x.table, x.lost = newTable(0, 0), true
	select {
	case x.lostToken <- struct{}{}:
	default: // the last has not been taken yet
	}
}
