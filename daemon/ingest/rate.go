package ingest

import (
	"sync"
	"time"
)

// rateWindow is how far back a rate looks.
const rateWindow = 10 * time.Second

// A rate counts photos over the last window.
type rate struct {
	mutex   sync.Mutex
	batches []counted
}

type counted struct {
	at     time.Time
	photos int
}

func (r *rate) add(now time.Time, photos int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.batches = append(r.recent(now), counted{now, photos})
}

// perSecond divides by the time since the oldest batch in the window, so that
// the first seconds of a run show its pace too.
func (r *rate) perSecond(now time.Time) float64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.batches = r.recent(now)
	if len(r.batches) < 2 {
		return 0
	}
	photos := 0
	for _, batch := range r.batches[1:] {
		photos += batch.photos
	}
	return float64(photos) / max(now.Sub(r.batches[0].at).Seconds(), 0.001)
}

func (r *rate) recent(now time.Time) []counted {
	batches := r.batches
	for len(batches) > 0 && now.Sub(batches[0].at) > rateWindow {
		batches = batches[1:]
	}
	return batches
}
