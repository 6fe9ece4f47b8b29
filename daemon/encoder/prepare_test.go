package encoder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPreparedEncoderTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	w.builtin = "--space builtin-space --provider cuda --engine CACHE/engine --slow-preparing 100ms"
	w.start()
	w.untilServes("builtin-space")
	if provider := w.manager.About().Provider; provider != "cuda" {
		t.Errorf("%s runs before there is an engine", provider)
	}
	stop := w.ask()
	w.until("the preparation reports", func() bool { p := w.manager.Prepared(); return p.Done > 0 && p.Total == 4 && p.Step != "" })
	w.until("the engine runs", func() bool { return w.manager.About().Provider == "tensorrt" })
	w.until("the preparation ends", func() bool { return !w.manager.Prepared().Ended.IsZero() })
	w.untilEncoded(Default, 20)
	stop()
	if p := w.manager.Prepared(); p.Failed != "" || p.What != "a fake engine" {
		t.Errorf("prepared: %+v", p)
	}
}

func TestAPreparationThatFails(t *testing.T) {
	t.Parallel()
	f := func(flags, reason string) {
		t.Helper()
		w := newWorld(t, 5)
		w.builtin = "--space builtin-space --provider cuda --engine CACHE/engine " + flags
		w.start()
		w.untilServes("builtin-space")
		stop := w.ask()
		w.until("the preparation fails", func() bool { return strings.Contains(w.manager.Prepared().Failed, reason) })
		w.untilEncoded(Default, 5)
		w.manager.wake()
		w.shelve("other", "--space other-space") // something to do after which it is not tried again
		w.check(w.manager.Use(t.Context(), "other", false))
		w.untilServes("other-space")
		stop()
		if p := w.manager.Prepared(); !strings.Contains(p.Failed, reason) || p.Encoder != Default {
			t.Errorf("%s: %+v", flags, p)
		}
		if _, err := os.Stat(filepath.Join(w.state, "engines", Default, "engine")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the engine would run after a restart", flags)
		}
		w.stop()
	}
	f("--fail-preparing", "cannot be built for this device")
	f("--die-preparing", "killed")
	f("--wrong-engine", "golden")
}
