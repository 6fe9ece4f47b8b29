package encoder

import (
	"context"
	"slices"
	"time"
)

const (
	// batchPatience bounds the search for the best batch: a model that is slow
	// enough to exhaust it gains nothing from larger ones on that device.
	batchPatience = 2 * time.Second
	// batchGain is what a larger batch must save of a picture's time to be worth
	// its memory.
	batchGain = 0.95
	// batchRounds of each size are measured; the median counts.
	batchRounds = 3
)

// chooseBatch runs sizes up to the manifest's and keeps the smallest that none
// beats by much. The graph is loaded anew where a larger size has been run than is
// kept, as it would hold on to the memory. The mutex is held.
func (s *pictureSide) chooseBatch(ctx context.Context) error {
	best, bestTime, largest := 1, time.Duration(0), 1
	for began, size := time.Now(), 1; size <= s.format.Batch; size = nextSize(size, s.format.Batch) {
		expected := bestTime * time.Duration(size*(batchRounds+1))
		if time.Since(began)+expected > batchPatience {
			break
		}
		took, err := s.timeBatch(ctx, size)
		if err != nil {
			return err
		}
		largest = size
		if each := took / time.Duration(size); size == 1 || float64(each) < batchGain*float64(bestTime) {
			best, bestTime = size, each
		}
	}
	s.batch = best
	s.log("pictures run in batches", "size", best, "ms a picture", float64(bestTime.Microseconds())/1000)
	if largest == best {
		return nil
	}
	if err := s.image.close(); err != nil {
		return err
	}
	s.image = nil
	return s.load()
}

// nextSize doubles up to the limit, which is tried whether or not it is a power of two.
func nextSize(size, limit int) int {
	if size < limit {
		return min(2*size, limit)
	}
	return limit + 1
}

// timeBatch is the median time of a run with this many pictures, after one that
// makes room for them.
func (s *pictureSide) timeBatch(ctx context.Context, size int) (time.Duration, error) {
	var times []time.Duration
	for range batchRounds + 1 {
		began := time.Now()
		if _, err := s.runBatch(ctx, s.image, size, nil); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	times = times[1:]
	slices.Sort(times)
	return times[len(times)/2], nil
}
