package attributes

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
)

// kept is a store with a snapshot over a real catalogue.
func kept(t *testing.T, c *catalogue.Catalogue, file string) (s *Store, problem error) {
	t.Helper()
	s = New(c, nil)
	problem, err := s.Keep(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return s, problem
}

func caughtUp(t *testing.T, s *Store, want int) {
	t.Helper()
	if err := s.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	set, err := s.Select(t.Context(), query.Match{Field: query.Tag, Pattern: "beach"})
	if err != nil || set.Len() != want {
		t.Errorf("%d photos have the tag, %v; want %d", set.Len(), err, want)
	}
}

// library has so many photos with the tag.
func library(t *testing.T, count int) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	folder, err := c.AddFolder(t.Context(), "/photos")
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		stat := catalogue.Stat{Inode: uint64(i + 1), Size: 1}
		if err := c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: fmt.Sprintf("%d.jpg", i), Stat: stat}}); err != nil {
			t.Fatal(err)
		}
		photo, _, err := c.Identify(t.Context(), int64(i+1), stat, catalogue.Content{Digest: [32]byte{byte(i + 1)}, Size: 1})
		if err != nil || photo == 0 {
			t.Fatal(photo, err)
		}
		tag(t, c, photo)
	}
	return c
}

func tag(t *testing.T, c *catalogue.Catalogue, photo int64) {
	t.Helper()
	if err := c.AddTags(t.Context(), photo, []string{"beach"}); err != nil {
		t.Fatal(err)
	}
}

func TestAStartGoesOnFromTheSnapshot(t *testing.T) {
	c, file := library(t, 3), filepath.Join(t.TempDir(), "attributes")
	first, problem := kept(t, c, file)
	if problem != nil {
		t.Fatal(problem)
	}
	caughtUp(t, first, 3)
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveTags(t.Context(), 2, []string{"beach"}); err != nil {
		t.Fatal(err)
	}
	second, problem := kept(t, c, file)
	if problem != nil || second.reached != first.reached || len(second.blocks) != 1 {
		t.Fatalf("begins at %v with %d blocks, %v; want %v", second.reached, len(second.blocks), problem, first.reached)
	}
	caughtUp(t, second, 2)
}

func TestASnapshotThatDoesNotFitIsOfNoUse(t *testing.T) {
	c, file := library(t, 3), filepath.Join(t.TempDir(), "attributes")
	s, _ := kept(t, c, file)
	caughtUp(t, s, 3)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	copied := file + " of another"
	if err := os.Link(file, copied); err != nil {
		t.Fatal(err)
	}
	other, problem := kept(t, library(t, 1), copied)
	if problem == nil {
		t.Error("a snapshot of a newer catalogue is taken")
	}
	caughtUp(t, other, 1)
	if err := c.SetSetting(t.Context(), "forgotten", "1000"); err != nil {
		t.Fatal(err)
	}
	if s, problem = kept(t, c, file); problem == nil {
		t.Error("a snapshot is taken that has photos which were forgotten since")
	}
	caughtUp(t, s, 3)
}

// TestDamage cuts the file off and turns bits around, as a kill, a power cut or a
// disk may: what is left is refused, and all is read anew.
func TestDamage(t *testing.T) {
	c, file := library(t, 3), filepath.Join(t.TempDir(), "attributes")
	s, _ := kept(t, c, file)
	caughtUp(t, s, 3)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		damaged := append([]byte(nil), whole...)
		if place := random.IntN(len(whole)); round%2 == 0 {
			damaged = damaged[:place*(round%4)/2]
		} else {
			damaged[place] ^= 1 << random.IntN(8)
		}
		if round%5 == 1 { // in the header, but for its four spare bytes
			damaged = append([]byte(nil), whole...)
			damaged[random.IntN(28)] ^= 1
		}
		// The parts that a write did not come to are another file's.
		for name, content := range map[string][]byte{file: damaged, file + ".partial": whole[:len(whole)/2]} {
			if err := os.WriteFile(name+".new", content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(name+".new", name); err != nil { // the one before is mapped
				t.Fatal(err)
			}
		}
		s, problem := kept(t, c, file)
		if problem == nil && string(damaged[:28]) != string(whole[:28]) {
			t.Fatalf("round %d: damage is not noticed", round)
		}
		caughtUp(t, s, 3)
		if round%7 == 0 {
			if err := s.Save(); err != nil {
				t.Fatal(err)
			}
			s, problem := kept(t, c, file)
			if problem != nil {
				t.Fatal(problem)
			}
			caughtUp(t, s, 3)
		}
	}
}

// TestARefusedSnapshotDoesNotComeBack has a snapshot of a catalogue that was
// lost, and kills the daemon before it has written another.
func TestARefusedSnapshotDoesNotComeBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "attributes")
	lost, _ := kept(t, library(t, 3), file)
	caughtUp(t, lost, 3)
	if err := lost.Save(); err != nil {
		t.Fatal(err)
	}
	c := library(t, 1)
	if _, problem := kept(t, c, file); problem == nil {
		t.Fatal("a snapshot of a newer catalogue is taken")
	}
	for range 10 { // its change number passes that of the snapshot
		if err := c.RemoveTags(t.Context(), 1, []string{"beach"}); err != nil {
			t.Fatal(err)
		}
		tag(t, c, 1)
	}
	killed, _ := kept(t, c, file)
	caughtUp(t, killed, 1)
}

// TestADiskThatDoesNotRead cuts a mapped snapshot off: the kernel answers reading it
// as it does where a disk fails.
func TestADiskThatDoesNotRead(t *testing.T) {
	c, file := library(t, 3), filepath.Join(t.TempDir(), "attributes")
	s, _ := kept(t, c, file)
	caughtUp(t, s, 3)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, headerBytes); err != nil { // what the store lies in, too
		t.Fatal(err)
	}
	if _, err := check(s.mapped); err == nil {
		t.Error("a snapshot that cannot be read is taken")
	}
}

// TestADiskThatTakesNoSnapshot: filters know all photos at once all the same.
func TestADiskThatTakesNoSnapshot(t *testing.T) {
	s, _ := kept(t, library(t, 3), filepath.Join(t.TempDir(), "none", "attributes"))
	s.unsaved = leastUnsaved
	if err := s.CatchUp(t.Context()); err == nil {
		t.Error("nobody is told")
	}
	if _, ready := s.Change(); !ready {
		t.Error("not all photos are known")
	}
	caughtUp(t, s, 3)
}
