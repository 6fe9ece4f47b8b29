package vector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"vsed/index/vector/kernel"
)

// Open opens the index in the folder dir, or makes one, folder and all. One that
// is damaged, of another version or of other dimensions is emptied; Rebuilt
// tells. An index that another process has open, or that the machine cannot
// read, is an error.
//
// Open takes the same time whatever the index holds: sums are checked later,
// each before its rows are first used and in the background.
func Open(dir string, dimensions int, options Options) (*Index, error) {
	if dimensions < 1 || dimensions > MaxDimensions {
		return nil, fmt.Errorf("vector index: %d dimensions, want 1 to %d", dimensions, MaxDimensions)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("vector index: %w", err)
	}
	r := newRotation(dimensions)
	x := &Index{
		dir: dir, rotation: r, layout: newLayout(dimensions, r.width), threads: max(1, options.Threads), kernel: kernel.Best(), looseness: 1,
		wake: make(chan struct{}, 1), lostToken: make(chan struct{}, 1), done: make(chan struct{}),
	}
	x.appender = newAppender(x.layout)
	err := x.takeLock()
	if err == nil {
		err = x.load()
	}
	if err != nil {
		return nil, fmt.Errorf("vector index %s: %w", dir, errors.Join(err, x.lock.Close()))
	}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	go x.maintain(ctx)
	return x, nil
}

func (x *Index) takeLock() (err error) {
	if x.lock, err = os.OpenFile(filepath.Join(x.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(x.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("in use by another process; stop that one or choose another state folder: %w", err)
	}
	return nil
}

// load takes what the folder holds, or starts anew.
func (x *Index) load() error {
	err := x.loadFiles()
	if errors.Is(err, fs.ErrNotExist) {
		return x.startAnew(nil)
	}
	if err != nil && isDamage(err) {
		return x.startAnew(err)
	}
	return err
}

func (x *Index) loadFiles() error {
	journal, records, err := openLog(x.dir, x.layout.dimensions)
	if err != nil {
		return err
	}
	views, change, err := x.replay(records)
	defer releaseViews(views)
	if err != nil {
		return errors.Join(err, journal.close())
	}
	x.tail = -1
	used := make(map[uint32]bool)
	for i, v := range views {
		used[v.number] = true
		if v.number >= x.next {
			x.next, x.tail = v.number+1, i
		}
	}
	if err := removeSegments(x.dir, used); err != nil {
		return errors.Join(err, journal.close())
	}
	x.journal = journal
	x.publish(views, change)
	return nil
}

// replay opens the segments of the state that the records lead to.
func (x *Index) replay(records []record) (views []view, change int64, err error) {
	order, rows, dead := []uint32(nil), make(map[uint32]int), make(map[uint32][]uint16)
	for _, one := range records {
		change = one.change
		for _, s := range one.states {
			if _, known := rows[s.number]; !known {
				order = append(order, s.number)
			}
			rows[s.number] = int(s.rows)
			dead[s.number] = append(dead[s.number], s.dead...)
		}
		for _, number := range one.gone {
			delete(rows, number)
			delete(dead, number)
		}
	}
	for _, number := range order {
		count, ok := rows[number]
		if !ok {
			continue
		}
		delete(rows, number)
		v := view{rows: count}
		for _, row := range dead[number] {
			if int(row) >= count {
				return views, 0, &damage{fmt.Errorf("its log names row %d of %d", row, count)}
			}
		}
		if count > segmentRows {
			return views, 0, &damage{fmt.Errorf("its log has a segment of %d rows", count)}
		}
		if v.segment, err = openSegment(x.dir, number, x.layout, count); err != nil {
			return views, 0, err
		}
		views = append(views, v.kill(dead[number]))
	}
	return views, change, nil
}

// releaseViews gives up the holds that opening gave.
func releaseViews(views []view) {
	for _, v := range views {
		v.release()
	}
}

// startAnew empties the folder.
func (x *Index) startAnew(why error) error {
	if err := removeFiles(x.dir); err != nil {
		return err
	}
	journal, err := startLog(x.dir, x.layout.dimensions, record{})
	if err != nil {
		return err
	}
	x.journal, x.tail = journal, -1
	x.publish(nil, 0)
	if why != nil {
		x.rebuilt.Store(&damage{why})
	}
	return nil
}

// wholeRecord is the state of the snapshot.
func wholeRecord(s *snapshot) record {
	r := record{change: s.change}
	for _, v := range s.views {
		if v.segment != nil {
			r.states = append(r.states, state{v.number, uint32(v.rows), v.deadRows()})
		}
	}
	return r
}

// publish makes a new snapshot the current one. The caller holds writing and
// mutex, or is alone.
func (x *Index) publish(views []view, change int64) {
	old := x.current.Swap(newSnapshot(views, change))
	if old != nil {
		old.release()
	}
}
