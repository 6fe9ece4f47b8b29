package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"vsed/daemon/catalogue"
	"vsed/index"
	"vsed/index/vector"
)

// An Index finds the vectors of one space. Whoever opens it follows it, and
// closes it when no generation uses it any more.
type Index struct {
	space   *catalogue.Space
	vectors *vector.Index
	scans   together
	reached atomic.Pointer[catalogue.Cursor] // nil before Follow
	log     *slog.Logger
}

// OpenIndex opens the index of a space in a folder of its own, or makes it. An
// index is made anew that is ahead of newest, the newest change that it can have
// followed, as after a restored backup; or that was not open when photos were
// forgotten, of which no change tells.
func OpenIndex(ctx context.Context, folder string, c *catalogue.Catalogue, newest int64, space *catalogue.Space, dimensions int, log *slog.Logger) (*Index, error) {
	vectors, err := openVectors(ctx, folder, c, newest, dimensions, log)
	if err != nil {
		return nil, fmt.Errorf("open the index of the space %s: %w", space.Name(), err)
	}
	return &Index{space: space, vectors: vectors, log: log}, nil
}

func openVectors(ctx context.Context, folder string, c *catalogue.Catalogue, newest int64, dimensions int, log *slog.Logger) (*vector.Index, error) {
	vectors, err := vector.Open(folder, dimensions, vector.Options{})
	if err != nil {
		return nil, err
	}
	if err := vectors.Rebuilt(); err != nil {
		log.Warn("a vector index is made anew from the catalogue", "reason", err)
	}
	forgotten, err := c.Forgotten(ctx)
	if err != nil {
		return nil, errors.Join(err, vectors.Close())
	}
	seen := vectors.Change()
	if seen == 0 || seen <= newest && seen >= forgotten {
		return vectors, nil
	}
	log.Warn("a vector index does not fit the catalogue and is made anew", "index", seen, "catalogue", newest, "forgotten", forgotten)
	if err := errors.Join(vectors.Close(), os.RemoveAll(folder)); err != nil {
		return nil, err
	}
	return vector.Open(folder, dimensions, vector.Options{})
}

// Close closes the index after Follow has ended.
func (x *Index) Close() error { return x.vectors.Close() }

// Follow keeps the index at the state of the catalogue until the context ends.
// What fails is tried again, and what was lost to damage is put again.
func (x *Index) Follow(ctx context.Context) error {
	x.comeBack()
	return follow(ctx, x.log, x.space.Wait, x.vectors.Lost(), func(ctx context.Context) error {
		err := x.catchUp(ctx)
		if err != nil {
			x.comeBack()
		}
		return err
	})
}

// comeBack goes on from what the index holds.
func (x *Index) comeBack() { x.reached.Store(&catalogue.Cursor{Change: x.vectors.Change()}) }

func (x *Index) catchUp(ctx context.Context) error {
	if x.vectors.Change() == 0 {
		x.comeBack()
	}
	for ctx.Err() == nil {
		changes, err := x.space.Changed(ctx, *x.reached.Load(), followBatch)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := x.apply(changes); err != nil {
			return err
		}
		x.reached.Store(&changes[len(changes)-1].Cursor)
	}
	return nil
}

// apply leaves out a vector that the index refuses: one damaged row must not
// hide the others.
func (x *Index) apply(changes []catalogue.Change) error {
	var put []vector.Vector
	var remove []int64
	for _, change := range changes {
		if change.Vector == nil {
			remove = append(remove, change.Photo)
		} else {
			put = append(put, vector.Vector{ID: change.Photo, Values: change.Vector})
		}
	}
	err := x.vectors.Apply(put, remove, changes[len(changes)-1].Change)
	var refused *vector.RefusedError
	if errors.As(err, &refused) {
		x.log.Error("stored vectors are damaged; their photos are found by words only", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the vector index: %w", err)
	}
	return nil
}

// CaughtUp reports whether every vector that the catalogue holds can be found.
func (x *Index) CaughtUp(ctx context.Context) (bool, error) {
	place := x.reached.Load()
	if place == nil {
		return false, nil
	}
	behind, err := x.space.Changed(ctx, *place, 1)
	return len(behind) == 0, err
}

// search gives the photos nearest to the vector that pass the filter, best first,
// and after them the others of those given with their cosines.
func (x *Index) search(ctx context.Context, wanted []float32, others []index.Hit, passing *vector.Filter) (vector.Result, error) {
	var found vector.Result
	var err error
	if passing == nil {
		found, err = x.scans.search(ctx, x.vectors, wanted, candidates)
	} else {
		found, err = x.vectors.Search(ctx, wanted, candidates, passing)
	}
	if err != nil {
		return found, err
	}
	near := make(map[int64]bool, len(found.Hits))
	for _, hit := range found.Hits {
		near[hit.ID] = true
	}
	var far []int64
	for _, hit := range others {
		if !near[hit.ID] {
			far, near[hit.ID] = append(far, hit.ID), true
		}
	}
	scores, err := x.vectors.Score(wanted, far)
	for _, id := range far {
		if score, ok := scores[id]; ok {
			found.Hits = append(found.Hits, index.Hit{ID: id, Score: score})
		}
	}
	return found, err
}
