package keyword_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vsed/index"
	"vsed/index/keyword"
)

// oracleWords are stems already, and of four letters: no slip is forgiven.
var oracleWords = []string{"bird", "boat", "fish", "lamp", "moon", "rock", "ship", "wolf"}

// oracleScores scores documents one by one by the rules of the package: fields of
// the texts in the order tag, title, place with their weights.
func oracleScores(documents map[int64][3]string, asked []string) (list []index.Hit) {
	weights := [3]float64{4, 3, 1}
	has := func(text, word string) bool { return slices.Contains(strings.Fields(text), word) }
	most, worth := 0.0, map[string][3]float64{}
	for _, word := range asked {
		var values [3]float64
		for field, weight := range weights {
			having := 0
			for _, texts := range documents {
				if has(texts[field], word) {
					having++
				}
			}
			if having > 0 {
				values[field] = weight * math.Pow(1+math.Log(float64(len(documents)+1)/float64(having+1)), 2)
			}
			most += values[field]
		}
		worth[word] = values
	}
	for id, texts := range documents {
		sum, found := 0.0, 0
		for _, word := range asked {
			any := false
			for field, text := range texts {
				if has(text, word) {
					sum, any = sum+worth[word][field], true
				}
			}
			if any {
				found++
			}
		}
		if found == 0 {
			continue
		}
		score := float64(found) / float64(len(asked)) * sum / most
		if texts[0] == strings.Join(asked, " ") {
			score += 2
		}
		list = append(list, index.Hit{ID: id, Score: score})
	}
	return list
}

// TestScoresAgainstTheOracle puts, replaces and removes documents, in several
// segments, and compares what Search, Score and Among give.
func TestScoresAgainstTheOracle(t *testing.T) {
	x, random := open(t, t.TempDir()), rand.New(rand.NewPCG(1, 2))
	documents := make(map[int64][3]string)
	draw := func(most int) string {
		words := random.Perm(len(oracleWords))[:random.IntN(most+1)]
		var list []string
		for _, word := range words {
			list = append(list, oracleWords[word])
		}
		return strings.Join(list, " ")
	}
	for round := range 12 {
		var put []keyword.Document
		var remove []int64
		for _, id := range random.Perm(400)[:60] {
			if id := int64(id); random.IntN(4) == 0 {
				remove = append(remove, id)
				delete(documents, id)
			} else {
				texts := [3]string{draw(3), draw(2), draw(1)}
				documents[id] = texts
				put = append(put, keyword.Document{ID: id, Tags: []string{texts[0]}, Title: texts[1], Places: []string{texts[2]}})
			}
		}
		if err := x.Apply(put, remove, int64(round+1)); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			asked := strings.Fields(draw(3))
			if len(asked) > 0 {
				compare(t, x, documents, asked)
			}
		}
	}
}

func compare(t *testing.T, x *keyword.Index, documents map[int64][3]string, asked []string) {
	t.Helper()
	text, want := strings.Join(asked, " "), oracleScores(documents, asked)
	got, err := x.Search(context.Background(), text, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(got, index.Compare) {
		t.Fatalf("%s: out of order", text)
	}
	var ids []int64
	for id := range int64(400) {
		ids = append(ids, id)
	}
	scored, err := x.Score(context.Background(), text, ids)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(scored, got) {
		t.Errorf("%s: Score gives %d hits, Search %d, or others", text, len(scored), len(got))
	}
	byID := func(hits []index.Hit) string {
		var lines []string
		for _, hit := range hits {
			lines = append(lines, fmt.Sprintf("%03d %.4f", hit.ID, hit.Score))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	if byID(got) != byID(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", text, byID(got), byID(want))
	}
	top, err := x.Search(context.Background(), text, 7, keyword.Among(func(id int64) bool { return id%3 == 0 }))
	if err != nil {
		t.Fatal(err)
	}
	few := slices.DeleteFunc(slices.Clone(got), func(hit index.Hit) bool { return hit.ID%3 != 0 })
	if !slices.Equal(top, few[:min(7, len(few))]) {
		t.Errorf("%s: the best seven of a third: got %v, want %v", text, top, few[:min(7, len(few))])
	}
}

// TestManyDocumentsWithOneWord crosses the border of a chunk, and has most of them
// tie.
func TestManyDocumentsWithOneWord(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 70,000 documents")
	}
	x := open(t, t.TempDir())
	var put []keyword.Document
	for id := range int64(70_000) {
		one := keyword.Document{ID: id, Tags: []string{"moon x"}}
		if id%10_000 == 9_999 {
			one.Title = "moon"
		}
		put = append(put, one)
	}
	for batch := range slices.Chunk(put, 10_000) {
		apply(t, x, batch[0].ID+1, batch...)
	}
	hits, err := x.Search(context.Background(), "moon", 10)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, hit := range hits {
		ids = append(ids, hit.ID)
	}
	if want := []int64{9_999, 19_999, 29_999, 39_999, 49_999, 59_999, 69_999, 0, 1, 2}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}

func TestExplain(t *testing.T) {
	x := open(t, t.TempDir())
	document := keyword.Document{ID: 7, Tags: []string{"Old Harbour", "harbours", "sea"}, Title: "The harbour", Names: []string{"sea.jpg", "IMG_1.jpg"}, Places: []string{"Mountain View", "California"}}
	apply(t, x, 1, document, keyword.Document{ID: 8, Tags: []string{"lamp"}})
	f := func(text string, want ...string) {
		t.Helper()
		matches, err := x.Explain(context.Background(), text, []int64{7, 8, 9})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, match := range matches[7] {
			got = append(got, fmt.Sprintf("%s %s %q", match.Word, match.Field, x.Texts(document, match)))
		}
		if !slices.Equal(got, want) || len(matches[8])+len(matches[9]) > 0 {
			t.Errorf("%s: got %q, want %q; others %v", text, got, want, matches)
		}
	}
	f("harbour", `harbour tag ["Old Harbour" "harbours"]`, `harbour title ["The harbour"]`)
	f("SEA", ` tag ["sea"]`, ` name ["sea.jpg"]`, `sea tag ["sea"]`, `sea name ["sea.jpg"]`)
	f("muntain", `muntain place ["Mountain View"]`)
	f("nothing")
}
