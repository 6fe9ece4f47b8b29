package search

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vsed/plugins/contract"
)

// A TextEncoder turns sentences into vectors of one space.
type TextEncoder interface {
	EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error)
}

// A Generation is a set of vectors that can be searched, with the encoder of its
// sentences.
type Generation struct {
	Index      *Index
	Encoder    TextEncoder
	MatchFloor float64 // cosine below which a photo is no good match, in a library that is not calibrated

	queries     sync.WaitGroup // those that are under way
	calibration atomic.Pointer[Calibration]
	pictures    pictures
	learned     sync.Once // makes tags
	tags        vocabulary
}

// Calibrated reports whether the scores have been measured in the library.
func (g *Generation) Calibrated() bool { return g.calibration.Load() != nil }

// Serve makes queries ask this generation from now on, and returns when the last
// query has ended that began with the one before, which may then be closed.
func (e *Engine) Serve(g *Generation) {
	e.mutex.Lock()
	before := e.serving
	e.serving = g
	if g != nil {
		e.start.Do(func() { close(e.first) })
	}
	e.mutex.Unlock()
	if before != nil {
		before.queries.Wait()
	}
}

// await is hold, but waits shortly after a start for the first that serves.
func (e *Engine) await(ctx context.Context) *Generation {
	left := time.NewTimer(startTimeout - time.Since(e.made))
	defer left.Stop()
	select {
	case <-e.first:
	case <-left.C:
	case <-ctx.Done():
	}
	return e.hold()
}

// hold gives the generation that serves, for one query; nil where none does. The
// caller calls queries.Done.
func (e *Engine) hold() *Generation {
	e.mutex.RLock()
	defer e.mutex.RUnlock()
	if e.serving != nil {
		e.serving.queries.Add(1)
	}
	return e.serving
}
