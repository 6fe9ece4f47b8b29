package keyword_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"vsed/index/keyword"
)

// photo makes a document as a library has them: a few tags of a vocabulary of
// some thousand words, a camera's file name, a dated folder.
func photo(source *rand.Rand, id int64) keyword.Document {
	var tags []string
	for range source.IntN(6) {
		tags = append(tags, fmt.Sprintf("tag%s word%s", letters(source.IntN(3000)), letters(source.IntN(500))))
	}
	return keyword.Document{
		ID: id, Tags: tags,
		Names:   []string{fmt.Sprintf("IMG_%06d.jpg", id)},
		Folders: []string{fmt.Sprintf("%d/%02d/holiday %s", 2000+source.IntN(25), 1+source.IntN(12), letters(source.IntN(200)))},
	}
}

func letters(number int) string {
	return string([]byte{'a' + byte(number%26), 'a' + byte(number/26%26), 'a' + byte(number/676%26)})
}

// fill applies batches of 200 and returns the largest live heap on the
// way, looked at after each tenth.
func fill(t testing.TB, x *keyword.Index, photos int64) uint64 {
	source, largest := rand.New(rand.NewPCG(1, 1)), uint64(0)
	for id := int64(0); id < photos; id += 200 {
		batch := make([]keyword.Document, 200)
		for i := range batch {
			batch[i] = photo(source, id+int64(i))
		}
		apply(t, x, id+200, batch...)
		if id%2000 == 0 {
			largest = max(largest, heap())
		}
	}
	return largest
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// anonymous is the process's RssAnon in bytes.
func anonymous(t *testing.T) uint64 {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kilobytes, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Skipf("no RssAnon: %v", err)
	}
	return kilobytes << 10
}

func TestMemory(t *testing.T) {
	const limit = 25 << 20
	x, before, anonymousBefore := open(t, t.TempDir()), heap(), anonymous(t)
	// Less than before where earlier tests had left something to collect.
	peak := int64(fill(t, x, 10000)) - int64(before)
	for number := range 200 {
		find(t, x, "holiday tag"+letters(number)+" word"+letters(number))
	}
	after := int64(heap()) - int64(before)
	t.Logf("10,000 photos: live heap at most %.1f MB while writing, %.1f MB after; RssAnon +%.1f MB",
		float64(peak)/1e6, float64(after)/1e6, float64(int64(anonymous(t))-int64(anonymousBefore))/1e6)
	if peak > limit || after > limit {
		t.Errorf("more than %d MB", limit>>20)
	}
}

func BenchmarkSearch(b *testing.B) {
	x := open(b, b.TempDir())
	fill(b, x, 10000)
	for name, text := range map[string]string{"three words": "holiday tagabc wordabc", "32 words": strings.Repeat("holiday taga b c d e f g h i j k l m n o p q r s t u v w x y z 2004 2005 2006 img ", 100)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				find(b, x, text)
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	source := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{1, 200} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, id := open(b, b.TempDir()), int64(0)
			for b.Loop() {
				batch := make([]keyword.Document, size)
				for i := range batch {
					batch[i] = photo(source, id)
					id++
				}
				apply(b, x, id, batch...)
			}
		})
	}
}
