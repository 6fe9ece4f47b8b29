package catalogue

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

func open(t *testing.T, folder string) *Catalogue {
	t.Helper()
	c, err := Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stat(inode int) Stat {
	return Stat{Device: math.MaxUint64, Inode: uint64(inode), Size: 10, ModifiedNanos: 1, ChangedNanos: 2}
}

func content(n byte) Content {
	return Content{Digest: [32]byte{n}, Size: 10, Format: "jpeg", Width: 4, Height: 3}
}

// serve makes the space of that name the one that serves.
func serve(t *testing.T, c *Catalogue, name string) *Space {
	t.Helper()
	s := must[*Space](t)(c.Space(t.Context(), name))
	check(t, c.Serve(t.Context(), s))
	return s
}

// encode takes the waiting file through to its vector.
func encode(t *testing.T, c *Catalogue, file WaitingFile, s Stat, what Content) int64 {
	t.Helper()
	photo, lacking, err := c.Identify(t.Context(), file.ID, s, what, c.Serving())
	check(t, err)
	for _, space := range lacking {
		check(t, space.Store(t.Context(), map[int64]Embedding{photo: {Vector: []float32{1, 0}, Provider: "cpu", Precision: "float32"}}))
	}
	return photo
}

// library is a folder of files, one photo each, encoded.
func library(t *testing.T, c *Catalogue, names ...string) (folder Folder, photos []int64) {
	t.Helper()
	serve(t, c, "test-space")
	folder = must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	for i, name := range names {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: name, Stat: stat(i)}}))
		waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
		if len(waiting) != 1 || waiting[0].Path != name {
			t.Fatalf("waiting: %+v, want %q", waiting, name)
		}
		photos = append(photos, encode(t, c, waiting[0], stat(i), content(byte(i))))
	}
	return folder, photos
}

func TestEveryFileIsAccountedFor(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "encoded.jpg", "gone.jpg")
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{
		{Path: "encoded.jpg", Stat: stat(0)},
		{Path: "waiting.jpg", Stat: stat(7)},
		{Path: "bad.jpg", Stat: stat(8)},
		{Path: ".hidden", Stat: stat(9), Rule: "hidden"},
	}))
	check(t, scan.Finish(t.Context(), nil))
	for _, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)) {
		if file.Path == "bad.jpg" {
			check(t, c.Quarantine(t.Context(), file, "is text", 0))
		}
	}
	want := Counts{Encoded: 1, Waiting: 1, Quarantined: 1, Missing: 1, Ignored: 1, IgnoredBy: map[string]int64{"hidden": 1}}
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	check(t, c.SetFolderState(t.Context(), folder.ID, true, "not mounted"))
	want = Counts{Offline: 3, OfflineEncoded: 1, Missing: 1, Ignored: 1, IgnoredBy: want.IgnoredBy}
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("offline: counts %+v, want %+v", got, want)
	}
}

func TestAnUnchangedTreeCostsNoChange(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "a.jpg", "b.jpg")
	before := must[int64](t)(c.Change(t.Context()))
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{{Path: "a.jpg", Stat: stat(0)}, {Path: "b.jpg", Stat: stat(1)}}))
	check(t, scan.Finish(t.Context(), nil))
	if after := must[int64](t)(c.Change(t.Context())); after != before {
		t.Errorf("change %d after a scan that saw nothing new, was %d", after, before)
	}
}

func TestAMovedFolderKeepsPhotoAndTags(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "sub/a.jpg", Stat: stat(0)}}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	photo := must[Photo](t)(c.Photo(t.Context(), photos[0]))
	if photo.Files[0].Path != "/photos/sub/a.jpg" || photo.Files[0].Missing || len(photo.Tags) != 1 {
		t.Errorf("after a move: %+v", photo)
	}
	if waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)); len(waiting) != 0 {
		t.Errorf("a moved folder waits for a decode: %+v", waiting)
	}
}

func TestARenamedFileIsRecognisedByItsDigest(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	renamed := stat(0)
	renamed.ChangedNanos++ // as rename(2) does
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b.jpg", Stat: renamed}}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	if len(waiting) != 1 || !waiting[0].Known {
		t.Fatalf("waiting: %+v, want one of a known size", waiting)
	}
	if must[bool](t)(c.Recognise(t.Context(), waiting[0].ID, renamed, [32]byte{99}, c.Serving())) {
		t.Error("an unknown digest was recognised")
	}
	if !must[bool](t)(c.Recognise(t.Context(), waiting[0].ID, renamed, content(0).Digest, c.Serving())) {
		t.Error("the known digest was not recognised")
	}
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); photo.Files[0].Path != "/photos/b.jpg" || !photo.Visible() {
		t.Errorf("after a rename: %+v", photo)
	}
}

func TestChangedContentIsDecodedAgain(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	edited := stat(0)
	edited.ModifiedNanos++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: edited}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	if len(waiting) != 1 {
		t.Fatalf("waiting: %+v", waiting)
	}
	if photo, _, err := c.Identify(t.Context(), waiting[0].ID, stat(0), content(9)); err != nil || photo != 0 {
		t.Errorf("a decode of what the file held before was taken: photo %d, %v", photo, err)
	}
	if photo := encode(t, c, waiting[0], edited, content(9)); photo == photos[0] {
		t.Error("new content has the old photo")
	}
	if old := must[Photo](t)(c.Photo(t.Context(), photos[0])); old.Visible() {
		t.Errorf("the old content is still shown: %+v", old)
	}
}

func TestNearDuplicatesAndBurstsAreGroups(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	const hash = 0x0123456789abcdef
	shots := []Content{
		{PerceptualHash: hash},
		{PerceptualHash: hash ^ 1<<3 ^ 1<<20 ^ 1<<60}, // three bits, in three parts
		{PerceptualHash: hash ^ 0xf},                  // four bits
		{Metadata: Metadata{Taken: "2024-05-01T12:00:00", Camera: "C"}},
		{Metadata: Metadata{Taken: "2024-05-01T12:00:02", Camera: "C"}},
		{Metadata: Metadata{Taken: "2024-05-01T12:00:02", Camera: "D"}},
		{Metadata: Metadata{Taken: "2024-05-01T12:00:05", Camera: "C"}},
	}
	var groups []int64
	for i, shot := range shots {
		shot.Digest = [32]byte{byte(i + 1)}
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: fmt.Sprint(i), Stat: stat(i)}}))
		photo := encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(i), shot)
		groups = append(groups, must[Photo](t)(c.Photo(t.Context(), photo)).Group)
	}
	if want := []int64{1, 1, 3, 4, 4, 6, 7}; !slices.Equal(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
	similar := func(want map[int64]int) {
		t.Helper()
		if got := must[map[int64]int](t)(c.Similar(t.Context(), []int64{1, 2, 3, 4, 5, 99})); !maps.Equal(got, want) {
			t.Errorf("similar photos %v, want %v", got, want)
		}
	}
	similar(map[int64]int{1: 1, 2: 1, 4: 1, 5: 1})
	check(t, c.Vanished(t.Context(), folder.ID, []string{"0", "4"}))
	similar(map[int64]int{1: 1, 5: 1})
}

func TestUnreadFoldersAreNotDeclaredMissing(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "locked/a.jpg", "locked-not/a.jpg", "b.jpg")
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{{Path: "b.jpg", Stat: stat(2)}}))
	check(t, scan.Finish(t.Context(), []string{"locked"}))
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; got.Encoded != 2 || got.Missing != 1 {
		t.Errorf("counts %+v", got)
	}
	if folders := must[[]Folder](t)(c.Folders(t.Context())); folders[0].LastScan.IsZero() {
		t.Error("the scan does not count")
	}
}

func TestTheConfigurationsFoldersComeAndGo(t *testing.T) {
	c := open(t, t.TempDir())
	must[Folder](t)(c.AddFolder(t.Context(), "/by-hand"))
	watched := func(paths ...string) (names []string, refused int) {
		refused = len(must[[]error](t)(c.ConfigureFolders(t.Context(), paths)))
		for _, folder := range must[[]Folder](t)(c.Folders(t.Context())) {
			names = append(names, folder.Path)
		}
		return names, refused
	}
	for _, one := range []struct {
		configured, want []string
		refused          int
	}{
		{[]string{"/p/a"}, []string{"/by-hand", "/p/a"}, 0},
		{[]string{"/p"}, []string{"/by-hand", "/p"}, 0},
		{[]string{"/p", "/by-hand/sub"}, []string{"/by-hand", "/p"}, 1},
		{nil, []string{"/by-hand"}, 0},
	} {
		if got, refused := watched(one.configured...); !slices.Equal(got, one.want) || refused != one.refused {
			t.Errorf("configured %v: watched %v, refused %d", one.configured, got, refused)
		}
	}
}

func TestVanishedDirectoryTakesOnlyItsOwnFiles(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "dir/a.jpg", "dir/b/c.jpg", "dir-2/a.jpg", "dir0", "di\xffr")
	check(t, c.Vanished(t.Context(), folder.ID, []string{"dir"}))
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; got.Missing != 2 || got.Encoded != 3 {
		t.Errorf("counts %+v, want 2 missing, 3 encoded", got)
	}
}

func TestChangedPagesThroughSharedChangeNumbers(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a", "b", "c", "d", "e")
	check(t, c.SetFolderState(t.Context(), folder.ID, true, "")) // one change number for all five
	var seen []int64
	for cursor := (Cursor{}); ; {
		page := must[[]Change](t)(c.Serving().Changed(t.Context(), cursor, 2))
		if len(page) == 0 {
			break
		}
		for _, change := range page {
			if len(change.Vector) != 2 {
				t.Errorf("photo %d has the vector %v", change.Photo, change.Vector)
			}
			seen = append(seen, change.Photo)
		}
		cursor = page[len(page)-1].Cursor
	}
	if !slices.Equal(seen, photos) {
		t.Errorf("paged %v, want %v", seen, photos)
	}
}

// A search in the middle of ingest is such a reader.
func TestReadersDoNotWaitForAWriter(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a", "b")
	check(t, c.update(t.Context(), func(w change) error {
		found, err := c.Photos(t.Context(), photos)
		if len(found) != len(photos) {
			t.Errorf("found %d photos of %d while a change is written", len(found), len(photos))
		}
		return err
	}))
}

func TestSpacesAreKeptApartAndComeBack(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	_, photos := library(t, c, "a.jpg")
	other := serve(t, c, "other")
	if waiting := must[[]WaitingFile](t)(other.Unencoded(t.Context(), nil, 10)); len(waiting) != 1 || waiting[0].Photo != photos[0] {
		t.Errorf("in another space, unencoded: %+v", waiting)
	}
	serve(t, c, "test-space")
	check(t, c.Close())
	if again := open(t, folder); !must[Photo](t)(again.Photo(t.Context(), photos[0])).Encoded {
		t.Error("the vector is gone after a restart")
	}
	if _, err := c.Space(t.Context(), "../escape"); err == nil {
		t.Error("a space name with a slash was taken")
	}
}

func TestCopiesAreOnePhotoAndAreEncodedOnce(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(5)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	photo, lacking, err := c.Identify(t.Context(), waiting[0].ID, stat(5), content(0), c.Serving())
	check(t, err)
	if photo != photos[0] || len(lacking) > 0 {
		t.Errorf("a copy is photo %d (needs a vector: %v), want %d", photo, len(lacking) > 0, photos[0])
	}
	if files := must[Photo](t)(c.Photo(t.Context(), photo)).Files; len(files) != 2 {
		t.Errorf("files %+v", files)
	}
}

func TestFoldersDoNotOverlap(t *testing.T) {
	c := open(t, t.TempDir())
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024"))
	var nested *NestedError
	for _, path := range []string{"/photos", "/photos/2024/may"} {
		if _, err := c.AddFolder(t.Context(), path); !errors.As(err, &nested) {
			t.Errorf("adding %s: %v", path, err)
		}
	}
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024-a"))
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024/")) // the same again
	if err := c.RemoveFolder(t.Context(), "/elsewhere"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing an unknown folder: %v", err)
	}
}

func TestRemovedFolderComesBackWithTagsAndVectors(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	check(t, c.RemoveFolder(t.Context(), "/photos"))
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); photo.Visible() {
		t.Errorf("still shown: %+v", photo)
	}
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(0)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	if photo, lacking, err := c.Identify(t.Context(), waiting[0].ID, stat(0), content(0), c.Serving()); err != nil || photo != photos[0] || len(lacking) > 0 {
		t.Errorf("photo %d, needs a vector %v, %v", photo, len(lacking) > 0, err)
	}
}

func TestADiskMountedBelowAndAwayIsNotMissing(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "a.jpg", "gone.jpg")
	usb := stat(9)
	usb.Device = 7
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "usb/b.jpg", Stat: usb}}))
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{{Path: "a.jpg", Stat: stat(0)}}))
	check(t, scan.Finish(t.Context(), nil))
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; got.Missing != 1 || got.Waiting != 1 {
		t.Errorf("counts %+v, want one missing and one that stays as it was", got)
	}
}

func TestAnotherNumberOfTheDeviceCostsNoDecode(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	mounted := stat(0)
	mounted.Device = 3
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: mounted}}))
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); !photo.Visible() {
		t.Errorf("after another mount: %+v", photo)
	}
}

func TestAFoldersIdentityGoesWithIt(t *testing.T) {
	c := open(t, t.TempDir())
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.SetFolderIdentity(t.Context(), folder.ID, []byte("disk 1")))
	if kept := must[[]byte](t)(c.FolderIdentity(t.Context(), folder.ID)); string(kept) != "disk 1" {
		t.Errorf("kept %q", kept)
	}
	check(t, c.RemoveFolder(t.Context(), folder.Path))
	check(t, c.SetFolderIdentity(t.Context(), folder.ID, []byte("disk 2"))) // by a scan that was about to end
	if kept := must[[]byte](t)(c.FolderIdentity(t.Context(), folder.ID)); kept != nil {
		t.Errorf("kept %q of a folder that is gone", kept)
	}
}

func TestCountsFollowEveryWrite(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a", "b")
	count := func() Counts { return must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID] }
	if got := count(); got.Encoded != 2 {
		t.Errorf("counts %+v", got)
	}
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "note.txt", Rule: "not a photo: .txt"}})) // has no change number
	if got := count(); got.Ignored != 1 {
		t.Errorf("after an ignored file %+v", got)
	}
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	check(t, other.Store(t.Context(), map[int64]Embedding{photos[0]: {Vector: []float32{1, 0}}}))
	check(t, c.Serve(t.Context(), other))
	if got := count(); got.Encoded != 1 || got.Waiting != 1 {
		t.Errorf("in another space %+v", got)
	}
}
