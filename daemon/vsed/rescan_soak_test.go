//go:build soak

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
)

// TestSoakRescan has the keeper of the folders scan a tree of empty files
// twice, into an empty catalogue and then with nothing changed.
func TestSoakRescan(t *testing.T) {
	const files, rescanLimit, memoryLimit = 1_000_000, 40 * time.Second, 300 << 20
	folder, state := t.TempDir(), t.TempDir()
	emptyFiles(t, folder, files)
	c, err := catalogue.Open(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.AddFolder(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	first, firstPeak := keeperScan(t, c)
	before := change(t, c)
	again, peak := keeperScan(t, c)
	t.Logf("%d files: first scan %v, at most %d MB resident; rescan %v, %d MB", files, first, firstPeak>>20, again, peak>>20)
	start := time.Now()
	counts, err := c.Count(t.Context())
	t.Logf("to count them for the status: %v", time.Since(start).Round(time.Millisecond))
	if err != nil || counts[1].Waiting != files || change(t, c) != before {
		t.Errorf("%+v, %v; change %d, was %d", counts, err, change(t, c), before)
	}
	if again > rescanLimit || peak > memoryLimit {
		t.Errorf("the limit is %v and %d MB", rescanLimit, memoryLimit>>20)
	}
}

func change(t *testing.T, c *catalogue.Catalogue) int64 {
	t.Helper()
	number, err := c.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// emptyFiles makes files of a thousand to a folder, written long ago.
func emptyFiles(t *testing.T, folder string, count int) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	for i := range count {
		parent := filepath.Join(folder, strconv.Itoa(i/1000))
		if i%1000 == 0 {
			if err := os.Mkdir(parent, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(parent, fmt.Sprintf("IMG_%07d.jpg", i))
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
}

// keeperScan runs a keeper until it has scanned the one folder whole, and gives
// how long it took, watches and all, and the most memory resident meanwhile.
func keeperScan(t *testing.T, c *catalogue.Catalogue) (took time.Duration, peak int64) {
	t.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err) // 5: the peak begins anew
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	scanned := make(scanEnd, 1)
	keeper := folders.New(c, slog.New(slog.NewTextHandler(scanned, nil)))
	start := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- keeper.Run(ctx) }()
	<-scanned
	took = time.Since(start)
	peak = statusBytes(t, os.Getpid(), "VmHWM")
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return took.Round(time.Millisecond), peak
}

// A scanEnd is a log that waits for the line of a scan's end.
type scanEnd chan struct{}

func (s scanEnd) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "scanned a folder") {
		select {
		case s <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// statusBytes reads a line of /proc/PID/status that is in kB.
func statusBytes(t *testing.T, pid int, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == name+":" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("no %s of process %d", name, pid)
	return 0
}
