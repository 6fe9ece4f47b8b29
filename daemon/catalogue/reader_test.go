package catalogue

import (
	"reflect"
	"testing"
)

// TestPhotosAreReadTogether: each photo of many has what is its own, and stands where
// it was asked for.
func TestPhotosAreReadTogether(t *testing.T) {
	c := open(t, t.TempDir())
	folder, ids := library(t, c, "a.jpg", "b.jpg", "dir/c.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(9)}}))
	encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(9), content(0))
	check(t, c.AddTags(t.Context(), ids[0], []string{"x", "y"}))
	check(t, c.AddTags(t.Context(), ids[2], []string{"z"}))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b.xmp", Stat: stat(20), Sidecar: true}}))
	check(t, c.SidecarRead(t.Context(), must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10))[0], SidecarWords{Keywords: []string{"x"}, Title: "Title"}))
	removed := must[Folder](t)(c.AddFolder(t.Context(), "/away"))
	check(t, c.Observe(t.Context(), removed.ID, []Observation{{Path: "d.jpg", Stat: stat(10)}}))
	away := encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(10), content(10))
	check(t, c.AddTags(t.Context(), away, []string{"kept"}))
	check(t, c.RemoveFolder(t.Context(), "/away"))

	asked := []int64{away, ids[2], 1_000_000, ids[0], ids[1], ids[2]}
	got := must[[]Photo](t)(c.Photos(t.Context(), asked))
	var want []Photo
	for _, id := range asked {
		if id < 1_000_000 {
			want = append(want, must[Photo](t)(c.Photo(t.Context(), id)))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("together\n%+v\none by one\n%+v", got, want)
	}
	if a, b, c, d := want[2], want[3], want[1], want[0]; len(a.Files) != 2 || len(a.Tags) != 2 || b.Title != "Title" || len(b.Tags) != 1 ||
		len(c.Tags) != 1 || c.Files[0].Path != "/photos/dir/c.jpg" || d.LastPath != "/away/d.jpg" || len(d.Files) != 0 {
		t.Errorf("read %+v", want)
	}
}
