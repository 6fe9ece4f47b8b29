package catalogue

import (
	"testing"
	"time"
)

// on is the stat of a file on a device.
func on(device uint64, inode int) Stat {
	s := stat(inode)
	s.Device = device
	return s
}

// scanned has a walk see files, and counts what is missing then.
func scanned(t *testing.T, c *Catalogue, folder Folder, seen ...Observation) (missing int64) {
	t.Helper()
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), seen))
	check(t, scan.Finish(t.Context(), nil))
	return must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID].Missing
}

// A disk may have another number after each start of the machine.
func TestWhatWasDeletedFromARenumberedDiskIsMissing(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "a.jpg", "deleted.jpg")
	if missing := scanned(t, c, folder, Observation{Path: "a.jpg", Stat: on(7, 0)}); missing != 1 {
		t.Errorf("%d are missing, want deleted.jpg", missing)
	}
}

// The number of a disk that is away may be that of another one by now.
func TestWhatIsOnADiskThatIsAwayIsNotMissing(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c)
	own, below := Observation{Path: "own.jpg", Stat: on(1, 0)}, Observation{Path: "disk/a.jpg", Stat: on(2, 1)}
	ignored := Observation{Path: "x.txt", Stat: on(2, 2), Rule: "not a photo"}
	sidecar := Observation{Path: "disk/a.xmp", Stat: on(2, 3), Sidecar: true}
	scanned(t, c, folder, own, below, ignored, sidecar)
	ignored.Stat.Device = 1 // and its row keeps what it had
	if missing := scanned(t, c, folder, own, ignored); missing != 0 {
		t.Errorf("%d are missing", missing)
	}
	if left := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10)); len(left) != 1 {
		t.Errorf("sidecars %+v", left)
	}
	for _, gone := range []struct {
		path   string
		device uint64
		want   bool
	}{{"disk", 1, true}, {"disk/a.jpg", 1, true}, {"disk/a.jpg", 2, false}, {"disk/a.xmp", 1, true}, {"own.jpg", 1, false}, {"dis", 1, false}} {
		if got := must[bool](t)(c.OnOtherDevice(t.Context(), folder.ID, gone.path, gone.device)); got != gone.want {
			t.Errorf("%s on another device than %d: %v", gone.path, gone.device, got)
		}
	}
}

// A mount that comes and goes may give its files other numbers each time, as
// sshfs and exFAT do, and may go again before they were looked at. Each is the
// photo it was, recognised by its digest without a decode.
func TestAFlappingMountRenumbersNoPhoto(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "b.jpg", "c.jpg")
	check(t, c.AddTags(t.Context(), photos[1], []string{"kept"}))
	names := []string{"a.jpg", "b.jpg", "c.jpg"}
	numbered := func(flap, i int) Stat {
		s := on(uint64(100+flap), 1000*flap+i)
		s.ChangedNanos = int64(flap)
		return s
	}
	for flap := 1; flap <= 6; flap++ {
		check(t, c.SetFolderState(t.Context(), folder.ID, true, "not mounted"))
		if waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)); len(waiting) != 0 {
			t.Fatalf("flap %d: %+v wait while their folder is away", flap, waiting)
		}
		check(t, c.SetFolderState(t.Context(), folder.ID, false, ""))
		var seen []Observation
		for i, name := range names {
			seen = append(seen, Observation{Path: name, Stat: numbered(flap, i)})
		}
		if missing := scanned(t, c, folder, seen...); missing != 0 {
			t.Fatalf("flap %d: %d are missing", flap, missing)
		}
		check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
		if flap%2 == 1 {
			continue // away again before anything was read
		}
		for i, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)) {
			if !file.Known || !must[bool](t)(c.Recognise(t.Context(), file.ID, file.Stat, content(byte(i)).Digest, c.Serving())) {
				t.Errorf("flap %d: %s is not recognised", flap, file.Path)
			}
		}
		for i, name := range names {
			at := must[[]Photo](t)(c.PhotosAt(t.Context(), "/photos/"+name))
			if len(at) != 1 || at[0].ID != photos[i] || !at[0].Encoded || !at[0].Visible() || len(at[0].Tags) != i%2 {
				t.Errorf("flap %d: at %s are %+v, want photo %d", flap, name, at, photos[i])
			}
		}
	}
}
