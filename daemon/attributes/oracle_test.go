package attributes

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
)

// An oracle answers filters photo by photo, in other words than the store's.
type oracle struct {
	photos map[int64]catalogue.Photo
	groups map[int64]int // how many are shown
}

func (o oracle) find(e query.Expression) (ids []int64) {
	clear(o.groups)
	for _, photo := range o.photos {
		if photo.Visible() {
			o.groups[photo.Group]++
		}
	}
	for id, photo := range o.photos {
		if photo.Visible() && o.passes(e, photo) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (o oracle) passes(e query.Expression, photo catalogue.Photo) bool {
	passes := func(e query.Expression) bool { return o.passes(e, photo) }
	switch e := e.(type) {
	case query.And:
		return !slices.ContainsFunc(e, func(e query.Expression) bool { return !passes(e) })
	case query.Or:
		return slices.ContainsFunc(e, passes)
	case query.Not:
		return !passes(e.Of)
	case query.Match:
		return slices.ContainsFunc(texts(photo, e.Field), func(text string) bool { return same(e, text) })
	case query.Date:
		return photo.Taken != "" && photo.Taken >= e.From && (e.Before == "" || photo.Taken < e.Before)
	case query.Rating:
		return e.Least <= photo.Rating && photo.Rating <= e.Most
	case query.Near:
		return photo.Located && kilometres(e.Latitude, e.Longitude, photo.Latitude, photo.Longitude) <= e.Kilometres
	case query.Is:
		return o.is(e.Property, photo)
	}
	return true
}

func texts(photo catalogue.Photo, field query.Field) (list []string) {
	switch field {
	case query.Tag:
		for _, tag := range photo.Tags {
			list = append(list, tag.Name)
		}
	case query.Camera:
		return []string{photo.Camera}
	case query.Lens:
		return []string{photo.Lens}
	}
	for _, file := range photo.Files {
		if file.Missing {
			continue
		}
		switch field {
		case query.Name:
			list = append(list, filepath.Base(file.Path))
		case query.Folder:
			list = append(list, strings.TrimPrefix(filepath.Dir(file.Path), "/photos/"))
		}
	}
	return list
}

// same knows the few patterns of randomFilter.
func same(e query.Match, text string) bool {
	text, pattern := strings.ToLower(text), strings.Join(strings.Fields(strings.ToLower(e.Pattern)), " ")
	start, isPrefix := strings.CutSuffix(pattern, "*")
	switch {
	case e.Field == query.Folder:
		start = strings.TrimSuffix(pattern, "/**")
		return text == start || strings.HasPrefix(text, start+"/")
	case isPrefix:
		return text != "" && strings.HasPrefix(text, start)
	case e.Field == query.Tag:
		return text == pattern
	}
	return strings.Contains(text, pattern)
}

func (o oracle) is(property query.Property, photo catalogue.Photo) bool {
	tagged := func(name string) bool {
		return slices.ContainsFunc(photo.Tags, func(tag catalogue.Tag) bool { return strings.ToLower(tag.Name) == name })
	}
	switch property {
	case query.Untagged:
		return len(photo.Tags) == 0
	case query.Tagged:
		return len(photo.Tags) > 0
	case query.Located:
		return photo.Located
	case query.Dated:
		return photo.Taken != ""
	case query.Rated:
		return photo.Rating > 0
	case query.Rejected:
		return photo.Rating == -1
	case query.Favourite:
		return photo.Rating == 5 || tagged("favourite") || tagged("favorite")
	case query.Offline:
		return !slices.ContainsFunc(photo.Files, func(file catalogue.File) bool { return !file.Missing && !file.Offline })
	case query.Grouped:
		return o.groups[photo.Group] > 1
	}
	return false
}

var (
	tagNames    = []string{"beach", "Beach", "dog", "favourite", "New York", "beaches", "Straße"}
	cameras     = []string{"", "Google Pixel 7", "Canon EOS R5", "pixel"}
	folderNames = []string{"/photos", "/photos/2024", "/photos/2024/Rome", "/photos/2023/rome/x", "/photos/20240"}
)

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

func randomPhoto(random *rand.Rand, id int64) catalogue.Photo {
	photo := catalogue.Photo{ID: id, Change: id, Group: 1 + random.Int64N(id)}
	if random.IntN(2) == 0 {
		photo.Group = id
	}
	for range random.IntN(3) {
		root := 1 + random.Int64N(2)
		photo.Files = append(photo.Files, catalogue.File{
			Path: pick(random, folderNames) + fmt.Sprintf("/IMG_%d.jpg", random.IntN(200)), Folder: "/photos", FolderID: root, Offline: root == 2, Missing: random.IntN(8) == 0,
		})
	}
	slices.SortStableFunc(photo.Files, func(a, b catalogue.File) int { return strings.Compare(fmt.Sprint(a.Missing), fmt.Sprint(b.Missing)) })
	for range random.IntN(3) {
		photo.Tags = append(photo.Tags, catalogue.Tag{Name: pick(random, tagNames)})
	}
	if random.IntN(4) > 0 {
		photo.Taken = fmt.Sprintf("20%02d-%02d-%02dT12:00:%02d", 20+random.IntN(5), 1+random.IntN(12), 1+random.IntN(28), random.IntN(60))
	}
	photo.Camera, photo.Lens, photo.Rating = pick(random, cameras), pick(random, cameras), random.IntN(7)-1
	if photo.Located = random.IntN(2) == 0; photo.Located {
		photo.Latitude, photo.Longitude = float64(random.IntN(1800)-900)/10, float64(random.IntN(3600)-1800)/10
	}
	return photo
}

func randomFilter(random *rand.Rand, depth int) query.Expression {
	if depth > 0 && random.IntN(2) == 0 {
		a, b := randomFilter(random, depth-1), randomFilter(random, depth-1)
		return pick(random, []query.Expression{query.And{a, b}, query.Or{a, b}, query.Not{Of: a}})
	}
	return pick(random, []query.Expression{
		query.Match{Field: query.Tag, Pattern: pick(random, []string{"BEACH", "dog", "new  york", "bea*", "none", "straße"})},
		query.Match{Field: query.Camera, Pattern: pick(random, []string{"pixel", "canon*", "google pixel"})},
		query.Match{Field: query.Lens, Pattern: "Pixel"},
		query.Match{Field: query.Folder, Pattern: pick(random, []string{"2024", "2024/**", "2024/rome", "2023"})},
		query.Match{Field: query.Name, Pattern: pick(random, []string{"img_1", "IMG_1*", "7.jpg"})},
		query.Date{From: fmt.Sprintf("202%d-0%d-01", random.IntN(5), 1+random.IntN(9)), Before: pick(random, []string{"", "2023-03-05"})},
		query.Rating{Least: random.IntN(4) - 1, Most: 2 + random.IntN(4)},
		query.Near{Latitude: float64(random.IntN(180) - 90), Longitude: float64(random.IntN(360) - 180), Kilometres: float64(1 + random.IntN(9000))},
		query.Is{Property: pick(random, []query.Property{query.Untagged, query.Tagged, query.Located, query.Dated, query.Rated, query.Favourite, query.Rejected, query.Offline, query.Grouped})},
	})
}

// TestAgainstTheOracle changes photos of a random library and asks random
// filters of it.
func TestAgainstTheOracle(t *testing.T) {
	againstTheOracle(t, func(s *Store, _ int) *Store { return s })
}

// TestSnapshotsAgainstTheOracle puts the store into a snapshot now and then, and
// goes on with it, or with what another store reads from it.
func TestSnapshotsAgainstTheOracle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "attributes")
	againstTheOracle(t, func(s *Store, round int) *Store {
		if round%3 == 0 {
			return s
		}
		s.file, s.unsaved = file, 1
		if err := s.Save(); err != nil {
			t.Fatal(err)
		}
		if round%3 == 1 {
			return s
		}
		mapped, a, err := open(file)
		if err != nil {
			t.Fatal(err)
		}
		other := New(nil, nil)
		if err := other.restore(mapped, a); err != nil {
			t.Fatal(err)
		}
		return other
	})
}

// againstTheOracle goes on in each round with what between makes of the store.
func againstTheOracle(t *testing.T, between func(s *Store, round int) *Store) {
	random := rand.New(rand.NewPCG(1, 2))
	s, want := New(nil, nil), oracle{make(map[int64]catalogue.Photo), make(map[int64]int)}
	for round := range 20 {
		s = between(s, round)
		var photos []catalogue.Photo
		for range 100 {
			photo := randomPhoto(random, 1+random.Int64N(9000))
			photos, want.photos[photo.ID] = append(photos, photo), photo
		}
		if err := s.apply(photos); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			filter := randomFilter(random, 3)
			found := slices.Collect(Set{s.eval(filter, map[int64]bool{2: true})}.All)
			if ids := want.find(filter); !slices.Equal(found, ids) {
				t.Fatalf("round %d, %s: found %d %v, want %d %v", round, filter, len(found), found[:min(10, len(found))], len(ids), ids[:min(10, len(ids))])
			}
		}
	}
}
