package encoder

import (
	"context"
	"errors"

	"vsed/daemon/ingest"
)

// ingesting is the ingest that runs, if any. Ingest for other targets is another
// run: what was under way is in the catalogue still.
type ingesting struct {
	run     func(context.Context, []ingest.Target) error
	targets []ingest.Target
	cancel  context.CancelFunc
	ended   chan error // gets one value, and is nil while none runs
}

// aim lets ingest encode for these targets from now on, and for no others.
func (i *ingesting) aim(ctx context.Context, targets []ingest.Target) error {
	if sameTargets(targets, i.targets) {
		return nil
	}
	if err := i.stop(); err != nil {
		return err
	}
	if len(targets) == 0 {
		return nil
	}
	ctx, i.cancel = context.WithCancel(ctx)
	ended := make(chan error, 1)
	i.ended, i.targets = ended, targets
	go func() { ended <- i.run(ctx, targets) }()
	return nil
}

// stop ends ingest and waits until it asks no encoder any more. To be told to
// end is no error.
func (i *ingesting) stop() error {
	if i.ended == nil {
		return nil
	}
	i.cancel()
	err := <-i.ended
	i.over()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// over notes that ingest has ended: aim starts another.
func (i *ingesting) over() {
	i.cancel()
	i.ended, i.targets = nil, nil
}

func sameTargets(a, b []ingest.Target) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Encoder != b[i].Encoder || a[i].Serves != b[i].Serves {
			return false
		}
	}
	return true
}
