//go:build soak

package attributes

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
)

// TestFiltersSoak prints what filters cost in time and memory.
func TestFiltersSoak(t *testing.T) {
	for _, count := range []int64{275_000, 1_000_000} {
		s := New(nil, nil)
		before := heap()
		random := rand.New(rand.NewPCG(1, 2))
		begin := time.Now()
		for first := int64(1); first <= count; first += 500 {
			var photos []catalogue.Photo
			for id := first; id < first+500; id++ {
				photos = append(photos, likelyPhoto(random, id))
			}
			if err := s.apply(photos); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%d photos: %.0f bytes each, taken in at %.0f/s", count, float64(heap()-before)/float64(count), float64(count)/time.Since(begin).Seconds())
		for _, text := range []string{
			"tag:tag7", "-tag:tag7", "date:2021-03", "date:2020..", "camera:pixel", "folder:2021/**", "name:img_77*", "name:77", "rating:>=3", "near:48.85,2.35,50km",
			"is:untagged", "is:grouped", "date:2021-03 (camera:pixel OR tag:tag1) -tag:tag2", "-is:offline",
		} {
			q, err := query.Parse(text, query.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			var set Set
			const rounds = 10
			for range rounds {
				set = Set{s.eval(q.Alternatives[0].Filter, map[int64]bool{2: true})}
			}
			t.Logf("%9d  %-55s %7d found  %6.2f ms", count, text, set.Len(), time.Since(begin).Seconds()*1000/rounds)
		}
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// likelyPhoto has five tags of a thousand, and lies with fifty others.
func likelyPhoto(random *rand.Rand, id int64) catalogue.Photo {
	year := 2015 + id/50%10
	photo := catalogue.Photo{ID: id, Change: id, Group: id - id%3, Files: []catalogue.File{{
		Path: fmt.Sprintf("/photos/%d/event %d/IMG_%07d.jpg", year, id/50, id), Folder: "/photos", FolderID: 1,
	}}}
	for range 5 {
		photo.Tags = append(photo.Tags, catalogue.Tag{Name: fmt.Sprintf("tag%d", random.IntN(1+random.IntN(1000)))})
	}
	photo.Taken = fmt.Sprintf("%d-%02d-%02dT12:%02d:%02d", year, 1+random.IntN(12), 1+random.IntN(28), random.IntN(60), random.IntN(60))
	photo.Camera, photo.Lens, photo.Rating = []string{"Google Pixel 7", "Canon EOS R5", "NIKON D850"}[id/50%3], "50mm", random.IntN(6)
	photo.Located = id%2 == 0
	photo.Latitude, photo.Longitude = 40+20*random.Float64(), 20*random.Float64()
	return photo
}
