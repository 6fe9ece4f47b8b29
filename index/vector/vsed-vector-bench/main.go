// Command vsed-vector-bench measures the vector index on given rows and prints
// one JSON object. Rows and queries are raw little-endian float32, as
// vector_search.py --save writes them: PREFIX.rows.f32 and PREFIX.queries.f32.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vsed/index"
	"vsed/index/vector"
)

const (
	// batchRows is what the daemon applies at a time.
	batchRows = 500
	// together is the number of queries of one pass.
	together = 16
	// scarce is the share of rows, one in so many, that the filter lets through.
	scarce = 100
	// checked is the number of queries whose answer is compared with the exact
	// scores of all rows.
	checked = 3
)

// A figures is what is printed. Times are medians in milliseconds.
type figures struct {
	Kernel     string  `json:"kernel"`
	Rows       int     `json:"rows"`
	Dimensions int     `json:"dim"`
	K          int     `json:"k"`
	Limit      float64 `json:"limit_ms"` // adding up the same bytes, one thread
	Search     float64 `json:"ms_median"`
	SearchP95  float64 `json:"ms_p95"`
	Ratio      float64 `json:"ratio"` // median over the queries of search to limit, in turns
	Rescored   int     `json:"rescored"`
	Recall     float64 `json:"recall"`
	Threads2   float64 `json:"threads2_ms"`
	Limit2     float64 `json:"threads2_limit_ms"`
	Filter     float64 `json:"filter_ms"`        // one row in a hundred
	MakeFilter float64 `json:"filter_bitmap_ms"` // making the set of ids
	Together   float64 `json:"together_ms"`      // a query, of 16 in one pass
	Add        float64 `json:"add_per_s"`
	Visible    float64 `json:"visible_ms"` // one row, from Apply to the end of the search that finds it
	Scanned    float64 `json:"scanned_bytes"`
	Disk       float64 `json:"disk_bytes"`
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-vector-bench:", err)
		os.Exit(1)
	}
}

func run(arguments []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("vsed-vector-bench", flag.ContinueOnError)
	prefix := flags.String("data", "", "`prefix` of the rows and the queries")
	dimensions := flags.Int("dim", 512, "`number` of dimensions")
	k := flags.Int("k", 100, "`number` of hits")
	work := flags.String("work", os.TempDir(), "`folder` for the index, which is removed after")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(*work, "vector-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	queries, err := readQueries(*prefix+".queries.f32", *dimensions)
	if err != nil {
		return err
	}
	f := figures{Dimensions: *dimensions, K: *k}
	if err := f.build(dir, *prefix+".rows.f32"); err != nil {
		return err
	}
	if err := f.measureOne(dir, queries); err != nil {
		return err
	}
	if err := f.measureTwo(dir, queries); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(f)
}

func readQueries(path string, dimensions int) (queries [][]float32, err error) {
	err = readVectors(path, dimensions, func(values []float32) error {
		queries = append(queries, slices.Clone(values))
		return nil
	})
	return queries, err
}

// readVectors calls with each vector of the file; the slice is used again.
func readVectors(path string, dimensions int, take func([]float32) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	bytes, values := make([]byte, 4*dimensions), make([]float32, dimensions)
	for buffered := bufio.NewReaderSize(file, 1<<20); ; {
		if _, err := io.ReadFull(buffered, bytes); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%s: %w", path, err)
		}
		for i := range values {
			b := bytes[4*i:]
			values[i] = math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
		}
		if err := take(values); err != nil {
			return err
		}
	}
}

// build fills an index in batches; reading the rows is not measured.
func (f *figures) build(dir, path string) error {
	x, err := vector.Open(dir, f.Dimensions, vector.Options{})
	if err != nil {
		return err
	}
	var batch []vector.Vector
	var spent time.Duration
	apply := func() error {
		begin := time.Now()
		defer func() { spent += time.Since(begin) }()
		err := x.Apply(batch, nil, int64(f.Rows))
		batch = batch[:0]
		return err
	}
	err = readVectors(path, f.Dimensions, func(values []float32) error {
		f.Rows++
		batch = append(batch, vector.Vector{ID: int64(f.Rows), Values: slices.Clone(values)})
		if len(batch) < batchRows {
			return nil
		}
		return apply()
	})
	if err = errors.Join(err, apply()); err != nil {
		return errors.Join(err, x.Close())
	}
	f.Add = float64(f.Rows) / spent.Seconds()
	return x.Close()
}

// measureOne measures with one thread.
func (f *figures) measureOne(dir string, queries [][]float32) error {
	x, err := vector.Open(dir, f.Dimensions, vector.Options{})
	if err != nil {
		return err
	}
	f.Kernel = x.Kernel()
	if err := settle(x, queries[0]); err != nil {
		return errors.Join(err, x.Close())
	}
	for _, measure := range []func(*vector.Index, [][]float32) error{f.measureScan, f.measureRecall, f.measureFilter, f.measureTogether, f.measureVisible} {
		if err := measure(x, queries); err != nil {
			return errors.Join(err, x.Close())
		}
	}
	f.Disk = float64(diskBytes(dir)) / float64(f.Rows)
	return x.Close()
}

// settle waits until the sums are checked and compaction has nothing to do:
// then ten searches in turn take no longer than the ones before.
func settle(x *vector.Index, query []float32) error {
	for last := math.Inf(1); ; {
		best := math.Inf(1)
		for range 10 {
			ms, err := timed(func() error {
				_, err := x.Search(context.Background(), query, 10, nil)
				return err
			})
			if err != nil {
				return err
			}
			best = min(best, ms)
		}
		if best > 0.97*last {
			return nil
		}
		last = best
	}
}

func timed(f func() error) (ms float64, err error) {
	begin := time.Now()
	err = f()
	return float64(time.Since(begin).Microseconds()) / 1000, err
}

func (f *figures) measureScan(x *vector.Index, queries [][]float32) error {
	var limits, searches, ratios []float64
	var rescored []int
	for range 3 {
		for _, query := range queries {
			limit, err := timed(func() error {
				bytes, _, err := x.Sweep()
				f.Scanned = float64(bytes) / float64(f.Rows)
				return err
			})
			if err != nil {
				return err
			}
			ms, err := timed(func() error {
				result, err := x.Search(context.Background(), query, f.K, nil)
				rescored = append(rescored, result.Rescored)
				return err
			})
			if err != nil {
				return err
			}
			limits, searches, ratios = append(limits, limit), append(searches, ms), append(ratios, ms/limit)
		}
	}
	f.Limit, f.Search, f.SearchP95, f.Ratio = quantile(limits, 0.5), quantile(searches, 0.5), quantile(searches, 0.95), quantile(ratios, 0.5)
	f.Rescored = quantile(rescored, 0.5)
	return nil
}

func quantile[T cmp.Ordered](values []T, at float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(at*float64(len(sorted)-1))]
}

// measureRecall scores every row exactly.
func (f *figures) measureRecall(x *vector.Index, queries [][]float32) error {
	ids, right := make([]int64, f.Rows), 0
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	some := queries[:min(checked, len(queries))]
	for _, query := range some {
		scores, err := x.Score(query, ids)
		if err != nil {
			return err
		}
		var all []index.Hit
		for id, score := range scores {
			all = append(all, index.Hit{ID: id, Score: score})
		}
		slices.SortFunc(all, index.Compare)
		result, err := x.Search(context.Background(), query, f.K, nil)
		if err != nil {
			return err
		}
		for i, hit := range result.Hits {
			if hit == all[i] {
				right++
			}
		}
	}
	f.Recall = float64(right) / float64(min(f.K, f.Rows)*len(some))
	return nil
}

func (f *figures) measureFilter(x *vector.Index, queries [][]float32) error {
	ids := func(yield func(int64) bool) {
		for id := int64(scarce); id <= int64(f.Rows) && yield(id); id += scarce {
		}
	}
	var making, searching []float64
	for _, query := range queries {
		var filter *vector.Filter
		ms, _ := timed(func() error {
			filter = vector.NewFilter(ids)
			return nil
		})
		making = append(making, ms)
		ms, err := timed(func() error {
			_, err := x.Search(context.Background(), query, f.K, filter)
			return err
		})
		if err != nil {
			return err
		}
		searching = append(searching, ms)
	}
	f.MakeFilter, f.Filter = quantile(making, 0.5), quantile(searching, 0.5)
	return nil
}

func (f *figures) measureTogether(x *vector.Index, queries [][]float32) error {
	var each []float64
	for range 5 {
		for some := range slices.Chunk(queries, together) {
			if len(some) < together {
				break
			}
			ms, err := timed(func() error {
				_, err := x.SearchMany(context.Background(), some, f.K, nil)
				return err
			})
			if err != nil {
				return err
			}
			each = append(each, ms/together)
		}
	}
	f.Together = quantile(each, 0.5)
	return nil
}

func (f *figures) measureVisible(x *vector.Index, queries [][]float32) error {
	id := int64(-1)
	var times []float64
	for _, query := range queries {
		ms, err := timed(func() error {
			if err := x.Apply([]vector.Vector{{ID: id, Values: query}}, nil, int64(f.Rows)); err != nil {
				return err
			}
			result, err := x.Search(context.Background(), query, 1, nil)
			if err == nil && result.Hits[0].ID != id {
				err = errors.New("a row that was stored is not found")
			}
			return err
		})
		if err != nil {
			return err
		}
		times = append(times, ms)
	}
	f.Visible = quantile(times, 0.95)
	return nil
}

// measureTwo measures with two threads.
func (f *figures) measureTwo(dir string, queries [][]float32) error {
	x, err := vector.Open(dir, f.Dimensions, vector.Options{Threads: 2})
	if err != nil {
		return err
	}
	err = settle(x, queries[0])
	var searches, limits []float64
	for _, query := range queries {
		if err != nil {
			break
		}
		var ms float64
		ms, err = timed(func() error {
			_, err := x.Search(context.Background(), query, f.K, nil)
			return err
		})
		searches = append(searches, ms)
		limits = append(limits, f.sweepTwice(x))
	}
	if err == nil {
		f.Threads2, f.Limit2 = quantile(searches, 0.5), quantile(limits, 0.5)
	}
	return errors.Join(err, x.Close())
}

// sweepTwice reads everything twice, on two threads at once: half of its time is
// what two threads need for reading it once.
func (f *figures) sweepTwice(x *vector.Index) (ms float64) {
	ms, _ = timed(func() error {
		other := make(chan error)
		go func() {
			_, _, err := x.Sweep()
			other <- err
		}()
		_, _, err := x.Sweep()
		return errors.Join(err, <-other)
	})
	return ms / 2
}

// diskBytes is the room that the files take.
func diskBytes(dir string) (bytes int64) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		var stat syscall.Stat_t
		if strings.HasPrefix(entry.Name(), ".") || syscall.Stat(filepath.Join(dir, entry.Name()), &stat) != nil {
			continue
		}
		bytes += stat.Blocks * 512
	}
	return bytes
}
