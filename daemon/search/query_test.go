package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
	"vsed/plugins/contract"
)

// finds checks what a query finds, in order.
func (w *world) finds(text string, want ...int) {
	w.Helper()
	if got := w.degrees(w.search(text, 100, "")); !slices.Equal(got, want) {
		w.Errorf("%s: found %v, want %v", text, got, want)
	}
}

func TestTheLanguageOfQueries(t *testing.T) {
	w := newWorld(t)
	w.described("2023/a.jpg", 0, catalogue.Metadata{Taken: "2023-05-01T10:00:00", Camera: "Google Pixel 7", Rating: 3})
	w.described("2024/b.jpg", 40, catalogue.Metadata{Taken: "2024-05-01T10:00:00", Camera: "Canon R5", Located: true, Latitude: 48.85, Longitude: 2.35})
	w.described("2024/c.jpg", 90, catalogue.Metadata{Taken: "2022-05-01T10:00:00", Rating: 5})
	w.described("2024/d.jpg", 130, catalogue.Metadata{Taken: ""})
	w.check(w.catalogue.AddTags(t.Context(), w.photos[40], []string{"beach"}))
	w.caughtUp()
	w.finds("10 degrees", 0, 40, 90, 130)
	w.finds("10 degrees folder:2024", 40, 90, 130)
	w.finds("10 degrees -tag:beach", 0, 90, 130)
	w.finds("90 degrees date:2023..2024", 40, 0)
	w.finds("90 degrees (camera:pixel OR near:48.85,2.36,5km)", 40, 0)
	w.finds("tag:beach OR rating:>=3", 40, 0, 90)
	w.finds("sort:date", 40, 0, 90, 130)
	w.finds("folder:2024/** sort:oldest", 90, 40, 130)
	w.finds("10 degrees sort:date", 40, 0, 90, 130)
	w.finds("like:/photos/2024/c.jpg", 90, 130, 40, 0)
	w.finds(fmt.Sprintf("like:id:%d -tag:beach", w.photos[90]), 90, 130, 0)
	w.finds(`60 degrees -"0 degrees"`, 90, 130, 40, 0)
	w.finds("-like:/photos/2023/a.jpg", 130, 90, 40, 0)
	w.finds("0 degrees OR 130 degrees", 0, 130, 40, 90)
	w.finds("0 degrees OR rating:5", 90, 0, 40, 130)
	w.finds("10 degrees tag:none")
	w.finds("tag:none")
	if result := w.search("10 degrees tag:none", 10, ""); result.GoodMatch || result.Partial != "" {
		t.Errorf("nothing is called a good match: %+v", result)
	}
	var wrong *query.Error
	if _, err := w.engine.Search(t.Context(), Request{Text: "dog tga:beach", Limit: 10}); !errors.As(err, &wrong) || wrong.Character != 5 {
		t.Errorf("an unknown field: %v", err)
	}
	for _, photo := range []string{"/photos/none.jpg", "a.jpg", "id:x", "id:999"} {
		var unlike *LikeError
		if _, err := w.engine.Search(t.Context(), Request{Text: "like:" + photo, Limit: 10}); !errors.As(err, &unlike) || strings.Contains(err.Error(), "\n") {
			t.Errorf("like:%s: %v", photo, err)
		}
	}
	if _, err := w.engine.Search(t.Context(), Request{Text: "like:id:999", Limit: 10}); err == nil || !strings.Contains(err.Error(), "there is no photo with the number 999") {
		t.Errorf("a number that no photo has: %v", err)
	}
}

func TestAGroupTakesOnePlace(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.described(fmt.Sprintf("%d.jpg", i), 10*i, catalogue.Metadata{Taken: fmt.Sprintf("2023-05-01T10:00:0%d", i), Camera: "Canon R5"})
	}
	w.described("x.jpg", 90, catalogue.Metadata{Taken: "2023-05-02T10:00:00", Camera: "Canon R5"})
	w.caughtUp()
	w.finds("8 degrees", 10, 90)
	w.finds("8 degrees group:off", 10, 0, 20, 90)
	w.finds("sort:date", 90, 20)
	w.finds("sort:oldest group:off", 0, 10, 20, 90)
	w.finds("is:grouped group:off", 20, 10, 0)
	for text, want := range map[string][]int{"18 degrees": {2, 0}, "sort:date": {0, 2}, "18 degrees group:off": {0, 0, 0, 0}} {
		var similar []int
		for _, hit := range w.search(text, 10, "").Hits {
			similar = append(similar, hit.Similar)
		}
		if !slices.Equal(similar, want) {
			t.Errorf("%s: stand for %v others, want %v", text, similar, want)
		}
	}
}

// TestPagesStandStill: photos that come, go and get tags between two pages
// change neither the order nor the places of the others.
func TestPagesStandStill(t *testing.T) {
	for _, text := range []string{"0 degrees a", "0 degrees sort:oldest", "folder:x"} {
		t.Run(text, func(t *testing.T) {
			w := newWorld(t)
			for i := range 30 {
				w.described(fmt.Sprintf("x/%d.jpg", i), 3*i, catalogue.Metadata{Taken: fmt.Sprintf("2023-05-%02dT10:00:00", 1+i)})
			}
			w.caughtUp()
			want := w.degrees(w.search(text, 100, ""))
			if len(want) != 30 {
				t.Fatalf("found %v", want)
			}
			first := w.search(text, 7, "")
			got, next := w.degrees(first), first.Next
			gone := want[20]
			w.check(w.catalogue.Vanished(t.Context(), w.folder.ID, []string{fmt.Sprintf("x/%d.jpg", gone/3)}))
			w.check(w.catalogue.AddTags(t.Context(), w.photos[want[15]], []string{"0 degrees a"}))
			w.described("y/new.jpg", 1, catalogue.Metadata{Taken: "2023-05-04T09:00:00"})
			w.caughtUp()
			for next != "" {
				page := w.search(text, 7, next)
				got, next = append(got, w.degrees(page)...), page.Next
			}
			if want = slices.DeleteFunc(want, func(degrees int) bool { return degrees == gone }); !slices.Equal(got, want) {
				t.Errorf("pages %v, want %v", got, want)
			}
		})
	}
}

// counting counts the calls of an encoder.
type counting struct{ calls, texts int }

func (c *counting) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	c.calls, c.texts = c.calls+1, c.texts+len(texts)
	return angle{}.EncodeTexts(ctx, texts)
}

func TestEachSentenceIsEncodedOnce(t *testing.T) {
	w := newWorld(t, 0, 40)
	var encoder counting
	w.engine.Serve(&Generation{Index: w.engine.serving.Index, Encoder: &encoder, MatchFloor: 0.9})
	w.finds(`0 degrees tag:none OR 0 degrees -"40 degrees" OR 40 degrees`, 40, 0)
	if encoder.calls != 1 || encoder.texts != 2 {
		t.Errorf("%d calls with %d sentences, want 1 with 2", encoder.calls, encoder.texts)
	}
}

// opposed turns sentences around: what it ranks is another ranking.
type opposed struct{ angle }

func (o opposed) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	list, err := o.angle.EncodeTexts(ctx, texts)
	for _, one := range list {
		one.Vector[0], one.Vector[1] = one.Vector[1], one.Vector[0]
	}
	return list, err
}

// TestPagesStandStillAtASwap: what another client is told of the same query after a
// swap does not mix into the pages of one who began before.
func TestPagesStandStillAtASwap(t *testing.T) {
	w := newWorld(t, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
	want := w.degrees(w.search("0 degrees", 100, ""))
	first := w.search("0 degrees", 4, "")
	w.engine.Serve(&Generation{Index: w.engine.serving.Index, Encoder: opposed{}, MatchFloor: 0.9})
	other := w.search("0 degrees", 3, "")
	if got := append(w.degrees(first), w.degrees(w.search("0 degrees", 100, first.Next))...); !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	slices.Reverse(want)
	if got := append(w.degrees(other), w.degrees(w.search("0 degrees", 100, other.Next))...); !slices.Equal(got, want) {
		t.Errorf("pages after the swap %v, want %v", got, want)
	}
}
