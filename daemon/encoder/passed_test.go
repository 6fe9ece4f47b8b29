package encoder

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A start tests in full what has not passed as it is. A roll-back finds the old
// encoder tested, and the one before answers until it has started.
func TestWhatPassedIsTestedInShort(t *testing.T) {
	t.Parallel()
	const crashing = " --crash-on 5" // a call with pictures that only the whole test makes
	w := newWorld(t, 10)
	w.shelve("first", "--space first-space")
	w.shelve("other", "--space other-space")
	w.start()
	w.untilEncoded(Default, 10)
	w.check(w.manager.Use(t.Context(), "first", false))
	w.untilServes("first-space")
	w.check(w.manager.Use(t.Context(), "other", false))
	w.untilServes("other-space")
	w.slow.Store(true)
	w.shelve("first", "--space first-space --slow-start 500ms"+crashing)
	stop := w.ask()
	w.check(w.manager.Rollback(t.Context()))
	w.untilServes("first-space")
	stop()
	w.stop()
	w.start()
	w.untilServes("first-space")
	w.stop()
	w.shelve("first", "--space first-space --dimensions 20"+crashing)
	w.start()
	w.until("another bundle is tested in full", func() bool { return strings.Contains(w.manager.Problem(), "exit status 3") })
}

// TestAReplacedProgramIsAnother: packages give files the same time in each version, and
// two versions may have one size.
func TestAReplacedProgramIsAnother(t *testing.T) {
	program, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no program to run")
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sleep")
	put := func() {
		t.Helper()
		if err := os.WriteFile(path+".new", content, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+".new", time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	programs := func() string {
		t.Helper()
		command := exec.Command(path, "60")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := command.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = command.Wait() // tells that it was killed
		}()
		for {
			var text strings.Builder
			if err := writePrograms(&text, command.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text.String(), "libc") || strings.Count(text.String(), "\n") == 1 && strings.Contains(text.String(), path) {
				return text.String()
			}
		}
	}
	put()
	before := programs()
	if again := programs(); again != before {
		t.Errorf("the same program is another:\n%s\n%s", before, again)
	}
	put()
	if after := programs(); after == before {
		t.Errorf("another program is the same:\n%s", after)
	}
}
