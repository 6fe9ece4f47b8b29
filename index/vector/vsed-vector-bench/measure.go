package main

import (
	"cmp"
	"context"
	"errors"
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
				bytes, _, err := x.Sweep(1)
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
		filter := (*vector.Filter)(nil)
		search := func() error {
			if filter == nil {
				filter = vector.NewFilter(ids)
			}
			_, err := x.Search(context.Background(), query, f.K, filter)
			return err
		}
		first, err := timed(search)
		if err != nil {
			return err
		}
		next, err := timed(search)
		if err != nil {
			return err
		}
		making, searching = append(making, first-next), append(searching, next)
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
	var searches, speedups, memory []float64
	for _, query := range queries {
		if err != nil {
			break
		}
		alone, together := sweep(x, 1), sweep(x, 2)
		var ms float64
		ms, err = timed(func() error {
			_, err := x.Search(context.Background(), query, f.K, nil)
			return err
		})
		searches, speedups = append(searches, ms), append(speedups, f.Ratio*alone/ms)
		memory = append(memory, alone/together)
	}
	if err == nil {
		f.Threads2, f.Speedup, f.Memory = quantile(searches, 0.5), quantile(speedups, 0.5), quantile(memory, 0.5)
	}
	return errors.Join(err, x.Close())
}

// sweep adds up all bytes once; an error shows in the search that follows.
func sweep(x *vector.Index, threads int) (ms float64) {
	ms, _ = timed(func() error {
		_, _, err := x.Sweep(threads)
		return err
	})
	return ms
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
