package decoder

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkPhotos decodes the JPEGs of the folder in VSED_BENCH_PHOTOS.
func BenchmarkPhotos(b *testing.B) {
	paths, _ := filepath.Glob(filepath.Join(os.Getenv("VSED_BENCH_PHOTOS"), "*.jpg"))
	if len(paths) == 0 {
		b.Skip("VSED_BENCH_PHOTOS names no folder of JPEGs")
	}
	d := newDecoder(b)
	before := cpuTime()
	for i := 0; b.Loop(); i++ {
		photo, err := os.Open(paths[i%len(paths)])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Decode(b.Context(), photo, usual()); err != nil {
			b.Fatal(err)
		}
		photo.Close()
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}
