package ingest

import (
	"context"
	"errors"
	"time"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// batchWait is how long an incomplete batch waits for one more picture while
// any is being decoded.
const batchWait = 200 * time.Millisecond

// encode gathers pictures into batches of the encoder's size and stores their
// vectors, one batch at a time; meanwhile the decoders fill the queue.
func (p *Pipeline) encode(ctx context.Context, into *target) error {
	for {
		batch, err := p.gather(ctx, into)
		if err != nil {
			return err
		}
		if err := p.encodeBatch(ctx, into, batch); err != nil {
			return err
		}
	}
}

func (p *Pipeline) gather(ctx context.Context, into *target) (batch []picture, err error) {
	var late <-chan time.Time
	for len(batch) < int(max(1, into.Description.Batch)) {
		select {
		case next := <-into.decoded:
			batch = append(batch, next)
			late = time.After(batchWait)
			if p.inFlight() == len(batch) {
				return batch, nil // nothing else is on its way
			}
		case <-late:
			return batch, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return batch, nil
}

// encodeBatch stores the vectors of a batch. If the batch fails, its pictures
// are tried one by one, so that only the guilty one is set aside. Only the end
// of the context is an error.
func (p *Pipeline) encodeBatch(ctx context.Context, into *target, batch []picture) error {
	embeddings, err := p.call(ctx, into, batch)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return p.store(ctx, into, batch, embeddings)
	case len(batch) == 1:
		return p.blame(ctx, into, batch[0], err)
	}
	p.log.Warn("a batch failed; its pictures are tried one by one", "pictures", len(batch), "error", err)
	for _, one := range batch {
		if err := p.encodeBatch(ctx, into, []picture{one}); err != nil {
			return err
		}
	}
	return nil
}

// call waits as long as the encoder cannot be started: that is no picture's fault.
func (p *Pipeline) call(ctx context.Context, into *target, batch []picture) ([]*contract.Embedding, error) {
	pixels := make([][]byte, len(batch))
	for i, one := range batch {
		pixels[i] = one.pixels
	}
	for {
		embeddings, err := into.Encoder.EncodePictures(ctx, pixels)
		var unavailable *host.UnavailableError
		if !errors.As(err, &unavailable) {
			return embeddings, err
		}
		if err := pause(ctx, max(pausePlugin, unavailable.RetryAfter)); err != nil {
			return nil, err
		}
	}
}

// blame counts a failure against the one picture, which is encoded again until
// it is set aside; unless the encoder fails on anything, for which no picture
// is to blame.
func (p *Pipeline) blame(ctx context.Context, into *target, one picture, failure error) error {
	if verdict, _ := judge(failure); verdict == suspect {
		if err := p.waitForEncoder(ctx, into); err != nil {
			return err
		}
	}
	again, err := p.settle(ctx, one.job, failure)
	if err != nil {
		return err
	}
	if again {
		return p.encodeBatch(ctx, into, []picture{one})
	}
	p.land(one.ID)
	return nil
}

// waitForEncoder returns when the encoder works on what is no photo.
func (p *Pipeline) waitForEncoder(ctx context.Context, into *target) error {
	for {
		err := into.Check(ctx)
		if err == nil || ctx.Err() != nil {
			p.trouble.Store(nil)
			return ctx.Err()
		}
		line := err.Error()
		if said := p.trouble.Swap(&line); said == nil {
			p.log.Error("photos wait: the encoder does not work any more", "error", err)
		}
		if err := pause(ctx, pausePlugin); err != nil {
			return err
		}
	}
}

func (p *Pipeline) store(ctx context.Context, into *target, batch []picture, embeddings []*contract.Embedding) error {
	rows := make(map[int64]catalogue.Embedding, len(batch))
	for i, one := range batch {
		rows[one.Photo] = into.embedding(embeddings[i])
	}
	if err := p.untilStored(ctx, func() error { return into.Space.Store(ctx, rows) }); err != nil {
		return err
	}
	into.rate.add(time.Now(), len(batch))
	for _, one := range batch {
		p.land(one.ID)
	}
	return nil
}

// untilStored tries to store vectors until the disk takes them. Only the end of the
// context is an error.
func (p *Pipeline) untilStored(ctx context.Context, store func() error) error {
	for {
		err := store()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			p.trouble.Store(nil)
			return nil
		}
		line := err.Error()
		p.trouble.Store(&line)
		p.log.Error("vectors cannot be stored; trying again", "error", err, "pause", pauseCatalogue)
		if err := pause(ctx, pauseCatalogue); err != nil {
			return err
		}
	}
}

// embedding is what is stored of an answer of the target's encoder.
func (t *target) embedding(answer *contract.Embedding) catalogue.Embedding {
	embedding := catalogue.Embedding{
		Vector: answer.GetVector(), Feature: answer.GetFeature(),
		Provider: t.Description.GetProvider(), Precision: t.Description.GetPrecision(),
	}
	for _, tag := range answer.GetTags() {
		embedding.Tags = append(embedding.Tags, catalogue.Confidence{Tag: tag.GetTag(), Value: float64(tag.GetConfidence())})
	}
	return embedding
}
