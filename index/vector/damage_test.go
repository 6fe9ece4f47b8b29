package vector

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const damageDimensions = 48

// filledFolder makes a closed index of four batches, in which rows have died.
func filledFolder(t testing.TB, dir string) *world {
	t.Helper()
	x, err := Open(dir, damageDimensions, Options{})
	must(t, err)
	w := &world{TB: t, x: x, rows: make(map[int64][]float32)}
	source := rand.New(rand.NewPCG(1, 6))
	for step := range int64(4) {
		put := make(map[int64][]float32)
		for i := range int64(400) {
			put[step*300+i] = random(source, damageDimensions)
		}
		w.apply(put, step)
	}
	must(t, x.Close())
	return w
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "segment-*"))
	must(t, err)
	return files
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[at] ^= 0x10
	must(t, os.WriteFile(path, b, 0o600))
}

// TestDamageFoundWhenOpened: headers and the log are checked at once.
func TestDamageFoundWhenOpened(t *testing.T) {
	f := func(name string, damage func(dir string)) {
		t.Helper()
		dir := t.TempDir()
		filledFolder(t, dir)
		damage(dir)
		x := open(t, dir, damageDimensions)
		if x.Rebuilt() == nil || x.Change() != 0 || x.Len() != 0 {
			t.Errorf("%s: rebuilt %v, change %d, %d rows", name, x.Rebuilt(), x.Change(), x.Len())
		}
		must(t, x.Apply([]Vector{{1, random(rand.New(rand.NewPCG(1, 1)), damageDimensions)}}, nil, 1))
	}
	f("no segment", func(dir string) { must(t, os.Remove(segments(t, dir)[0])) })
	f("short segment", func(dir string) { must(t, os.Truncate(segments(t, dir)[0], 9000)) })
	f("empty segment", func(dir string) { must(t, os.Truncate(segments(t, dir)[0], 0)) })
	f("segment's header", func(dir string) { flip(t, segments(t, dir)[0], 30) })
	f("empty log", func(dir string) { must(t, os.Truncate(filepath.Join(dir, logName), 0)) })
	f("log's header", func(dir string) { flip(t, filepath.Join(dir, logName), 9) })
	f("log's first record", func(dir string) { flip(t, filepath.Join(dir, logName), int64(logHead)+9) })
}

// TestDamageFoundLater: a row's sums are checked before it is used.
func TestDamageFoundLater(t *testing.T) {
	l := newLayout(damageDimensions, 64)
	f := func(name string, offset int) {
		t.Helper()
		dir := t.TempDir()
		w := filledFolder(t, dir)
		flip(t, segments(t, dir)[0], int64(l.header+offset))
		x := open(t, dir, damageDimensions)
		query := random(rand.New(rand.NewPCG(1, 1)), damageDimensions)
		result, err := x.Search(t.Context(), query, w.x.Len()+2000, nil)
		// The background may have found it first, and emptied the index.
		if !errors.Is(err, ErrLost) && len(result.Hits) > 0 {
			t.Fatalf("%s: %d hits, %v", name, len(result.Hits), err)
		}
		<-x.Lost()
		if x.Rebuilt() == nil || x.Change() != 0 || x.Len() != 0 {
			t.Errorf("%s: rebuilt %v, change %d, %d rows", name, x.Rebuilt(), x.Change(), x.Len())
		}
		one := []Vector{{7, query}}
		if err := x.Apply(one, nil, 12); !errors.Is(err, ErrLost) || x.Len() != 0 {
			t.Errorf("%s: the first Apply: %v", name, err)
		}
		must(t, x.Apply(one, nil, 1))
		if result, err = x.Search(t.Context(), query, 3, nil); err != nil || len(result.Hits) != 1 || result.Hits[0].ID != 7 {
			t.Errorf("%s: afterwards: %v, %v", name, result, err)
		}
	}
	f("id", 8*100+1)
	f("sum", l.sums+8*100)
	f("sum of the float16 row", l.sums+8*100+4)
	f("offset", l.offsets+4*100)
	f("radius", l.radii+4*100)
	f("row", l.rows+100*64)
	f("float16 row", l.halves+100*2*damageDimensions)
}

// TestTruncatedWhileOpen: what is gone is not touched.
func TestTruncatedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	filledFolder(t, dir)
	x := open(t, dir, damageDimensions)
	query := random(rand.New(rand.NewPCG(1, 1)), damageDimensions)
	if _, err := x.Search(t.Context(), query, 3, nil); err != nil {
		t.Fatal(err)
	}
	x.stop() // what the maintainer reads is not what is tested
	<-x.done
	must(t, os.Truncate(segments(t, dir)[0], 8192))
	if _, err := x.Search(t.Context(), query, 3, NewFilter(slices.Values([]int64{50}))); !errors.Is(err, ErrLost) {
		t.Errorf("search: %v", err)
	}
	if _, _, err := x.Vector(50); !errors.Is(err, ErrLost) {
		t.Errorf("vector: %v", err)
	}
}

// TestTornLog: a last record that is cut off was not acknowledged.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	w := filledFolder(t, dir)
	path := filepath.Join(dir, logName)
	x, err := Open(dir, damageDimensions, Options{})
	must(t, err)
	started := x.journal.length
	must(t, x.Apply([]Vector{{9000, random(rand.New(rand.NewPCG(1, 1)), damageDimensions)}}, nil, 99))
	must(t, x.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	for length := started; length < int64(len(whole)); length += 5 {
		must(t, os.WriteFile(path, whole[:length], 0o600))
		if w.x, err = Open(dir, damageDimensions, Options{}); err != nil {
			t.Fatal(err)
		}
		if w.x.Rebuilt() != nil || w.x.Change() != w.change {
			t.Fatalf("cut at %d of %d: rebuilt %v, change %d", length, len(whole), w.x.Rebuilt(), w.x.Change())
		}
		w.compare(random(rand.New(rand.NewPCG(2, 1)), damageDimensions), 20, nil)
		must(t, w.x.Close())
	}
}

// FuzzFiles changes a byte of a file, or cuts it: the index opens and gives what
// it had, what it had before, or nothing.
func FuzzFiles(f *testing.F) {
	dir := f.TempDir()
	w := filledFolder(f, dir)
	files := append(segments(f, dir), filepath.Join(dir, logName))
	contents := make([][]byte, len(files))
	for i, path := range files {
		var err error
		contents[i], err = os.ReadFile(path)
		must(f, err)
	}
	query := random(rand.New(rand.NewPCG(3, 1)), damageDimensions)
	want := oracle(w.rows, query, 50, nil)
	f.Add(uint8(1), uint32(40), uint8(1), false)
	f.Add(uint8(0), uint32(4200), uint8(255), false)
	f.Add(uint8(0), uint32(5000), uint8(0), true)
	f.Fuzz(func(t *testing.T, which uint8, at uint32, change uint8, cut bool) {
		dir := t.TempDir()
		for i, path := range files {
			b := slices.Clone(contents[i])
			if i == int(which)%len(files) {
				place := int(at) % len(b)
				if b[place] ^= change; cut {
					b = b[:place]
				}
			}
			must(t, os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600))
		}
		x, err := Open(dir, damageDimensions, Options{})
		must(t, err)
		defer func() { must(t, x.Close()) }()
		result, err := x.Search(t.Context(), query, 50, nil)
		if err != nil && !errors.Is(err, ErrLost) {
			t.Fatal(err)
		}
		if len(result.Hits) > 0 && x.Change() == w.change && !slices.Equal(result.Hits, want) {
			t.Errorf("got %v, want %v", result.Hits[:3], want[:3])
		}
	})
}
