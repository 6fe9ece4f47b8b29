package encoder

import (
	"context"
	"errors"
	"sync"
	"testing"

	"vsed/plugins/selftest"
)

func TestSwapRollBackAndRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	w.start()
	w.untilServes("builtin-space")
	w.untilEncoded(Default, 20)
	w.shelve("other", "--space other-space --dimensions 24")
	stop := w.ask()
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
	if is := w.known(Default); is.State != Kept || is.Coverage.Encoded != 20 {
		t.Errorf("the one before: %+v", is)
	}
	if before := w.manager.Before(); before != Default {
		t.Errorf("a roll-back brings back %q", before)
	}
	w.check(w.manager.Rollback(t.Context()))
	w.untilServes("builtin-space")
	if before := w.manager.Before(); before != "" {
		t.Errorf("another roll-back brings back %q", before)
	}
	stop()
	w.check(w.manager.Remove(t.Context(), "other"))
	w.until("its vectors are gone", func() bool { return w.spaces() == "builtin-space" })
	var refusal *RefusedError
	if err := w.manager.Remove(t.Context(), Default); !errors.As(err, &refusal) {
		t.Errorf("removing the default: %v", err)
	}
}

// An encoder that does not get on with its self-test, or does not come up for a
// roll-back, holds up no query.
func TestQueriesWaitForNoOtherEncoder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.start()
	w.untilEncoded(Default, 10)
	w.shelve("first", "--space first-space --hang")
	using, giveUp := context.WithCancel(t.Context())
	used := make(chan error, 1)
	go func() { used <- w.manager.Use(using, "first", false) }()
	w.until("it is on trial", func() bool { return len(w.manager.trial) == 1 })
	w.answered()
	giveUp()
	if err := <-used; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	w.shelve("first", "--space first-space")
	w.check(w.manager.Use(t.Context(), "first", false))
	w.untilServes("first-space")
	w.shelve("other", "--space other-space")
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
	w.shelve("first", "--space first-space --slow-start 1m")
	w.check(w.manager.Rollback(t.Context()))
	w.until("it is started", func() bool { return len(w.manager.trial) == 1 })
	w.answered()
	if space := w.manager.About().GetSpace(); space != "other-space" {
		t.Errorf("%s serves before it is up", space)
	}
}

func TestASwapThatWasGivenUpGoesOnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30)
	w.shelve("other", "--space other-space --slow 10ms")
	w.start()
	w.untilEncoded(Default, 30)
	w.check(w.manager.Use(t.Context(), "other", false))
	w.until("some are encoded", func() bool { return w.aimed.Load() == 2 })
	w.check(w.manager.Rollback(t.Context()))
	w.until("it is dropped", func() bool { return w.aimed.Load() == 1 && w.manager.plan() == nil })
	if is := w.known("other"); is.State != Idle || is.Space != "other-space" {
		t.Errorf("given up: %+v", is)
	}
	w.stop()
	w.start()
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
}

func TestEncodersOfOneSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.shelve("twin", "--space builtin-space --provider cuda")
	w.start()
	w.untilEncoded(Default, 10)
	stop := w.ask()
	w.check(w.manager.Use(t.Context(), "twin", false))
	w.until("the twin serves", func() bool { return w.manager.Serving() == "twin" && w.manager.plan() == nil })
	w.check(w.manager.Rollback(t.Context()))
	w.until("the default serves", func() bool { return w.manager.Serving() == Default && w.manager.plan() == nil })
	w.check(w.manager.Remove(t.Context(), "twin"))
	w.untilEncoded(Default, 10)
	stop()
}

// Where two encoders do not fit together, the incoming one has ingest for itself.
func TestShortOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.memory = 180 << 20
	w.builtin = "--space builtin-space --memory 100"
	w.shelve("other", "--space other-space --memory 100")
	w.shelve("huge", "--space huge-space --memory 250")
	w.start()
	w.untilEncoded(Default, 5)
	var failure *selftest.Failure
	if err := w.manager.Use(t.Context(), "huge", false); !errors.As(err, &failure) || failure.Check != "memory" {
		t.Errorf("an encoder that takes too much: %v", err)
	}
	w.slow.Store(true)
	w.check(w.manager.Use(t.Context(), "other", false))
	w.until("it encodes alone", func() bool {
		swap, _ := w.manager.Swap(w.Context())
		return swap.Stage == StageEncoding && w.aimed.Load() == 1
	})
	w.slow.Store(false)
	w.untilServes("other-space")
}

// Many at once, in any order: no command is lost on the way to the disk, and the
// end is what the last one asked for.
func TestManyCommandsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.shelve("first", "--space first-space")
	w.shelve("second", "--space second-space")
	w.start()
	w.untilEncoded(Default, 10)
	stop := w.ask()
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for j := range 3 {
				switch (i + j) % 6 {
				case 0:
					_ = w.manager.Use(t.Context(), "first", false)
				case 1:
					_ = w.manager.Use(t.Context(), "second", true)
				case 2:
					_ = w.manager.Rollback(t.Context())
				case 3:
					_ = w.manager.Pause(t.Context(), j%2 == 0)
				case 4:
					_, _ = w.manager.Test(t.Context(), "second")
				case 5:
					_, _ = w.manager.List(t.Context())
				}
			}
		})
	}
	all.Wait()
	var refusal *RefusedError
	if err := w.manager.Use(t.Context(), "second", false); err != nil && !errors.As(err, &refusal) {
		t.Error(err)
	}
	w.untilServes("second-space")
	stop()
	found, err := load(t.Context(), w.catalogue)
	if err != nil || found.text() != w.manager.copyState().text() {
		t.Errorf("on the disk is %s, not %s: %v", found.text(), w.manager.copyState().text(), err)
	}
}
