package catalogue

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLearnedTagsGiveWayToWhatWasSaid(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c")
	check(t, c.AddTags(t.Context(), photos[0], []string{"Beach"}))
	s := learnedSpace(t, c, "beach", "dog", "unlikely")
	project(t, s, Confidence{0, 0.84}, Confidence{1, 0.3}, Confidence{2, 0.001})
	f := func(photo int64, want string) {
		t.Helper()
		if got := fmt.Sprint(must[[]LearnedTag](t)(s.Learned(t.Context(), photo))); got != want {
			t.Errorf("photo %d: %s, want %s", photo, got, want)
		}
	}
	f(photos[0], "[{dog 0.3}]")
	f(photos[1], "[{beach 0.84} {dog 0.3}]")
	check(t, c.RefuseTags(t.Context(), photos[1], []string{"beach"}))
	f(photos[1], "[{dog 0.3}]")
	if refused := must[[]string](t)(c.Refused(t.Context(), photos[1])); !slices.Equal(refused, []string{"beach"}) {
		t.Errorf("refused %v", refused)
	}
	check(t, c.AddTags(t.Context(), photos[2], []string{"dog"}))
	check(t, c.RemoveTags(t.Context(), photos[2], []string{"dog"}))
	f(photos[2], "[{beach 0.84}]")
	check(t, c.AddTags(t.Context(), photos[1], []string{"beach"}))
	check(t, c.RemoveTags(t.Context(), photos[1], []string{"beach"}))
	if refused := must[[]string](t)(c.Refused(t.Context(), photos[1])); len(refused) != 0 {
		t.Errorf("refused %v after it was put on by hand", refused)
	}
	counts := must[[]LearnedCount](t)(s.LearnedTags(t.Context(), 0.5))
	if fmt.Sprint(counts) != "[{beach 3} {dog 0} {unlikely 0}]" {
		t.Errorf("counts %v", counts)
	}
	// A new vector brings its own tags, and a vector that goes takes them along.
	check(t, s.Store(t.Context(), map[int64]Embedding{photos[2]: {Vector: []float32{0, 1}, Tags: []Confidence{{2, 0.5}}}}))
	f(photos[2], "[{unlikely 0.5}]")
	_, err := s.write.Exec(`DELETE FROM embedding`)
	check(t, err)
	f(photos[2], "[]")
}

func TestSuggestionsArePagedFromTheSurest(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c", "d")
	s := learnedSpace(t, c, "beach", "dog")
	for i, photo := range photos {
		tags := []Confidence{{0, 0.5}, {1, 0.9 - 0.2*float64(i)}}
		check(t, s.Store(t.Context(), map[int64]Embedding{photo: {Vector: []float32{0, 1}, Tags: tags}}))
	}
	check(t, c.AddTags(t.Context(), photos[1], []string{"dog"}))
	check(t, c.RefuseTags(t.Context(), photos[3], []string{"beach"}))
	f := func(filter SuggestionFilter, want string) {
		t.Helper()
		for filter.Limit = 1; filter.Limit < 9; filter.Limit++ {
			var all []string
			filter.After = nil
			for {
				page := must[[]Suggestion](t)(s.Suggestions(t.Context(), filter))
				for _, one := range page {
					all = append(all, fmt.Sprintf("%d %s %.1f", one.Photo, one.Name, one.Confidence))
				}
				if len(page) < filter.Limit {
					break
				}
				filter.After = &page[len(page)-1]
			}
			if got := fmt.Sprint(all); got != want {
				t.Errorf("%+v: got %s, want %s", filter, got, want)
			}
		}
	}
	f(SuggestionFilter{}, "[1 dog 0.9 1 beach 0.5 2 beach 0.5 3 beach 0.5 3 dog 0.5 4 dog 0.3]")
	f(SuggestionFilter{Tag: "dog"}, "[1 dog 0.9 3 dog 0.5 4 dog 0.3]")
	f(SuggestionFilter{Tag: "beach", Least: 0.5}, "[1 beach 0.5 2 beach 0.5 3 beach 0.5]")
	f(SuggestionFilter{Least: 0.51}, "[1 dog 0.9]")
	f(SuggestionFilter{Tag: "cat"}, "[]")
	_, err := c.write.Exec(`UPDATE file SET state = 'missing' WHERE photo = ?`, photos[0])
	check(t, err)
	f(SuggestionFilter{Tag: "dog"}, "[3 dog 0.5 4 dog 0.3]")
}

func TestTaggedPhotosComeWithTheirFeatures(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c", "d")
	check(t, c.AddTags(t.Context(), photos[2], []string{"dog", "beach"}))
	check(t, c.RefuseTags(t.Context(), photos[0], []string{"cat"}))
	_, err := c.write.Exec(`INSERT INTO keyword (photo, name) VALUES (?1, 'beach'), (?1, 'sea'), (?2, 'cat')`, photos[2], photos[3])
	check(t, err)
	check(t, c.RemoveTags(t.Context(), photos[2], []string{"sea"}))
	_, err = c.write.Exec(`UPDATE photo SET taken = '2020', perceptual_hash = -1 WHERE id = ?`, photos[2])
	check(t, err)
	_, err = c.Serving().features.Load().write.Exec(`DELETE FROM feature WHERE photo = ?`, photos[3])
	check(t, err)
	var got []string
	check(t, c.Serving().Tagged(t.Context(), func(p TaggedPhoto) error {
		got = append(got, fmt.Sprintf("%d %v %v %q %d %d", p.ID, p.Tags, p.Refused, p.Taken, p.Looks>>60, len(p.Feature)))
		return nil
	}))
	want := []string{`1 [] [cat] "" 0 32`, `3 [beach dog] [sea] "2020" 15 32`, `4 [cat] [] "" 0 0`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if counts := must[TagCounts](t)(c.CountTags(t.Context())); counts != (TagCounts{Photos: 2, Tags: 4, Given: 4, Refused: 1}) {
		t.Errorf("counts %+v", counts)
	}
	check(t, c.AddTags(t.Context(), photos[0], []string{"new"}))
	if counts := must[TagCounts](t)(c.CountTags(t.Context())); counts.Photos != 3 {
		t.Errorf("counts %+v after a tag more", counts)
	}
}

// TestATagOfSeveralSpellingsIsLearnedOnce, in the one that most photos have.
func TestATagOfSeveralSpellingsIsLearnedOnce(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c", "d")
	check(t, c.AddTags(t.Context(), photos[0], []string{"strand", "cafe\u0301"}))
	check(t, c.AddTags(t.Context(), photos[1], []string{"Strand", "Caf\u00c9"}))
	check(t, c.AddTags(t.Context(), photos[2], []string{"Strand", "dog"}))
	check(t, c.RefuseTags(t.Context(), photos[3], []string{"STRAND", "Dog"}))
	var got []string
	check(t, c.Serving().Tagged(t.Context(), func(p TaggedPhoto) error {
		got = append(got, fmt.Sprintf("%v %v", p.Tags, p.Refused))
		return nil
	}))
	want := []string{"[Caf\u00c9 Strand] []", "[Caf\u00c9 Strand] []", "[Strand dog] []", "[] [Strand dog]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusalsAreListedAndTakenBack(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c")
	check(t, c.RefuseTags(t.Context(), photos[0], []string{"sea", "Beach"}))
	check(t, c.RefuseTags(t.Context(), photos[2], []string{"beach"}))
	f := func(filter RefusalFilter, want string) {
		t.Helper()
		for filter.Limit = 1; filter.Limit < 5; filter.Limit++ {
			var all []Refusal
			for filter.After = (Refusal{}); ; filter.After = all[len(all)-1] {
				page := must[[]Refusal](t)(c.Refusals(t.Context(), filter))
				if all = append(all, page...); len(page) < filter.Limit {
					break
				}
			}
			if got := fmt.Sprint(all); got != want {
				t.Errorf("%+v: got %s, want %s", filter, got, want)
			}
		}
	}
	f(RefusalFilter{}, "[{1 Beach} {1 sea} {3 beach}]")
	f(RefusalFilter{Tag: "BEACH"}, "[{1 Beach} {3 beach}]")
	f(RefusalFilter{Tag: "beach", Photo: photos[0]}, "[{1 Beach}]")
	f(RefusalFilter{Tag: "dog"}, "[]")
	check(t, c.UnrefuseTags(t.Context(), photos[0], []string{"beach", "dog"}))
	f(RefusalFilter{}, "[{1 sea} {3 beach}]")
}

func TestARefusalIsOfAllSpellings(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a", "b", "c", "d")
	s := learnedSpace(t, c, "Beach", "beach", "be\u0301")
	project(t, s, Confidence{0, 0.9}, Confidence{1, 0.8}, Confidence{2, 0.7})
	check(t, c.RefuseTags(t.Context(), photos[0], []string{"beach", "B\u00c9", "dog"}))
	check(t, c.AddTags(t.Context(), photos[1], []string{"BEACH"}))
	check(t, c.RemoveTags(t.Context(), photos[1], []string{"BEACH"}))
	f := func(tag string, want ...int64) {
		t.Helper()
		var listed, asked []int64
		all := func(int64) bool { return true }
		for _, one := range must[[]Likely](t)(s.Likeliest(t.Context(), tag, 10, all)) {
			listed = append(listed, one.Photo)
		}
		for _, one := range must[[]Likely](t)(s.Likely(t.Context(), tag, photos)) {
			asked = append(asked, one.Photo)
		}
		if !slices.Equal(listed, want) || !slices.Equal(asked, want) {
			t.Errorf("%s: %v and %v, want %v", tag, listed, asked, want)
		}
	}
	f("Beach", photos[2], photos[3])
	f("beach", photos[2], photos[3])
	f("be\u0301", photos[1], photos[2], photos[3])
	check(t, c.AddTags(t.Context(), photos[0], []string{"Beach"})) // takes the refusal back
	f("beach", photos[0], photos[2], photos[3])
}

// What is asked for photos must not read what all others have.
func TestPlansBeginWithThePhotosThatAreAsked(t *testing.T) {
	c := open(t, t.TempDir())
	featured(t, c, "a")
	s := learnedSpace(t, c, "beach")
	f := func(db *sql.DB, query string, arguments ...any) {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, arguments...)
		check(t, err)
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			check(t, rows.Scan(&id, &parent, &unused, &step))
			for _, table := range []string{"tag", "keyword", "sidecar_tag", "file", "learned", "tag_refused", "tag_removed"} {
				if strings.HasPrefix(step+" ", "SCAN "+table+" ") || strings.Contains(step, "learned_tag") {
					t.Errorf("%s: %s", query, step)
				}
			}
		}
		check(t, rows.Err())
	}
	f(s.read, selectLikely, "[1]", 0)
	f(c.read, selectSaid, "[1]", s.id)
	f(c.read, selectTagged, "[1]")
}

func TestTagsOfOtherNamesAreDropped(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := featured(t, c, "a")
	s := learnedSpace(t, c, "beach", "dog")
	project(t, s, Confidence{0, 0.9})
	check(t, s.Describe(t.Context(), Description{FeatureSpace: "features", LearnedTags: []string{"beach", "dog"}}))
	if got := must[[]LearnedTag](t)(s.Learned(t.Context(), photos[0])); len(got) != 1 {
		t.Fatalf("learned %v", got)
	}
	check(t, s.Describe(t.Context(), Description{FeatureSpace: "features", LearnedTags: []string{"dog", "beach"}}))
	if got := must[[]LearnedTag](t)(s.Learned(t.Context(), photos[0])); len(got) != 0 {
		t.Errorf("learned %v, of a tag that had another name", got)
	}
}
