package watch

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// Mounts calls changed each time that something was mounted or unmounted on
// this machine, until ctx ends, whose error it then returns.
func Mounts(ctx context.Context, changed func()) error {
	// Not as an os.File: a change is told once, and Go's own poller, which does not
	// wait for it, would take it.
	mounts, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("list of mounts: %w", err)
	}
	defer unix.Close(mounts)
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("list of mounts: %w", err)
	}
	defer unix.Close(wake)
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	for ctx.Err() == nil {
		polled := []unix.PollFd{{Fd: int32(mounts), Events: unix.POLLPRI}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := retry(func() (int, error) { return unix.Poll(polled, -1) }); err != nil {
			if stop() {
				return fmt.Errorf("list of mounts: %w", err)
			}
			break
		}
		if polled[0].Revents != 0 && ctx.Err() == nil {
			changed()
		}
	}
	<-woken // the descriptor is in use until then
	return ctx.Err()
}
