package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/catalogue"
	"vsed/index/keyword"
	"vsed/plugins/contract"
)

// angle encodes "N degrees …" as a vector at that angle, and fails on "broken".
type angle struct{}

func (angle) EncodeTexts(_ context.Context, texts []string) ([]*contract.Embedding, error) {
	if strings.Contains(texts[0], "broken") {
		return nil, errors.New("encoder crashed")
	}
	embeddings := make([]*contract.Embedding, len(texts))
	for i, text := range texts {
		var degrees float64
		fmt.Sscanf(text, "%f", &degrees)
		embeddings[i] = &contract.Embedding{Vector: at(degrees)}
	}
	return embeddings, nil
}

func at(degrees float64) []float32 {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return []float32{float32(cos), float32(sin)}
}

// world is a real catalogue with photos at these degrees, named by letters,
// and an engine that has caught up.
type world struct {
	*testing.T
	catalogue *catalogue.Catalogue
	state     string
	engine    *Engine
	folder    catalogue.Folder
	photos    map[int]int64
}

func newWorld(t *testing.T, degrees ...int) *world {
	t.Helper()
	before := goleak.IgnoreCurrent() // bleve keeps workers of its own
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	state := t.TempDir()
	c, err := catalogue.Open(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	words, err := keyword.Open(state + "/keyword")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, catalogue: c, state: state, photos: make(map[int]int64), engine: New(c, words, nil, slog.New(slog.DiscardHandler))}
	t.Cleanup(func() { w.check(errors.Join(words.Close(), c.Close())) })
	w.serve("angles")
	w.folder, err = c.AddFolder(t.Context(), "/photos")
	w.check(err)
	for _, angle := range degrees {
		w.add(fmt.Sprintf("%c.jpg", 'a'+angle/4), angle)
	}
	w.whileTesting(w.engine.Follow)
	w.caughtUp()
	return w
}

// serve makes the engine and the catalogue serve a space, which fills from now on.
func (w *world) serve(name string) {
	w.Helper()
	space, err := w.catalogue.Space(w.Context(), name)
	w.check(err)
	index, err := OpenIndex(w.Context(), w.state+"/vectors/"+name, w.catalogue, math.MaxInt64, space, 2, slog.New(slog.DiscardHandler))
	w.check(err)
	w.Cleanup(func() { w.check(index.Close()) })
	w.whileTesting(index.Follow)
	w.check(w.catalogue.Serve(w.Context(), space))
	w.engine.Serve(&Generation{Index: index, Encoder: angle{}, MatchFloor: 0.9})
}

func (w *world) whileTesting(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- run(ctx) }()
	w.Cleanup(func() {
		cancel()
		w.check(<-done)
	})
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) add(name string, degrees int) { w.described(name, degrees, catalogue.Metadata{}) }

// described adds a photo with metadata.
func (w *world) described(name string, degrees int, metadata catalogue.Metadata) {
	w.Helper()
	stat := catalogue.Stat{Inode: uint64(len(w.photos) + 1), Size: 1}
	w.check(w.catalogue.Observe(w.Context(), w.folder.ID, []catalogue.Observation{{Path: name, Stat: stat}}))
	waiting, err := w.catalogue.Undecoded(w.Context(), nil, 1)
	w.check(err)
	photo, _, err := w.catalogue.Identify(w.Context(), waiting[0].ID, stat, catalogue.Content{Digest: [32]byte{byte(degrees), byte(degrees >> 8)}, Metadata: metadata})
	w.check(err)
	w.check(w.catalogue.Serving().Store(w.Context(), map[int64]catalogue.Embedding{photo: {Vector: at(float64(degrees))}}))
	w.photos[degrees] = photo
}

// caughtUp waits until everything can be found.
func (w *world) caughtUp() {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; <-tick.C {
		var err error
		done, err = w.engine.CaughtUp(w.Context())
		w.check(err)
	}
}

func (w *world) search(query string, limit int, cursor string) Result {
	w.Helper()
	result, err := w.engine.Search(w.Context(), Request{Text: query, Limit: limit, Place: cursor})
	w.check(err)
	return result
}

func (w *world) degrees(result Result) (found []int) {
	for _, hit := range result.Hits {
		for degrees, photo := range w.photos {
			if photo == hit.Photo.ID {
				found = append(found, degrees)
			}
		}
	}
	return found
}

func TestNearestVectorsComeFirst(t *testing.T) {
	w := newWorld(t, 0, 40, 90)
	result := w.search("38 degrees", 10, "")
	if got := w.degrees(result); !slices.Equal(got, []int{40, 0, 90}) {
		t.Errorf("found %v", got)
	}
	if !result.GoodMatch || result.Partial != "" {
		t.Errorf("good match %v, partial %q", result.GoodMatch, result.Partial)
	}
	if w.search("180 degrees", 10, "").GoodMatch {
		t.Error("the opposite direction is called a good match")
	}
}

func TestATagLiftsAPhotoAtOnce(t *testing.T) {
	w := newWorld(t, 0, 40)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[40], []string{"beach"}))
	w.caughtUp()
	if got := w.degrees(w.search("0 beach", 10, "")); got[0] != 40 {
		t.Errorf("found %v, the tagged one is not first", got)
	}
	w.check(w.catalogue.RemoveTags(t.Context(), w.photos[40], []string{"beach"}))
	w.caughtUp()
	if got := w.degrees(w.search("0 beach", 10, "")); got[0] != 0 {
		t.Errorf("found %v after the tag was removed", got)
	}
}

func TestAMissingPhotoIsNotFoundAndAnOfflineOneIs(t *testing.T) {
	w := newWorld(t, 0, 40)
	w.check(w.catalogue.Vanished(t.Context(), w.folder.ID, []string{"k.jpg"}))
	w.check(w.catalogue.SetFolderState(t.Context(), w.folder.ID, true, "not mounted"))
	w.caughtUp()
	result := w.search("40 degrees", 10, "")
	if got := w.degrees(result); !slices.Equal(got, []int{0}) || !result.Hits[0].Photo.Files[0].Offline {
		t.Errorf("found %v: %+v", got, result.Hits)
	}
}

func TestPagesNeitherRepeatNorSkip(t *testing.T) {
	var degrees []int
	for i := range 23 {
		degrees = append(degrees, i*4)
	}
	w := newWorld(t, degrees...)
	whole := w.degrees(w.search("0", 100, ""))
	var paged []int
	for next, more := "", true; more; more = next != "" {
		result := w.search("0", 5, next)
		paged = append(paged, w.degrees(result)...)
		next = result.Next
	}
	if !slices.Equal(paged, whole) || len(whole) != len(degrees) {
		t.Errorf("pages %v, whole %v", paged, whole)
	}
}

func TestWithoutTheEncoderWordsAreSearched(t *testing.T) {
	w := newWorld(t, 0, 40)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[40], []string{"broken"}))
	w.caughtUp()
	result := w.search("broken", 10, "")
	if got := w.degrees(result); !slices.Equal(got, []int{40}) || !strings.Contains(result.Partial, "encoder crashed") {
		t.Errorf("found %v, partial %q", got, result.Partial)
	}
}

func TestBadQueriesAreRefused(t *testing.T) {
	w := newWorld(t, 0)
	if _, err := w.engine.Search(t.Context(), Request{Text: " \n", Limit: 1}); !errors.Is(err, ErrEmptyQuery) {
		t.Errorf("an empty query: %v", err)
	}
	for _, cursor := range []string{"x", "!!", "MTIz", strings.Repeat("A", 10_000)} {
		if _, err := w.engine.Search(t.Context(), Request{Text: "0", Limit: 1, Place: cursor}); !errors.Is(err, ErrBadCursor) {
			t.Errorf("the cursor %.10q: %v", cursor, err)
		}
	}
	w.search("0 "+strings.Repeat("word ", 2000)+"🏖️", 1, "")
}

func TestAnotherSpaceIsFilledFromTheStart(t *testing.T) {
	w := newWorld(t, 0, 40)
	w.serve("other")
	w.check(w.catalogue.Serving().Store(t.Context(), map[int64]catalogue.Embedding{w.photos[40]: {Vector: at(0)}}))
	w.caughtUp()
	if got := w.degrees(w.search("0", 10, "")); !slices.Equal(got, []int{40}) {
		t.Errorf("found %v", got)
	}
}

func TestAPhotoAskedForByItsNameComesFirst(t *testing.T) {
	var degrees []int
	for i := range 26 {
		degrees = append(degrees, 4*i)
	}
	w := newWorld(t, degrees...)
	for i := range 26 {
		w.check(w.catalogue.AddTags(t.Context(), w.photos[4*i], []string{fmt.Sprintf("IMG %04d", i), "holiday img"}))
	}
	w.caughtUp()
	for query, want := range map[string]int{"y.jpg": 96, "Y": 96, "img 0021": 84} {
		if got := w.degrees(w.search(query, 3, "")); got[0] != want {
			t.Errorf("%q: found %v, want %d first", query, got, want)
		}
	}
}
