package encoder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/catalogue"
	"vsed/daemon/ingest"
	"vsed/daemon/search"
	"vsed/index/keyword"
	"vsed/plugins/host"
	"vsed/plugins/selftest"
)

// fake is the built fake encoder.
var fake string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		before := goleak.IgnoreCurrent()
		folder, err := os.MkdirTemp("", "vsed-encoder-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		fake = filepath.Join(folder, "fake")
		if output, err := exec.Command("go", "build", "-o", fake, "vsed/plugins/plugintest/vsed-encoder-fake").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the fake encoder: %v\n%s", err, output)
			return 1
		}
		status := m.Run()
		// bleve keeps workers of its own.
		if err := goleak.Find(before, goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker")); err != nil && status == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return status
	}())
}

// world is a real catalogue with photos that a stand-in for ingest encodes, and
// a manager of fake encoders over it.
type world struct {
	*testing.T
	state     string
	catalogue *catalogue.Catalogue
	engine    *search.Engine
	builtin   string // flags of the default encoder
	keeps     bool   // a copy of the default encoder
	memory    uint64
	aimed     atomic.Int64 // targets of the ingest that runs
	slow      atomic.Bool  // ingest encodes nothing
	manager   *Manager
	stop      func()
}

func newWorld(t *testing.T, photos int) *world {
	t.Helper()
	short, err := os.MkdirTemp("", "vsed-*") // t.TempDir is too long for a socket
	w := &world{T: t, state: short, builtin: "--space builtin-space"}
	w.check(err)
	t.Cleanup(func() { os.RemoveAll(short) })
	w.catalogue, err = catalogue.Open(t.Context(), short)
	w.check(err)
	words, err := keyword.Open(short + "/keyword")
	w.check(err)
	t.Cleanup(func() { w.check(errors.Join(words.Close(), w.catalogue.Close())) })
	w.engine = search.New(w.catalogue, words, nil, slog.New(slog.DiscardHandler))
	folder, err := w.catalogue.AddFolder(t.Context(), "/photos")
	w.check(err)
	for i := range photos {
		stat := catalogue.Stat{Inode: uint64(i + 1), Size: 1}
		w.check(w.catalogue.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: fmt.Sprintf("%d.jpg", i), Stat: stat}}))
		waiting, err := w.catalogue.Undecoded(t.Context(), nil, 1)
		w.check(err)
		_, _, err = w.catalogue.Identify(t.Context(), waiting[0].ID, stat, catalogue.Content{Digest: [32]byte{byte(i), byte(i >> 8)}, Size: 1})
		w.check(err)
	}
	t.Cleanup(func() {
		if w.stop != nil {
			w.stop()
		}
	})
	return w
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// shelve installs a fake encoder. "CACHE" in its flags is its folder for engines.
func (w *world) shelve(name, flags string) {
	w.Helper()
	folder := filepath.Join(w.state, "encoders", name)
	w.check(os.MkdirAll(folder, 0o700))
	w.check(os.WriteFile(filepath.Join(folder, "flags"), []byte(flags), 0o600))
}

func (w *world) command(flags, cache string) host.Command {
	return host.Command{Path: fake, Args: strings.Fields(strings.ReplaceAll(flags, "CACHE", cache)), RuntimeDir: filepath.Join(w.state, "plugins")}
}

// start runs a manager, as after a restart of the daemon.
func (w *world) start() {
	w.Helper()
	caches := filepath.Join(w.state, "engines")
	cache := filepath.Join(caches, Default)
	bundle, kept := "", ""
	if w.keeps {
		bundle, kept = filepath.Join(w.state, "builtin"), filepath.Join(w.state, "encoders", ".builtin")
		w.check(os.MkdirAll(bundle, 0o700))
		w.check(os.WriteFile(filepath.Join(bundle, manifestName), []byte(w.builtin), 0o600))
		w.check(os.WriteFile(filepath.Join(bundle, "flags"), []byte(w.builtin), 0o600))
	}
	manager, err := New(w.Context(), Parts{
		Catalogue: w.catalogue, Engine: w.engine, State: w.state, Keep: 1, Memory: w.memory,
		Shelf: Shelf{
			Folder: filepath.Join(w.state, "encoders"), Caches: caches,
			Kept:    kept,
			Default: Installed{Name: Default, Folder: bundle, Cache: cache, Fixed: true, Command: w.command(w.builtin, cache)},
			Command: func(bundle, cache string) host.Command {
				flags, _ := os.ReadFile(filepath.Join(bundle, "flags"))
				return w.command(string(flags), cache)
			},
		},
		Policy: host.Policy{BackoffLimit: 100 * time.Millisecond},
		Ingest: w.ingest, Log: slog.New(slog.DiscardHandler),
	})
	w.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- manager.Run(ctx) }()
	w.manager = manager
	w.stop = func() {
		cancel()
		w.check(<-ended)
		w.stop = nil
	}
}

// ingest gives each target what it lacks.
func (w *world) ingest(ctx context.Context, targets []ingest.Target) error {
	w.aimed.Store(int64(len(targets)))
	for ctx.Err() == nil {
		changed := w.catalogue.Wait()
		for _, target := range targets {
			if w.slow.Load() {
				break
			}
			if err := encodeAll(ctx, target); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func encodeAll(ctx context.Context, target ingest.Target) error {
	for {
		files, err := target.Space.Unencoded(ctx, nil, 100)
		if err != nil || len(files) == 0 {
			return err
		}
		rows := make(map[int64]catalogue.Embedding)
		for _, file := range files {
			picture := make([]byte, 32*32*3)
			picture[0] = byte(file.Photo)
			found, err := target.Encoder.EncodePictures(ctx, [][]byte{picture})
			if err != nil {
				return err
			}
			rows[file.Photo] = catalogue.Embedding{Vector: found[0].Vector, Provider: target.Description.Provider, Precision: target.Description.Precision}
		}
		if err := target.Space.Store(ctx, rows); err != nil {
			return err
		}
	}
}

func (w *world) until(what string, done func() bool) {
	w.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			swap, err := w.manager.Swap(context.Background())
			w.Fatalf("in vain until %s: %s, problem %q, prepared %+v, swap %+v, %v", what, w.manager.copyState().text(), w.manager.Problem(), w.manager.Prepared(), swap, err)
		}
	}
}

func (w *world) untilServes(space string) {
	w.Helper()
	w.until(space+" serves", func() bool {
		about := w.manager.About()
		return about != nil && about.Space == space && w.manager.plan() == nil
	})
}

func (w *world) untilEncoded(name string, photos int64) {
	w.Helper()
	w.until(name+" has its vectors", func() bool { return w.known(name).Coverage.Encoded == photos })
}

func (w *world) known(name string) Known {
	w.Helper()
	list, err := w.manager.List(w.Context())
	w.check(err)
	for _, one := range list {
		if one.Name == name {
			return one
		}
	}
	return Known{}
}

func (w *world) spaces() string {
	w.Helper()
	names, err := w.catalogue.Spaces(w.Context())
	w.check(err)
	return strings.Join(names, " ")
}

// answered searches a few times: every answer must come from vectors.
func (w *world) answered() {
	w.Helper()
	for range 10 {
		result, err := w.engine.Search(w.Context(), search.Request{Text: "something", Limit: 5})
		if err != nil || result.Partial != "" {
			w.Errorf("a query: %q, %v", result.Partial, err)
		}
	}
}

// ask searches without pause: every answer must come from vectors.
func (w *world) ask() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond) // the tests share the cores
		defer tick.Stop()
		for ; ctx.Err() == nil; <-tick.C {
			result, err := w.engine.Search(ctx, search.Request{Text: "something", Limit: 5})
			if ctx.Err() == nil && (err != nil || result.Partial != "") {
				w.Errorf("a query: %q, %v", result.Partial, err)
				return
			}
		}
	})
	return func() {
		cancel()
		asking.Wait()
	}
}

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
