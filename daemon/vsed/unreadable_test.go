package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vsed/daemon/watch/stalling"
)

// TestPhotosOnADamagedDiskHoldUpNoOthers has forty photos whose opening gives an
// error, among sound ones.
func TestPhotosOnADamagedDiskHoldUpNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const damaged, sound = 40, 10
	for i := range damaged {
		w.photo(fmt.Sprintf("bad-%d.jpg", i), red, i)
	}
	for i := range sound {
		w.photo(fmt.Sprintf("good-%d.jpg", i), blue, i)
	}
	disk := stalling.Mount(t, w.photos)
	w.photos = disk.Path
	disk.Spoil("bad-")
	started := time.Now()
	w.start()
	t.Cleanup(w.kill) // before the disk is unmounted
	status := w.settled()
	t.Logf("settled after %.1f s", time.Since(started).Seconds())
	if status.Photos.Encoded != sound || status.Photos.Quarantined != damaged {
		t.Errorf("counts %+v", status.Photos)
	}
	if took := time.Since(started); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	if lines := strings.Count(w.output.String(), "a file was set aside"); lines == 0 || lines >= damaged {
		t.Errorf("%d lines of log for %d files:\n%s", lines, damaged, w.output)
	}
	if file := quarantined(status, "bad-0.jpg"); file == nil || !strings.Contains(file.Reason, "input/output error") || file.NextAttempt == "" {
		t.Errorf("set aside as %+v", file)
	}
}
