package encoder

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// pictureNiceness is how much nicer pictures are than queries: as much as the
// decoders of ingest.
const pictureNiceness = 10

// aside is a thread that gives way to all others of the machine. What is loaded on
// it has its threads do so as well.
type aside struct{ jobs chan func() }

func newAside() *aside {
	a := &aside{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		// Where that is refused, pictures take as much as queries.
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness()+pictureNiceness)
		for job := range a.jobs {
			job()
		}
	}()
	return a
}

// do runs f there and waits for it.
func (a *aside) do(f func() error) (err error) {
	done := make(chan struct{})
	a.jobs <- func() {
		defer close(done)
		err = f()
	}
	<-done
	return err
}

// close ends the thread; nothing may be under way or follow.
func (a *aside) close() { close(a.jobs) }

// niceness is that of the thread that calls.
func niceness() int {
	const none = 20 // the kernel counts down from there, to tell it from an error
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		return 0
	}
	return none - raw
}
