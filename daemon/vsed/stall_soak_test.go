//go:build soak

package main

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/watch/stalling"
)

const (
	stallPhotos = 300
	stallTime   = time.Minute
)

// A stall is a daemon over a folder on a filesystem in user space and one on the
// local disk.
type stall struct {
	*world
	disk           *stalling.Filesystem
	backing, local string
}

// newStall returns while photos of the far folder wait.
func newStall(t *testing.T) *stall {
	w := newWorld(t, "--slow", "100ms")
	s := &stall{world: w, backing: w.photos, local: w.photos + "-local"}
	s.far("first", stallPhotos)
	s.near("near-0.jpg", 0)
	s.disk = stalling.Mount(t, s.backing)
	w.photos = s.disk.Path
	t.Cleanup(w.kill)        // before the disk is unmounted
	t.Cleanup(s.disk.Answer) // before that
	w.start("--folder", s.local)
	w.untilStatus("some are encoded, and some wait", func(status api.Status) bool {
		return status.Photos.Total == stallPhotos+1 && status.Photos.Encoded > 0
	})
	return s
}

// far adds photos behind the filesystem's back.
func (s *stall) far(name string, count int) {
	s.photos = s.backing
	for i := range count {
		s.photo(fmt.Sprintf("%s/%d.jpg", name, i), red, i)
	}
}

func (s *stall) near(name string, number int) {
	s.photos = s.local
	s.photo(name, blue, number)
}

// after gives the time from start until the status is so.
func (s *stall) after(start time.Time, what string, so func(api.Status) bool) string {
	s.untilStatus(what, so)
	return fmt.Sprintf("%s after %.1f s", what, time.Since(start).Seconds())
}

func (s *stall) state(status api.Status) string {
	at := slices.IndexFunc(status.Folders, func(folder api.Folder) bool { return folder.Text == s.disk.Path })
	return status.Folders[at].State
}

// deletions counts the events of files that went missing, of a stopped daemon.
func (s *stall) deletions() (count int) {
	c, err := catalogue.Open(s.Context(), s.world.state)
	s.check(err)
	defer c.Close()
	for after := int64(0); ; {
		events, err := c.Events(s.Context(), after, 1000)
		s.check(err)
		if len(events) == 0 {
			return count
		}
		for _, event := range events {
			after = event.Change
			if event.Kind == catalogue.FileMissing {
				count++
			}
		}
	}
}

// TestSoakAFolderStallsForAMinute has photos of another folder taken in
// meanwhile, and everything afterwards.
func TestSoakAFolderStallsForAMinute(t *testing.T) {
	s := newStall(t)
	start := time.Now()
	s.disk.Stall()
	told := s.after(start, "not answering", func(status api.Status) bool { return s.state(status) == api.FolderNotAnswering })
	worst, added := time.Duration(0), 1
	for ; time.Since(start) < stallTime; added++ {
		began := time.Now()
		name := fmt.Sprintf("near-%d.jpg", added)
		s.near(name, added)
		s.world.until("the near photo is found", func() bool { return slices.Contains(s.find("blue"), name) })
		worst = max(worst, time.Since(began))
	}
	s.far("second", 20)
	if waiting := s.disk.Waiting(); waiting > 4 {
		t.Errorf("%d calls hang", waiting)
	}
	s.disk.Answer()
	start = time.Now()
	back := s.after(start, "online", func(status api.Status) bool { return s.state(status) == api.FolderOnline })
	want := int64(stallPhotos + added) // the second folder's photos are copies
	done := s.after(start, "all taken in", func(status api.Status) bool { return status.Ready && status.Photos.Encoded == want+20 })
	status := s.settled()
	if status.Photos.Quarantined+status.Photos.Missing+status.Photos.Offline != 0 {
		t.Errorf("counts %+v, set aside %+v", status.Photos, status.Quarantined)
	}
	s.stop()
	deletions := s.deletions()
	if deletions != 0 {
		t.Errorf("%d files went missing", deletions)
	}
	t.Logf("stall of %v: %s; %d near photos meanwhile, each found within %.1f s; after it: %s, %s; %d deletions",
		stallTime, told, added-1, worst.Seconds(), back, done, deletions)
}

// TestSoakExitWhileAFolderStalls ends the daemon while decoders and scans hang.
func TestSoakExitWhileAFolderStalls(t *testing.T) {
	s := newStall(t)
	s.disk.Stall()
	s.untilStatus("the stall is told", func(status api.Status) bool { return s.state(status) == api.FolderNotAnswering })
	start := time.Now()
	s.stop() // within 5 s
	t.Logf("ended %.2f s after SIGTERM", time.Since(start).Seconds())
}

// TestSoakExitWhileADeafFolderStalls: the kernel keeps a process for as long as a
// filesystem in user space does not mind its end. The daemon has let go of
// everything all the same, so that the next one can start.
func TestSoakExitWhileADeafFolderStalls(t *testing.T) {
	s := newStall(t)
	s.disk.StallDeaf()
	s.untilStatus("the stall is told", func(status api.Status) bool { return s.state(status) == api.FolderNotAnswering })
	start := time.Now()
	first, ended := s.daemon, s.ended
	s.check(first.Process.Signal(os.Interrupt))
	s.world.until("it does not answer any more", func() bool {
		_, err := s.client.Status(s.Context())
		return err != nil
	})
	next := *s.world
	next.photos = s.local
	s.world.until("the next one starts", func() bool { return next.tryStart() })
	t.Logf("the next daemon answers %.2f s after SIGINT", time.Since(start).Seconds())
	next.stop()
	s.disk.Answer()
	select {
	case err := <-ended:
		s.check(err)
	case <-time.After(5 * time.Second):
		t.Error("the process does not end once the filesystem answers")
	}
	s.daemon = nil
}

// tryStart starts the daemon and reports whether it stays and answers.
func (w *world) tryStart() bool {
	command := w.command()
	w.output, w.ended = &output{}, make(chan error, 1)
	command.Env = append(os.Environ(), w.environment...)
	command.Stdout, command.Stderr = w.output, w.output
	w.check(command.Start())
	ended := w.ended
	go func() { ended <- command.Wait() }()
	for {
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
			if _, err := w.client.Status(w.Context()); err == nil {
				w.daemon = command
				return true
			}
		}
	}
}
