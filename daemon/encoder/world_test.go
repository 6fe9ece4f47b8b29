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
