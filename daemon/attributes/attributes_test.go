package attributes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
	"vsed/index"
)

func TestPatterns(t *testing.T) {
	f := func(matches bool, match func(string) bool, text string) {
		t.Helper()
		if match(text) != matches {
			t.Errorf("%q: got %v", text, !matches)
		}
	}
	f(true, whole("São  PAULO"), "sao paulo")
	f(false, whole("paulo"), "sao paulo")
	f(true, whole("*paulo"), "sao paulo")
	f(true, whole("s*o*o"), "sao paulo")
	f(false, whole("s*x*o"), "sao paulo")
	f(true, whole("*"), "")
	ofBytes := func(match func([]byte) bool) func(string) bool {
		return func(text string) bool { return match([]byte(text)) }
	}
	f(true, ofBytes(part("Pixel")), "google pixel 7")
	f(false, ofBytes(part("pixel*")), "google pixel 7")
	f(true, ofBytes(part("**pixel**")), "google pixel 7")
	f(false, whole(strings.Repeat("a*", 5000)+"b"), strings.Repeat("a", 10_000))
}

func TestFolderPatterns(t *testing.T) {
	f := func(matches bool, pattern, below string) {
		t.Helper()
		file := catalogue.File{Folder: "/home/ann/Holidays", Path: "/home/ann/Holidays/" + below + "/a.jpg"}
		if folderMatch(pattern)(newFolder(file)) != matches {
			t.Errorf("%s, %s: got %v", pattern, below, !matches)
		}
	}
	f(true, "2024/**", "2024")
	f(true, "2024/**", "2024/Rome/x")
	f(true, "2024", "2024/Rome")
	f(true, "2024/", "2024/Rome")
	f(true, "2024/rome", "2024/Rome")
	f(false, "2024", "20240")
	f(false, "rome", "2024/Rome")
	f(true, "**/rome", "2024/Rome")
	f(true, "**/rome/**", "2024/Rome/x")
	f(false, "*", "2024/Rome")
	f(true, "*/*", "2024/Rome")
	f(true, "20*/r*", "2024/Rome")
	f(true, "holidays/2024", "2024")
	f(true, "/home/ann", "2024")
	f(true, "/home/*/holidays/2024", "2024")
	f(false, "/2024", "2024")
	f(true, "Holidays", "")
	f(true, "**", "")
}

func TestNames(t *testing.T) {
	b := newBlock()
	want := make(map[int]string)
	for i := range 20_000 {
		row, name := i*7919%blockRows, fmt.Sprintf("img_%d\x00é%d.jpg", i, i%3)
		if i%5 == 0 {
			name = ""
		}
		b.setName(row, name)
		want[row] = name
	}
	for row := range blockRows {
		if got := string(b.nameOf(row)); got != want[row] {
			t.Fatalf("row %d: got %q, want %q", row, got, want[row])
		}
	}
	if len(b.names) > 2*blockRows*20 {
		t.Errorf("%d bytes for %d names", len(b.names), blockRows)
	}
}

// TestFollowsTheCatalogue: what changes in the catalogue changes what is found,
// and a folder that goes offline needs no change of a photo.
func TestFollowsTheCatalogue(t *testing.T) {
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	t.Cleanup(func() { check(c.Close()) })
	folder, err := c.AddFolder(t.Context(), "/photos")
	check(err)
	s := New(c, nil)
	find := func(text string, want ...int64) {
		t.Helper()
		check(s.CatchUp(t.Context()))
		q, err := query.Parse(text, query.Settings{})
		check(err)
		set, err := s.Select(t.Context(), q.Alternatives[0].Filter)
		check(err)
		if found := slices.Collect(set.All); !slices.Equal(found, want) || set.Len() != len(want) {
			t.Errorf("%s: got %v, want %v", text, found, want)
		}
	}
	find("is:untagged")
	for i, path := range []string{"a/x.jpg", "b/y.jpg"} {
		stat := catalogue.Stat{Inode: uint64(i + 1), Size: 1}
		check(c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: path, Stat: stat}}))
		waiting, err := c.Undecoded(t.Context(), nil, 1)
		check(err)
		metadata := catalogue.Metadata{Taken: fmt.Sprintf("202%d-05-06T07:08:09", i), Rating: i}
		_, _, err = c.Identify(t.Context(), waiting[0].ID, stat, catalogue.Content{Digest: [32]byte{byte(i)}, Metadata: metadata})
		check(err)
	}
	find("is:untagged", 1, 2)
	find("date:2020", 1)
	find("folder:b OR name:x", 1, 2)
	find("rating:1", 2)
	find("is:offline")
	check(c.AddTags(t.Context(), 1, []string{"Beach"}))
	find("tag:beach", 1)
	find("-tag:beach", 2)
	check(c.SetFolderState(t.Context(), folder.ID, true, "not mounted"))
	find("is:offline", 1, 2)
	check(c.RemoveTags(t.Context(), 1, []string{"Beach"}))
	find("tag:beach")
	check(c.SetFolderState(t.Context(), folder.ID, false, ""))
	check(c.Vanished(t.Context(), folder.ID, []string{"a/x.jpg"}))
	find("-is:offline", 2)
	if caughtUp, err := s.CaughtUp(t.Context()); err != nil || !caughtUp {
		t.Errorf("caught up: %v, %v", caughtUp, err)
	}
}

func TestListsAreTheSameInPages(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	s := New(nil, nil)
	for id := range int64(3000) {
		photo := randomPhoto(random, id+1)
		if err := s.apply([]catalogue.Photo{photo}); err != nil {
			t.Fatal(err)
		}
	}
	all := Set{s.eval(nil, nil)}
	for _, wanted := range []Listing{{}, {Oldest: true}, {Ungrouped: true}} {
		var want []index.Hit
		groups := make(map[int64]bool)
		for _, hit := range s.ByTime(slices.Collect(all.All), wanted.Oldest) {
			if group := s.Group(hit.ID); wanted.Ungrouped || !groups[group] {
				groups[group], want = true, append(want, hit)
			}
		}
		var got []index.Hit
		for wanted.Limit = 7; ; wanted.After = &got[len(got)-1] {
			page := s.List(all, wanted)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %d photos, want %d", wanted, len(got), len(want))
		}
	}
}
