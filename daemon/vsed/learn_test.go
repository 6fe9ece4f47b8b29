package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vsed/daemon/api"
	"vsed/encoders/drawn"
)

// A household library: things that are drawn, each with the word that the household
// has for it, which no model has read in this sense.
var household = map[string]string{
	"clock": "Opas Uhr", "traffic-light": "Schulweg", "crossword": "Sonntagsblatt", "web": "Omas Garten", "": "Flickenteppich",
}

const (
	taggedEach = 12 // photos of a kind that are tagged
	heldEach   = 5  // and that are not
)

// A member of the household library is a photo that has no tag.
type member struct {
	id   int64
	word string // that it should be found by
}

// newHousehold has the built-in encoder over the library, 60 photos of it tagged.
func newHousehold(t *testing.T) (w *world, untagged []member) {
	w = newRealWorld(t)
	manifest, err := os.ReadFile(strings.TrimPrefix(w.environment[0], "VSED_ENCODER_BUNDLE=") + "/manifest.json")
	w.check(err)
	if !bytes.Contains(manifest, []byte(`"learning"`)) {
		t.Skip("needs the built-in encoder's heads: run `make model`")
	}
	kinds := []string{"clock", "traffic-light", "crossword", "web", ""}
	name := func(kind, i int) string { return fmt.Sprintf("%d/IMG_%04d.jpg", i%3, 100*kind+i) }
	for at, kind := range kinds {
		for i := range taggedEach + heldEach {
			w.file(name(at, i), snapshot(t, kind, uint64(100*at+i)))
		}
	}
	w.start()
	w.settled()
	for at, kind := range kinds {
		for i := range taggedEach + heldEach {
			if i < taggedEach {
				w.tagged(name(at, i), household[kind])
				continue
			}
			untagged = append(untagged, member{w.tagged(name(at, i)), household[kind]})
		}
	}
	w.settled()
	return w, untagged
}

// snapshot is a JPEG of a thing before some background, each time from elsewhere and in
// another light; of no thing, of the background alone.
func snapshot(t *testing.T, kind string, seed uint64) []byte {
	t.Helper()
	const side = 160
	random := rand.New(rand.NewPCG(seed, 7))
	picture := drawn.Pattern(seed, side, side)
	for _, thing := range drawn.Things() {
		if thing.Name != kind {
			continue
		}
		size := side/2 + random.IntN(side/2)
		left, top := random.IntN(side-size+1), random.IntN(side-size+1)
		source := thing.Draw(size, size)
		for y := range size {
			for x := range size {
				picture.SetNRGBA(left+x, top+y, source.NRGBAAt(x, y))
			}
		}
	}
	light := 0.6 + 0.4*random.Float64()
	lit := image.NewRGBA(picture.Bounds())
	for y := range side {
		for x := range side {
			c, grain := picture.NRGBAAt(x, y), 6*random.Float64()
			dim := func(value uint8) uint8 { return uint8(min(255, light*float64(value)+grain)) }
			lit.SetRGBA(x, y, color.RGBA{dim(c.R), dim(c.G), dim(c.B), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, lit, nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// precision is the mean average precision of the household's words over the photos
// without tags: the words themselves stand on none of them.
func (w *world) precision(untagged []member) (mean float64) {
	w.Helper()
	for _, word := range household {
		result, err := w.client.Search(w.Context(), word+" group:off", 1000, "")
		w.check(err)
		place, found, sum := 0, 0, 0.0
		for _, hit := range result.Hits {
			at := slices.IndexFunc(untagged, func(one member) bool { return one.id == hit.ID })
			if at < 0 {
				continue
			}
			place++
			if untagged[at].word == word {
				found++
				sum += float64(found) / float64(place)
			}
		}
		mean += sum / heldEach / float64(len(household))
	}
	return mean
}

// answers are what some queries find, with their scores, to the bit.
func (w *world) answers() string {
	w.Helper()
	var all strings.Builder
	for _, query := range []string{"a wall clock", "Opas Uhr", "a bear in a zoo", "racing car", "something green"} {
		result, err := w.client.Search(w.Context(), query, 100, "")
		w.check(err)
		if result.Partial != "" {
			w.Errorf("%q: %s", query, result.Partial)
		}
		for _, hit := range result.Hits {
			fmt.Fprintf(&all, "%d %x ", hit.ID, hit.Score)
		}
		all.WriteByte('\n')
	}
	return all.String()
}

func TestLearningAHousehold(t *testing.T) {
	t.Parallel()
	w, untagged := newHousehold(t)
	before, answersBefore := w.precision(untagged), w.answers()
	text, stderr, status := w.vsectl("learn", "start")
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, text, stderr)
	}
	t.Logf("%s", text)
	report, err := w.client.LearningReport(w.Context(), 1)
	w.check(err)
	if report.Run.State != api.LearningProposed || report.Run.Learned != len(household) || report.Run.Gain.Value <= 0 {
		t.Fatalf("report %+v", report)
	}
	if report.Guard == nil || report.Guard.Change.Value < -1 {
		t.Errorf("generic recall: %+v", report.Guard)
	}
	w.sharesTowers(strings.TrimPrefix(w.environment[0], "VSED_ENCODER_BUNDLE="))
	if answers := w.answers(); answers != answersBefore {
		t.Errorf("learning alone changed answers from\n%sto\n%s", answersBefore, answers)
	}

	if text, stderr, status = w.vsectl("learn", "apply"); status != 0 || !strings.Contains(text, "learned-1 serves in the place of builtin.") {
		t.Fatalf("status %d\n%s%s", status, text, stderr)
	}
	after := w.precision(untagged)
	t.Logf("mean average precision of %d words over %d photos without tags: %.1f before, %.1f after", len(household), len(untagged), 100*before, 100*after)
	if after < before+0.1 {
		t.Errorf("the held-out photos rank at %.3f, before at %.3f", after, before)
	}
	for query, want := range map[string]string{"a bear in a zoo": hidden("panda.jpg"), "racing car": hidden("car.jpg")} {
		if found := w.find(query); len(found) == 0 || found[0] != want {
			t.Errorf("%q: found %q first, want %s", query, found[:min(3, len(found))], want)
		}
	}
	w.takeSuggestions(untagged)

	if text, stderr, status = w.vsectl("learn", "rollback"); status != 0 || !strings.Contains(text, "builtin serves in the place of learned-1.") {
		t.Fatalf("status %d\n%s%s", status, text, stderr)
	}
	if answers := w.answers(); answers != answersBefore {
		t.Errorf("the roll-back gives\n%swant\n%s", answers, answersBefore)
	}
	if _, stderr, status = w.vsectl("learn", "rollback"); status != 2 || !strings.Contains(stderr, "nothing to roll back") {
		t.Errorf("twice: %d %s", status, stderr)
	}
}

// sharesTowers has what run 1 proposes lie on the disk once with the encoder that it was
// made from, although its trainer could link nothing.
func (w *world) sharesTowers(base string) {
	w.Helper()
	var files [2]os.FileInfo
	for i, folder := range []string{base, filepath.Join(w.state, "learn", "1", "bundle")} {
		var err error
		files[i], err = os.Stat(filepath.Join(folder, "image.onnx"))
		w.check(err)
	}
	if files[0].Sys().(*syscall.Stat_t).Dev != files[1].Sys().(*syscall.Stat_t).Dev {
		w.Log("the bundle lies on another disk")
	} else if !os.SameFile(files[0], files[1]) {
		w.Error("the networks that stay take their room twice")
	}
}

// takeSuggestions looks at what is suggested, refuses one and takes that back, so that
// what searches find is as before; and has a new photo be given its learned tags.
func (w *world) takeSuggestions(untagged []member) {
	w.Helper()
	page, err := w.client.Suggestions(w.Context(), api.SuggestionsRequest{Limit: 1000, Least: api.DefaultLeast})
	w.check(err)
	right, wrong := 0, 0
	for _, one := range page.Suggestions {
		at := slices.IndexFunc(untagged, func(other member) bool { return other.id == one.Photo })
		if at >= 0 && untagged[at].word == one.Tag {
			right++
		} else {
			wrong++
		}
	}
	w.Logf("%d of %d photos without tags get the right suggestion; %d are wrong", right, len(untagged), wrong)
	if right < len(untagged)/2 || wrong > right {
		w.Errorf("suggestions: %+v", page.Suggestions)
	}
	first := slices.MaxFunc(page.Suggestions, func(a, b api.Suggestion) int { return cmp.Compare(a.Confidence, b.Confidence) })
	photo := fmt.Sprintf("id:%d", first.Photo)
	if _, stderr, status := w.vsectl("learn", "refuse", photo, first.Tag); status != 0 {
		w.Fatal(stderr)
	}
	stdout, stderr, status := w.vsectl("learn", "suggestions", "--tag", first.Tag, "--json", "--limit", "1000")
	var left api.SuggestionList
	if status > 1 || json.Unmarshal([]byte(stdout), &left) != nil {
		w.Fatal(stderr)
	}
	if slices.ContainsFunc(left.Suggestions, func(one api.Suggestion) bool { return one.Photo == first.Photo }) {
		w.Errorf("what was refused is suggested still: %+v", left)
	}
	if stdout, stderr, status := w.vsectl("learn", "refusals"); status != 0 || !strings.Contains(stdout, photo+"  "+first.Tag) {
		w.Errorf("refusals: %d %s%s", status, stdout, stderr)
	}
	if _, stderr, status := w.vsectl("learn", "unrefuse", photo, first.Tag); status != 0 {
		w.Fatal(stderr)
	}
	w.file("new/IMG_9999.jpg", snapshot(w.T, "clock", 9999))
	var id int64
	w.until("a new photo is known", func() bool {
		photos, err := w.client.PhotosByPath(w.Context(), filepath.Join(w.photos, "new/IMG_9999.jpg"))
		if err != nil || len(photos) != 1 || photos[0].State != api.StateEncoded {
			return false
		}
		id = photos[0].ID
		return true
	})
	added, err := w.client.Photo(w.Context(), id)
	if err != nil || len(added.Learned) == 0 || added.Learned[0].Tag != household["clock"] {
		w.Errorf("the new photo of a clock: %+v, %v", added.Learned, err)
	}
	w.check(os.Remove(filepath.Join(w.photos, "new/IMG_9999.jpg")))
	w.untilStatus("it is gone", func(s api.Status) bool { return s.Ready && s.Photos.Missing == 1 })
}
