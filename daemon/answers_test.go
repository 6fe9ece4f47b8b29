package daemon

import (
	"slices"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
)

// What was moved is missing where it was: no copy of what is there.
func TestMissingFilesAreNoCopies(t *testing.T) {
	moved, here, away := catalogue.File{Path: "/a", Missing: true}, catalogue.File{Path: "/b"}, catalogue.File{Path: "/c", Offline: true}
	f := func(state string, paths, missing []string, files ...catalogue.File) {
		t.Helper()
		got := described(catalogue.Photo{Files: files, Encoded: true}, nil)
		if got.State != state || !slices.Equal(texts(got.Paths), paths) || !slices.Equal(texts(got.Missing), missing) {
			t.Errorf("of %+v: %s, %v, missing %v", files, got.State, got.Paths, got.Missing)
		}
		if len(paths) > 0 && got.Text != paths[0] {
			t.Errorf("shown as %s", got.Text)
		}
	}
	f("encoded", []string{"/b"}, []string{"/a"}, here, moved)
	f("encoded", []string{"/b", "/c"}, []string{"/a"}, here, away, moved)
	f("offline", []string{"/c"}, []string{"/a"}, away, moved)
	f("missing", []string{"/a"}, []string{"/a"}, moved)
	f("missing", nil, nil)
	refused := catalogue.File{Path: "/d", Rejected: true}
	f("quarantined", []string{"/d"}, []string{"/a"}, moved, refused)
}

func texts(paths []api.Path) (texts []string) {
	for _, path := range paths {
		texts = append(texts, path.Text)
	}
	return texts
}

// A photo that was moved is counted once: where it was is missing.
func TestTheTotalLeavesOutWhatIsMissing(t *testing.T) {
	got := count(catalogue.Counts{Encoded: 57, Waiting: 4, Quarantined: 2, Offline: 1, Missing: 22, Ignored: 8})
	if got.Total != 64 || got.Missing != 22 || got.Ignored != 8 {
		t.Errorf("%+v", got)
	}
}
