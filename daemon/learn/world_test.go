package learn

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
)

func TestMain(m *testing.M) {
	// bleve, which package encoder brings, keeps workers of its own.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

// A world is a manager over a library and encoders in memory, whose trainer does what
// the test says.
type world struct {
	*testing.T
	library  library
	encoders shelf
	parts    Parts
	trainer  func(ctx context.Context, folder string, progress func(contract.Progress)) error
	manager  *Manager
	stop     func()
	told     int // proposals that were announced
}

const width = 4 // bytes of a feature

type library struct {
	mutex  sync.Mutex
	photos []contract.TrainingPhoto
	given  int64 // more tags than the photos have
}

func (l *library) Tagged(context.Context) (photos, given int64, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	given = l.given
	for _, photo := range l.photos {
		given += int64(len(photo.Tags))
	}
	return int64(len(l.photos)), given, nil
}

func (l *library) give(tags int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.given += tags
}

func (l *library) Training(_ context.Context, _ string, yield func(contract.TrainingPhoto, []byte) error) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, photo := range l.photos {
		if err := yield(photo, []byte{byte(photo.Photo), 2, 3, 4}); err != nil {
			return err
		}
	}
	return nil
}

// shelf keeps the rules of an encoder.Manager; a swap is over at once.
type shelf struct {
	mutex     sync.Mutex
	about     *contract.EncoderDescription
	serving   string
	earlier   string
	back      bool // it was rolled back: there is none to go back to
	installed []encoder.Known
	swap      encoder.Swap
	refuses   error // what Use says
}

func (s *shelf) About() *contract.EncoderDescription { return s.about }

func (s *shelf) Serving() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.serving
}

func (s *shelf) Before() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.back {
		return ""
	}
	return s.earlier
}

func (s *shelf) List(context.Context) ([]encoder.Known, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := slices.Clone(s.installed)
	for i := range all {
		switch all[i].Name {
		case s.serving:
			all[i].State = encoder.Serving
		case s.earlier:
			all[i].State = encoder.Kept
		default:
			all[i].State = encoder.Idle
		}
	}
	return all, nil
}

func (s *shelf) Swap(context.Context) (encoder.Swap, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.swap, nil
}

func (s *shelf) setSwap(swap encoder.Swap) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.swap = swap
}

func (s *shelf) InstallFolder(_ context.Context, name, folder string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.installed = append(s.installed, encoder.Known{Installed: encoder.Installed{Name: name, Folder: folder}})
	return nil
}

func (s *shelf) Use(_ context.Context, name string, now bool) error {
	if s.refuses != nil || !now {
		return s.refuses
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.earlier, s.serving, s.back = s.serving, name, false
	return nil
}

func (s *shelf) Rollback(context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.earlier, s.serving, s.back = s.serving, s.earlier, true
	return nil
}

func (s *shelf) Remove(_ context.Context, name string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.installed = slices.DeleteFunc(s.installed, func(one encoder.Known) bool { return one.Name == name })
	return nil
}

func newWorld(t *testing.T) *world {
	w := &world{T: t}
	w.library.photos = []contract.TrainingPhoto{{Photo: 7, Tags: []string{"dog"}}, {Photo: 9, Tags: []string{"cat", "犬"}, Refused: []string{"sea"}}}
	w.encoders.about = &contract.EncoderDescription{FeatureSpace: "f1", FeatureBytes: width}
	w.encoders.serving = "builtin"
	w.encoders.installed = []encoder.Known{{Installed: encoder.Installed{Name: "builtin", Folder: "/bundle"}}}
	w.encoders.swap.Stage = encoder.StageNone
	w.trainer = propose
	w.parts = Parts{
		Library: &w.library, Encoders: &w.encoders, State: t.TempDir(), Threads: 2, Runtime: "/lib/onnx.so", Hour: 3, Log: slog.New(slog.DiscardHandler),
		Announce: func(context.Context) error { w.told++; return nil },
		Train: func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			return w.trainer(ctx, folder, progress)
		},
	}
	return w
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// start runs a manager, as after a restart of the daemon.
func (w *world) start() {
	w.Helper()
	var err error
	w.manager, err = New(w.parts)
	w.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.manager.Run(ctx) }()
	w.stop = sync.OnceFunc(func() { cancel(); w.check(<-ended) })
	w.Cleanup(w.stop)
	synctest.Wait() // what it reads at first, a test may change after
}

// learned starts a run and waits for its end. It is called in a bubble.
func (w *world) learned() Run {
	w.Helper()
	started, err := w.manager.Start(w.Context(), ByHand)
	w.check(err)
	synctest.Wait()
	run, err := w.manager.run(started.Number)
	w.check(err)
	return run
}

func proposal() contract.TrainingReport {
	return contract.TrainingReport{
		Format: contract.TrainingFormat, Outcome: contract.Proposed, Photos: 2, Held: 1, Tags: 3, Learned: 2,
		Gain: contract.TrainingMeasure{Value: 8, Low: 5, High: 11}, Guard: &contract.TrainingGuard{Change: contract.TrainingMeasure{Value: -0.3}},
	}
}

func propose(_ context.Context, folder string, _ func(contract.Progress)) error {
	return errors.Join(report(folder, proposal()), bundle(folder))
}

func report(folder string, report contract.TrainingReport) error {
	text, err := json.Marshal(report)
	return errors.Join(err, os.WriteFile(filepath.Join(folder, contract.ReportFile), text, 0o600))
}

func bundle(folder string) error {
	path := filepath.Join(folder, contract.LearnedFile)
	return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, manifestName), []byte("{}"), 0o600))
}

// bubble runs a test with a clock of its own, which begins in 2000.
func bubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

// files lists what a run's folder holds.
func (w *world) files(number int) string {
	w.Helper()
	var names []string
	root := w.manager.path(number)
	w.check(filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if path != root {
			names = append(names, relative(root, path))
		}
		return err
	}))
	return strings.Join(names, " ")
}

func (w *world) refuses(want string, err error) {
	w.Helper()
	var refusal *RefusedError
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
		w.Errorf("got %v, want a refusal with %q", err, want)
	}
}
