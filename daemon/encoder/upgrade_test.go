package encoder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The new default serves at once, as the old one is gone; what it had is kept
// apart. An encoder that came back with another space while it was kept encodes
// the library before a roll-back to it.
func TestAnUpgradeWithAnotherSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.start()
	w.untilEncoded(Default, 10)
	w.stop()
	w.builtin = "--space upgraded-space"
	w.start()
	w.untilServes("upgraded-space")
	w.untilEncoded(Default, 10)
	w.shelve("other", "--space other-space")
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
	w.stop()
	w.builtin = "--space third-space"
	w.start()
	w.untilServes("other-space")
	w.slow.Store(true)
	w.check(w.manager.Rollback(t.Context()))
	w.until("it is encoded first", func() bool { swap, _ := w.manager.Swap(w.Context()); return swap.Stage == StageEncoding })
	if space := w.manager.About().GetSpace(); space != "other-space" {
		t.Errorf("%s serves without vectors", space)
	}
	w.slow.Store(false)
	w.untilServes("third-space")
}

// With a copy of the one that has vectors, an upgrade is a swap like any other: it
// can be given up for now, also by a restart.
func TestAnUpgradeSearchesVectorsAllTheTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.keeps = true
	w.start()
	w.untilServes("builtin-space")
	w.untilEncoded(Default, 10)
	w.stop()
	w.builtin = "--space upgraded-space --dimensions 20"
	w.slow.Store(true)
	for range 2 {
		w.start()
		w.until("it encodes for the upgraded one", func() bool { swap, _ := w.manager.Swap(w.Context()); return swap.Stage == StageEncoding })
		if space := w.manager.About().GetSpace(); space != "builtin-space" {
			t.Errorf("%s serves without vectors", space)
		}
		w.answered()
		w.stop()
	}
	w.start()
	w.until("the old one serves", func() bool { return w.manager.About() != nil })
	stop := w.ask()
	w.slow.Store(false)
	w.untilServes("upgraded-space")
	stop()
	w.stop()
	w.start()
	w.untilServes("upgraded-space")
	w.stop()
	w.builtin = "--space third-space"
	w.check(os.WriteFile(filepath.Join(w.state, "encoders", ".builtin", "flags"), []byte("--die-at-start"), 0o600))
	w.start()
	w.untilServes("third-space") // the copy does not work any more
}

func TestTheOneThatServedIsRemovedWhileDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.shelve("first", "--space first-space")
	w.shelve("other", "--space other-space")
	w.start()
	w.untilEncoded(Default, 5)
	w.check(w.manager.Use(t.Context(), "first", false))
	w.untilServes("first-space")
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
	w.stop()
	w.check(os.RemoveAll(filepath.Join(w.state, "encoders", "other")))
	w.start()
	w.untilServes("first-space") // it has vectors, the default has none any more
}

func TestAnIncomingEncoderRemovedWhileDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.shelve("other", "--space other-space")
	w.start()
	w.untilEncoded(Default, 5)
	w.slow.Store(true)
	w.check(w.manager.Use(t.Context(), "other", false))
	w.until("it encodes", func() bool { return w.aimed.Load() == 2 })
	w.stop()
	w.check(os.RemoveAll(filepath.Join(w.state, "encoders", "other")))
	w.start()
	w.untilServes("builtin-space")
	if last := w.manager.copyState().Last; last == nil || !strings.Contains(last.Failed, `no encoder "other"`) {
		t.Errorf("the swap ended with %+v", last)
	}
}

func TestAnIncomingEncoderThatBreaksWhileDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.shelve("other", "--space other-space")
	w.start()
	w.untilEncoded(Default, 5)
	w.slow.Store(true)
	w.check(w.manager.Use(t.Context(), "other", false))
	w.until("it encodes", func() bool { return w.aimed.Load() == 2 })
	w.stop()
	w.shelve("other", "--space other-space --changed")
	w.start()
	w.untilServes("builtin-space")
	if last := w.manager.copyState().Last; last == nil || !strings.Contains(last.Failed, "golden") {
		t.Errorf("the swap ended with %+v", last)
	}
}
