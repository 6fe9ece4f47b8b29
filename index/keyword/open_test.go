package keyword_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/index/keyword"
)

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "keyword")
	x := open(t, dir)
	expectChange(t, x, 0)
	apply(t, x, 41, keyword.Document{ID: 7, Tags: []string{"cat"}})
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir)
	expectChange(t, x, 41)
	if got := find(t, x, "cats"); x.Rebuilt() != nil || !slices.Equal(got, []int64{7}) {
		t.Errorf("got %v, rebuilt: %v", got, x.Rebuilt())
	}
}

func expectChange(t *testing.T, x *keyword.Index, want int64) {
	t.Helper()
	if got, err := x.Change(); err != nil || got != want {
		t.Errorf("change: got %d, %v, want %d", got, err, want)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	apply(t, x, 3, keyword.Document{ID: 1, Tags: []string{"cat"}})
	if _, err := keyword.Open(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
	expectChange(t, x, 3)
	if got := find(t, x, "cat"); len(got) != 1 {
		t.Errorf("the first one lost its photo: %v", got)
	}
}

// made returns a closed index of some segments.
func made(t *testing.T) string {
	dir := t.TempDir()
	x := open(t, dir)
	for id := range int64(5) {
		apply(t, x, id+1, keyword.Document{ID: id, Tags: []string{"cat", fmt.Sprint("tag", id)}, Names: []string{"a.jpg"}})
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// stored lists the files of an index, the table of contents among them.
func stored(t *testing.T, dir string) []string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "store", "*.zap"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return append(segments, filepath.Join(dir, "store", "root.bolt"), filepath.Join(dir, "index_meta.json"))
}

// TestDamage flips, cuts, empties and removes each file in turn. An index must
// open then, as it was after some change or empty, say which change that was,
// and work.
func TestDamage(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	damages := map[string]func(name string, data []byte) error{
		"flipped": func(name string, data []byte) error {
			data[source.IntN(len(data))] ^= 0x40
			return os.WriteFile(name, data, 0o600)
		},
		"cut":     func(name string, data []byte) error { return os.WriteFile(name, data[:len(data)/2], 0o600) },
		"emptied": func(name string, _ []byte) error { return os.WriteFile(name, nil, 0o600) },
		"zeroed":  func(name string, data []byte) error { return os.WriteFile(name, make([]byte, len(data)), 0o600) },
		"removed": func(name string, _ []byte) error { return os.Remove(name) },
		"alien":   func(name string, _ []byte) error { return os.WriteFile(name, []byte("hello, this is text\n"), 0o600) },
	}
	for name, damage := range damages {
		for number := range stored(t, made(t)) {
			t.Run(fmt.Sprint(name, number), func(t *testing.T) {
				dir := made(t)
				files := stored(t, dir)
				file := files[min(number, len(files)-1)]
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := damage(file, data); err != nil {
					t.Fatal(err)
				}
				expectSound(t, dir)
			})
		}
	}
}

func expectSound(t *testing.T, dir string) {
	t.Helper()
	x := open(t, dir)
	change, err := x.Change()
	if err != nil {
		t.Fatal(err)
	}
	got := find(t, x, "cat")
	if !slices.Equal(got, []int64{0, 1, 2, 3, 4}[:change]) || change == 0 && x.Rebuilt() == nil {
		t.Errorf("change %d, photos %v, rebuilt: %v", change, got, x.Rebuilt())
	}
	apply(t, x, 9, keyword.Document{ID: 50, Tags: []string{"cat"}})
	if got := find(t, x, "cat"); !slices.Contains(got, 50) {
		t.Errorf("after a write: got %v", got)
	}
}

func TestAlienFolderKeepsItsFiles(t *testing.T) {
	dir := t.TempDir()
	letter := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "store", "root.bolt"), 0o700); err != nil {
		t.Fatal(err)
	}
	x := open(t, dir)
	expectChange(t, x, 0)
	if x.Rebuilt() == nil {
		t.Error("Rebuilt does not tell of the alien store")
	}
	if _, err := os.Stat(letter); err != nil {
		t.Errorf("a stranger's file is gone: %v", err)
	}
}

func TestNewIndexIsNotRebuilt(t *testing.T) {
	if x := open(t, t.TempDir()); x.Rebuilt() != nil {
		t.Errorf("got %v", x.Rebuilt())
	}
}

func TestFolderIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyword.Open(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s", err, file)
	}
}
