package ingest

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// projectBatch is how many stored features become vectors in one call: so many
	// that the calls and commits between them do not count.
	projectBatch = 1000
	// maxDamaged is how many features may fail one after the other before it is the
	// encoder that fails on features.
	maxDamaged = 16
)

// A projected batch is what was made of stored features.
type projected struct {
	photos     []catalogue.Stored
	embeddings []catalogue.Embedding
}

// project makes what the target lacks from stored features, and lets feed hand out
// the photos that have none. Only the end of the context is an error.
func (p *Pipeline) project(ctx context.Context, into *target) error {
	p.gatherFeatures(ctx)
	began, count := time.Now(), 0
	group, within := errgroup.WithContext(ctx)
	read, made := make(chan []catalogue.Stored, 1), make(chan projected, 1)
	group.Go(func() error {
		defer close(read)
		return p.readFeatures(within, into, read)
	})
	group.Go(func() error {
		defer close(made)
		return p.projectAll(within, into, read, made)
	})
	group.Go(func() error {
		for batch := range made {
			if err := p.storeProjected(within, into, batch); err != nil {
				return err
			}
			count += len(batch.photos)
		}
		return nil
	})
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.log.Error("vectors cannot be made from stored features; their photos are read", "error", err)
	}
	if count > 0 {
		p.log.Info("vectors were made from stored features", "photos", count, "space", into.Space.Name(), "took", time.Since(began).Round(time.Millisecond))
	}
	into.projecting.Store(false)
	p.unencoded.Store(true)
	p.wake()
	return nil
}

// gatherFeatures moves the features of an older vsed to where they are read.
func (p *Pipeline) gatherFeatures(ctx context.Context) {
	for _, one := range p.targets {
		if err := one.Space.Gather(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("features that an older vsed stored are not all where they belong", "space", one.Space.Name(), "error", err)
		}
	}
}

// readFeatures hands out features of photos that lack a vector. Those of a wrong
// length are left to the ordinary way.
func (p *Pipeline) readFeatures(ctx context.Context, into *target, read chan<- []catalogue.Stored) error {
	var after int64
	for {
		batch, last, err := into.Space.Projectable(ctx, after, projectBatch)
		if err != nil || last == 0 {
			return err
		}
		after = last
		var whole []catalogue.Stored
		for _, one := range batch {
			if len(one.Feature) == int(into.Description.GetFeatureBytes()) {
				whole = append(whole, one)
			}
		}
		if len(whole) == 0 {
			continue
		}
		select {
		case read <- whole:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// projectAll makes vectors of what is read. Features that the encoder takes for
// damaged are left to the ordinary way.
func (p *Pipeline) projectAll(ctx context.Context, into *target, read <-chan []catalogue.Stored, made chan<- projected) error {
	damaged := 0
	for batch := range read {
		var done projected
		if err := p.projectSome(ctx, into, batch, &done, &damaged); err != nil {
			return err
		}
		select {
		case made <- done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// projectSome projects a batch. If it fails its halves are tried, down to the one
// that is at fault.
func (p *Pipeline) projectSome(ctx context.Context, into *target, batch []catalogue.Stored, done *projected, damaged *int) error {
	embeddings, err := p.callProject(ctx, into, batch)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		*damaged = 0
		for i, one := range batch {
			done.photos, done.embeddings = append(done.photos, one), append(done.embeddings, into.embedding(embeddings[i]))
		}
		return nil
	case errors.Is(err, errors.ErrUnsupported):
		return err
	case broughtDown(err):
		p.log.Warn("the encoder fails on stored features; their photos are read", "photos", len(batch), "error", err)
		return nil
	case len(batch) > 1:
		half := len(batch) / 2
		if err := p.projectSome(ctx, into, batch[:half], done, damaged); err != nil {
			return err
		}
		return p.projectSome(ctx, into, batch[half:], done, damaged)
	}
	p.log.Warn("a stored feature is damaged; its photo is read", "photo", batch[0].Photo, "error", err)
	if *damaged++; *damaged >= maxDamaged {
		return err
	}
	return nil
}

// broughtDown reports whether a failure was the end of the plugin's process. To look
// for the feature that did it would bring it down many times more.
func broughtDown(failure error) bool {
	var crash *host.CrashError
	var timeout *host.TimeoutError
	return errors.As(failure, &crash) || errors.As(failure, &timeout)
}

// callProject waits as long as the encoder cannot be started, as call does, and tries
// once more what an end of the process cut off: it may have had another reason.
func (p *Pipeline) callProject(ctx context.Context, into *target, batch []catalogue.Stored) ([]*contract.Embedding, error) {
	features := make([][]byte, len(batch))
	for i, one := range batch {
		features[i] = one.Feature
	}
	for ends := 0; ; {
		embeddings, err := into.Encoder.Project(ctx, features)
		if ends++; broughtDown(err) && ends == 1 {
			continue
		}
		var unavailable *host.UnavailableError
		if !errors.As(err, &unavailable) {
			return embeddings, err
		}
		if err := pause(ctx, max(pausePlugin, unavailable.RetryAfter)); err != nil {
			return nil, err
		}
	}
}

func (p *Pipeline) storeProjected(ctx context.Context, into *target, batch projected) error {
	err := p.untilStored(ctx, func() error { return into.Space.StoreProjected(ctx, batch.photos, batch.embeddings) })
	if err == nil {
		into.rate.add(time.Now(), len(batch.photos))
	}
	return err
}
