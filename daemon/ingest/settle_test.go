package ingest

import (
	"io/fs"
	"log/slog"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A photo that one space has stays wanted by another while its file may not be
// read: that is no word of the other's encoder.
func TestAFileThatMayNotBeReadIsNotRefused(t *testing.T) {
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	folder, err := c.AddFolder(t.Context(), "/photos")
	check(t, err)
	stat := catalogue.Stat{Inode: 1, Size: 1}
	check(t, c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: "a.jpg", Stat: stat}}))
	waiting, err := c.Undecoded(t.Context(), nil, 1)
	check(t, err)
	_, _, err = c.Identify(t.Context(), waiting[0].ID, stat, catalogue.Content{Digest: [32]byte{1}, Size: 1})
	check(t, err)
	other, err := c.Space(t.Context(), "other")
	check(t, err)
	wanted := func() catalogue.WaitingFile {
		t.Helper()
		files, err := other.Unencoded(t.Context(), nil, 1)
		check(t, err)
		if len(files) != 1 {
			t.Fatal("the photo is not wanted any more")
		}
		return files[0]
	}
	p := New(Parts{Catalogue: c, Targets: []Target{{Space: other, Description: &contract.EncoderDescription{}}}, Log: slog.New(slog.DiscardHandler)})
	file := wanted()
	if again, err := p.settle(t.Context(), job{file, p.targets}, &openError{fs.ErrPermission}); again || err != nil {
		t.Fatal(again, err)
	}
	file = wanted()
	if p.takeOff(file) {
		t.Error("it is tried again at once")
	}
	p.forgiveLate()
	if !p.takeOff(file) {
		t.Error("it is not tried again")
	}
}
