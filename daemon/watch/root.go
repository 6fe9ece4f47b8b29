package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotAnswering says that a call into the filesystem of a root hangs, as those
// of a network filesystem do whose server is away.
var ErrNotAnswering = errors.New("does not answer")

const (
	// DefaultPatience is how long a single call into a filesystem may take. A
	// disk that has to spin up first takes less than ten seconds.
	DefaultPatience = 10 * time.Second
	// maxCalls bounds the threads that a filesystem which hangs can hold: a scan
	// and one call beside it.
	maxCalls = 2
)

// A Root is a photo folder, and the way to everything in it: each call into its
// filesystem is made on a goroutine that can be left behind, so that none of the
// methods outlasts its context, and none waits long for a filesystem that hangs:
// it gives ErrNotAnswering instead, at once while an earlier call hangs. The
// methods may be called at the same time.
type Root struct {
	path     string
	patience time.Duration
	slots    chan struct{}

	mutex   sync.Mutex
	hung    int // calls that were left behind
	running map[*task]struct{}
}

// NewRoot makes the root at a path, which may be a symbolic link to a folder.
// The patience is DefaultPatience where it is 0.
func NewRoot(path string, patience time.Duration) *Root {
	if patience <= 0 {
		patience = DefaultPatience
	}
	return &Root{path: path, patience: patience, slots: make(chan struct{}, maxCalls), running: make(map[*task]struct{})}
}

// Waiting is how long the longest call into the filesystem has taken by now that
// is under way.
func (r *Root) Waiting() (longest time.Duration) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for t := range r.running {
		longest = max(longest, t.pulse.age())
	}
	return longest
}

// Path is the path that the root was made with.
func (r *Root) Path() string { return r.path }

// A pulse tells a call that hangs from work that goes on.
type pulse struct{ since atomic.Int64 } // when the call under way began, in Unix nanoseconds; 0: none is

func (p *pulse) begin() { p.since.Store(time.Now().UnixNano()) }
func (p *pulse) end()   { p.since.Store(0) }

// age is how long the call under way has taken, and 0 where none is.
func (p *pulse) age() time.Duration {
	since := p.since.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

// A task is work in a filesystem.
type task struct {
	pulse pulse
	ended chan struct{}
	err   error // valid once ended is closed

	// Guarded by the root's mutex.
	over, hung bool
	cleanup    func()
}

// call waits for work, all of which has to be done within the patience.
func (r *Root) call(ctx context.Context, work func() error) error {
	return r.work(ctx, func(p *pulse) error {
		p.begin()
		defer p.end()
		return work()
	})
}

// work waits for work of which every single call has to be done within the
// patience.
func (r *Root) work(ctx context.Context, work func(*pulse) error) error {
	t, err := r.start(ctx, work)
	if err != nil {
		return err
	}
	return r.wait(ctx, t, nil, nil)
}

// start begins work once there is a slot for it.
func (r *Root) start(ctx context.Context, work func(*pulse) error) (*task, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.slot(ctx); err != nil {
		return nil, err
	}
	t := &task{ended: make(chan struct{})}
	r.mutex.Lock()
	r.running[t] = struct{}{}
	r.mutex.Unlock()
	go func() {
		t.err = work(&t.pulse)
		close(t.ended)
		if cleanup := r.finish(t); cleanup != nil {
			cleanup()
		}
		<-r.slots
	}()
	return t, nil
}

func (r *Root) slot(ctx context.Context) error {
	if r.hangs() {
		return r.notAnswering()
	}
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	tick := time.NewTicker(r.patience / 4)
	defer tick.Stop()
	for {
		select {
		case r.slots <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if r.hangs() {
				return r.notAnswering()
			}
		}
	}
}

// wait returns when the task has ended, ctx ends or a call hangs; it hands on
// what comes in between.
func (r *Root) wait(ctx context.Context, t *task, batches <-chan []Entry, visit func(Entry) error) error {
	tick := time.NewTicker(r.patience / 4)
	defer tick.Stop()
	for {
		select {
		case <-t.ended:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		case batch := <-batches:
			for _, entry := range batch {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := visit(entry); err != nil {
					return err
				}
			}
		case <-tick.C:
			if t.pulse.age() >= r.patience && r.leave(t) {
				return r.notAnswering()
			}
		}
	}
}

// leave counts a task as hung, unless it is over by now.
func (r *Root) leave(t *task) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if t.over {
		return false
	}
	t.hung = true
	r.hung++
	return true
}

func (r *Root) finish(t *task) (cleanup func()) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	t.over = true
	delete(r.running, t)
	if t.hung {
		r.hung--
	}
	return t.cleanup
}

// afterwards runs cleanup when the task is over, whenever that is.
func (r *Root) afterwards(t *task, cleanup func()) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if t.over {
		go cleanup()
		return
	}
	t.cleanup = cleanup
}

func (r *Root) hangs() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.hung > 0
}

func (r *Root) notAnswering() error {
	return fmt.Errorf("folder %s: its filesystem %w", r.path, ErrNotAnswering)
}
