package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
)

func (w *world) explained(text string) (string, Result) {
	w.Helper()
	result, err := w.engine.Search(w.Context(), Request{Text: text, Limit: 10, Explain: true})
	w.check(err)
	var lines []string
	for _, hit := range result.Hits {
		reason, cosine := hit.Reason, "-"
		if reason.Cosine != nil {
			cosine = fmt.Sprintf("%.2f", *reason.Cosine)
		}
		var matches []string
		for _, match := range reason.Matches {
			matches = append(matches, fmt.Sprintf("%s=%s:%s", match.Word, match.Field, strings.Join(match.Texts, ",")))
		}
		lines = append(lines, fmt.Sprintf("%s %v %s looks %d words %d %v %v", hit.Photo.Files[0].Path, reason.Ranked, cosine, reason.VectorRank, reason.WordRank, matches, reason.Filters))
	}
	return strings.Join(lines, "\n"), result
}

func TestReasons(t *testing.T) {
	w := newWorld(t)
	w.described("2024/a.jpg", 0, catalogue.Metadata{Rating: 3, Taken: "2024-05-01T10:00:00"})
	w.described("2024/b.jpg", 60, catalogue.Metadata{Rating: 5, Title: "Beaches"})
	w.check(w.catalogue.AddTags(t.Context(), w.photos[0], []string{"beach", "sea"}))
	w.caughtUp()
	f := func(text string, want ...string) Result {
		t.Helper()
		got, result := w.explained(text)
		if got != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", text, got, strings.Join(want, "\n"))
		}
		return result
	}
	result := f("50 beach rating:>=3",
		"/photos/2024/b.jpg true 0.98 looks 1 words 2 [beach=title:Beaches] [rating:3..5]",
		"/photos/2024/a.jpg true 0.64 looks 2 words 1 [beach=tag:beach] [rating:3..5]")
	if e := result.Explanation; e.Parsed != "50 beach rating:3..5" || e.Rows != 2 || e.Rescored == 0 || len(e.Steps) < 8 {
		t.Errorf("explained as %+v", e)
	}
	f("rating:5 OR date:2024 sort:oldest",
		"/photos/2024/a.jpg false - looks 0 words 0 [] [date:2024-01-01..2024-12-31]",
		"/photos/2024/b.jpg false - looks 0 words 0 [] [rating:5..5]")
	f("0 OR rating:5",
		"/photos/2024/b.jpg false - looks 0 words 0 [] [rating:5..5]",
		"/photos/2024/a.jpg true 1.00 looks 1 words 0 [] []")
	plain, err := w.engine.Search(t.Context(), Request{Text: "50 beach", Limit: 1})
	w.check(err)
	if r := plain.Hits[0].Reason; plain.Explanation != nil || r.Cosine != nil || r.WordRank != 0 || len(r.Matches) != 1 {
		t.Errorf("unasked: %+v", r)
	}
}

func TestTyping(t *testing.T) {
	w := newWorld(t, 0)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[0], []string{"mountain"}))
	w.caughtUp()
	for _, typing := range []bool{false, true} {
		result, err := w.engine.Search(t.Context(), Request{Text: "moun", Limit: 1, Typing: typing})
		w.check(err)
		if got := len(result.Hits[0].Reason.Matches); (got > 0) != typing {
			t.Errorf("typing %v: %d matches", typing, got)
		}
	}
}

// drawn also encodes pictures: of one byte, the angle.
type drawn struct{ angle }

func (drawn) EncodePictures(_ context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	return []*contract.Embedding{{Vector: at(float64(pictures[0][0]))}}, nil
}

func TestPicturesFromOutside(t *testing.T) {
	w := newWorld(t, 0, 40, 90)
	w.engine.Serve(&Generation{Index: w.engine.serving.Index, Encoder: drawn{}, MatchFloor: 0.9})
	ask := func(text string) ([]int, error) {
		result, err := w.engine.Search(t.Context(), Request{Text: text, Limit: 10})
		return w.degrees(result), err
	}
	var unlike *LikeError
	if _, err := ask("like:sha256:aa"); !errors.As(err, &unlike) {
		t.Errorf("one that was not sent: %v", err)
	}
	if err := w.engine.Remember(t.Context(), "others", "sha256:aa", []byte{85}); !errors.Is(err, ErrAnotherEncoder) {
		t.Errorf("one that was decoded for another encoder: %v", err)
	}
	w.check(w.engine.Remember(t.Context(), "angles", "sha256:aa", []byte{85}))
	got, err := ask("like:sha256:AA")
	if w.check(err); !slices.Equal(got, []int{90, 40, 0}) {
		t.Errorf("found %v", got)
	}
	for i := range keptPictures {
		w.check(w.engine.Remember(t.Context(), "angles", fmt.Sprintf("sha256:%d", i), []byte{0}))
	}
	if _, err := ask("like:sha256:aa"); !errors.As(err, &unlike) {
		t.Errorf("one too many is remembered: %v", err)
	}
}

// TestTheExactTierIsWhole: where more photos have the query as a tag than a list
// holds, the one that looks like it most is among them all the same.
func TestTheExactTierIsWhole(t *testing.T) {
	w := newWorld(t)
	for degrees := 20; len(w.photos) < candidates+10; degrees++ {
		if degrees%360 > 20 && degrees%360 < 340 {
			w.described(fmt.Sprintf("a%d.jpg", degrees), degrees, catalogue.Metadata{Keywords: []string{"0"}})
		}
	}
	w.described("best.jpg", 0, catalogue.Metadata{Keywords: []string{"0"}})
	w.caughtUp()
	result, err := w.engine.Search(t.Context(), Request{Text: "0", Limit: 1})
	w.check(err)
	if got := result.Hits[0].Photo.Files[0].Path; got != "/photos/best.jpg" {
		t.Errorf("the first is %s", got)
	}
}
