package catalogue

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// featureOf is the feature of a test's photo.
func featureOf(photo int64) []byte { return bytes.Repeat([]byte{byte(photo)}, 32) }

// featured is a library whose photos have features in the feature space.
func featured(t *testing.T, c *Catalogue, names ...string) (folder Folder, photos []int64) {
	t.Helper()
	folder, photos = library(t, c, names...)
	check(t, c.Serving().Describe(t.Context(), Description{FeatureSpace: "features"}))
	for _, photo := range photos {
		check(t, c.Serving().Store(t.Context(), map[int64]Embedding{photo: {Vector: []float32{1, 0}, Feature: featureOf(photo)}}))
	}
	return folder, photos
}

// learnedSpace is another space of the same feature space.
func learnedSpace(t *testing.T, c *Catalogue, tags ...string) *Space {
	t.Helper()
	s := must[*Space](t)(c.Space(t.Context(), "learned"))
	check(t, s.Describe(t.Context(), Description{FeatureSpace: "features", LearnedTags: tags}))
	return s
}

// project stores a vector of all that can be projected, with these tags.
func project(t *testing.T, s *Space, tags ...Confidence) (photos []int64) {
	t.Helper()
	var after int64
	for {
		stored, last, err := s.Projectable(t.Context(), after, 2)
		check(t, err)
		if last == 0 {
			return photos
		}
		embeddings := make([]Embedding, len(stored))
		for i, one := range stored {
			if !bytes.Equal(one.Feature, featureOf(one.Photo)) {
				t.Errorf("photo %d has the feature %v", one.Photo, one.Feature)
			}
			embeddings[i], photos = Embedding{Vector: []float32{0, 1}, Tags: tags}, append(photos, one.Photo)
		}
		check(t, s.StoreProjected(t.Context(), stored, embeddings))
		after = last
	}
}

func TestVectorsOfAnotherSpaceAreMadeFromFeatures(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := featured(t, c, "a", "b", "c", "d", "e")
	check(t, c.SetFolderState(t.Context(), folder.ID, true, "not mounted")) // that is no reason
	_, err := c.write.Exec(`UPDATE photo SET digest = x'77' WHERE id = ?`, photos[3])
	check(t, err)
	before := must[int64](t)(c.Change(t.Context())) + 1
	s := learnedSpace(t, c)
	if got, want := project(t, s), []int64{photos[0], photos[1], photos[2], photos[4]}; !slices.Equal(got, want) {
		t.Fatalf("projected %v, want %v", got, want)
	}
	if changed := must[[]Photo](t)(c.Changed(t.Context(), Cursor{Change: before}, 10)); len(changed) != 0 {
		t.Errorf("the other indexes are told of %d photos", len(changed))
	}
	if got := must[map[int64]Coverage](t)(s.Coverage(t.Context()))[folder.ID]; got != (Coverage{Encoded: 4, Offline: 1}) {
		t.Errorf("coverage %+v", got)
	}
}

// The index of the space reads both orders of changes as one.
func TestTheIndexFollowsWhatIsAnnouncedTogether(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c", "d", "e", "f", "g")
	s := learnedSpace(t, c)
	project(t, s)
	check(t, c.AddTags(t.Context(), photos[2], []string{"later"}))
	whole := must[[]Change](t)(s.Changed(t.Context(), Cursor{}, 100))
	var seen []int64
	for _, change := range whole {
		if change.Vector == nil {
			t.Errorf("photo %d has no vector", change.Photo)
		}
		seen = append(seen, change.Photo)
	}
	if want := []int64{photos[0], photos[1], photos[3], photos[4], photos[5], photos[6], photos[2]}; !slices.Equal(seen, want) {
		t.Errorf("in the order %v, want %v", seen, want)
	}
	for limit := 1; limit < 4; limit++ {
		var paged []Change
		for after := (Cursor{}); ; after = paged[len(paged)-1].Cursor {
			page := must[[]Change](t)(s.Changed(t.Context(), after, limit))
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		if fmt.Sprint(paged) != fmt.Sprint(whole) {
			t.Errorf("pages of %d give %v, want %v", limit, paged, whole)
		}
	}
}

func TestFeaturesStayWhileASpaceNeedsThem(t *testing.T) {
	c := open(t, t.TempDir())
	featured(t, c, "a")
	there := func() bool {
		_, err := os.Stat(c.featuresPath("features"))
		return !errors.Is(err, fs.ErrNotExist)
	}
	s := learnedSpace(t, c)
	project(t, s)
	check(t, c.Serve(t.Context(), s))
	check(t, c.RemoveSpace(t.Context(), "test-space"))
	if count := must[int64](t)(c.CountFeatures(t.Context(), "features")); count != 1 || !there() {
		t.Errorf("%d features are left for the space that serves", count)
	}
	unknown := must[*Space](t)(c.Space(t.Context(), "unknown"))
	check(t, c.Serve(t.Context(), unknown))
	check(t, c.RemoveSpace(t.Context(), "learned"))
	if !there() {
		t.Error("the features are gone before it is known whether the other space is of them")
	}
	check(t, unknown.Describe(t.Context(), Description{}))
	if there() {
		t.Error("the features are left that no space is of")
	}
}

// older makes a space's file what it was before features had one of their own.
func older(t *testing.T, s *Space, photos []int64) {
	t.Helper()
	_, err := s.write.Exec(`ALTER TABLE embedding ADD COLUMN feature BLOB`)
	check(t, err)
	for _, photo := range photos {
		_, err := s.write.Exec(`UPDATE embedding SET feature = ? WHERE photo = ?`, featureOf(photo), photo)
		check(t, err)
	}
}

func TestFeaturesOfAnOlderVsedAreMoved(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	_, photos := library(t, c, "a", "b", "c")
	older(t, c.Serving(), photos)
	check(t, c.Close())
	c = open(t, folder)
	if !must[Photo](t)(c.Photo(t.Context(), photos[0])).Encoded {
		t.Error("a vector was lost")
	}
	s := c.Serving()
	check(t, s.Describe(t.Context(), Description{FeatureSpace: "features"}))
	into := s.features.Load()
	// A kill after the first feature was copied, then one after it was moved.
	check(t, into.keep(t.Context(), []feature{{photos[0], digestOf(t, c, photos[0]), featureOf(photos[0])}}, true))
	_, err := s.write.Exec(`UPDATE embedding SET feature = NULL WHERE photo = ?`, photos[1])
	check(t, err)
	check(t, into.keep(t.Context(), []feature{{photos[1], digestOf(t, c, photos[1]), featureOf(photos[1])}}, true))
	for range 2 {
		check(t, s.Gather(t.Context()))
	}
	var left int
	check(t, s.read.QueryRow(`SELECT count(feature) FROM embedding`).Scan(&left))
	if left != 0 {
		t.Errorf("%d features are left beside the vectors", left)
	}
	if got := project(t, learnedSpace(t, c)); !slices.Equal(got, photos) {
		t.Errorf("features of %v, want of %v", got, photos)
	}
	check(t, s.Store(t.Context(), map[int64]Embedding{photos[0]: {Vector: []float32{1, 0}}})) // in the old table, too
}

func digestOf(t *testing.T, c *Catalogue, photo int64) (digest []byte) {
	t.Helper()
	check(t, c.read.QueryRow(`SELECT digest FROM photo WHERE id = ?`, photo).Scan(&digest))
	return digest
}

func TestCheckTellsOfFeatures(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c")
	into := c.Serving().features.Load()
	check(t, into.keep(t.Context(), []feature{{99, []byte("foreign"), featureOf(9)}, {photos[1], digestOf(t, c, photos[1]), []byte{1}}}, false))
	if findings := must[[]Finding](t)(c.Check(t.Context(), true)); len(findings) != 2 {
		t.Errorf("findings %+v", findings)
	}
	if findings := must[[]Finding](t)(c.Check(t.Context(), false)); len(findings) != 0 {
		t.Errorf("after the repair: %+v", findings)
	}
	if count := must[int64](t)(c.CountFeatures(t.Context(), "features")); count != 2 {
		t.Errorf("%d features, want 2", count)
	}
}
