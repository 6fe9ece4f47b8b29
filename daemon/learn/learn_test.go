package learn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
	"vsed/plugins/selftest"
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

func TestARunFromTagsToTheEncoderThatServesAndBack(t *testing.T) {
	bubble(t, func(w *world) {
		var task contract.TrainingTask
		var lines, features []byte
		w.trainer = func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			text, err := os.ReadFile(filepath.Join(folder, contract.TaskFile))
			w.check(errors.Join(err, json.Unmarshal(text, &task)))
			lines, err = os.ReadFile(filepath.Join(folder, contract.PhotosFile))
			w.check(err)
			features, err = os.ReadFile(filepath.Join(folder, contract.FeaturesFile))
			w.check(err)
			progress(contract.Progress{Step: "heads", Done: 3, Total: 20})
			if run, p, ok := w.manager.Current(); !ok || run.Number != 1 || p.Step != "heads" || p.Done != 3 {
				w.Errorf("under way: %+v %+v %t", run, p, ok)
			}
			return propose(ctx, folder, progress)
		}
		w.start()
		run := w.learned()
		if want := (contract.TrainingTask{Format: 1, Bundle: "/bundle", FeatureSpace: "f1", Library: "/lib/onnx.so", Name: "learned-1", Seed: seed, Threads: 2}); task != want {
			w.Errorf("task %+v", task)
		}
		if want := `{"photo":7,"tags":["dog"]}` + "\n" + `{"photo":9,"tags":["cat","犬"],"refused":["sea"]}` + "\n"; string(lines) != want || string(features) != "\x07\x02\x03\x04\x09\x02\x03\x04" {
			w.Errorf("photos %s, features %q", lines, features)
		}
		if run.State != Proposed || run.Reason != "" || run.Summary.Gain.Value != 8 || run.Summary.Guard.Value != -0.3 || run.From != "builtin" || w.told != 1 {
			w.Errorf("run %+v", run)
		}
		if left := w.files(1); left != "bundle bundle/manifest.json report.json run.json" {
			w.Errorf("the run's folder holds %s", left)
		}
		w.check(w.manager.Apply(w.Context(), 1))
		if w.encoders.serving != "learned-1" {
			w.Errorf("%s serves", w.encoders.serving)
		}
		w.stop()
		w.start() // all of it is found again
		if run, err := w.manager.run(1); err != nil || run.State != Proposed || run.Applied.IsZero() || run.Summary.Learned != 2 {
			w.Errorf("after a restart %+v, %v", run, err)
		}
		w.check(w.manager.Rollback(w.Context()))
		if w.encoders.serving != "builtin" {
			w.Errorf("%s serves", w.encoders.serving)
		}
		w.refuses("nothing to roll back: builtin serves", w.manager.Rollback(w.Context()))
		w.check(w.manager.Apply(w.Context(), 1)) // it is installed still
		if len(w.encoders.installed) != 2 {
			w.Errorf("installed: %+v", w.encoders.installed)
		}
	})
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

func TestStartIsRefused(t *testing.T) {
	bubble(t, func(w *world) {
		begun := make(chan struct{})
		w.trainer = func(ctx context.Context, _ string, _ func(contract.Progress)) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}
		w.start()
		start := func() error {
			_, err := w.manager.Start(w.Context(), ByHand)
			return err
		}
		photos := w.library.photos
		w.library.photos = nil
		w.refuses("no photo has a tag to learn from", start())
		w.library.photos = photos
		about := w.encoders.about
		w.encoders.about = nil
		w.refuses("no encoder serves", start())
		w.encoders.about = &contract.EncoderDescription{}
		w.refuses("keeps no features", start())
		w.encoders.about = about
		w.encoders.installed[0].Folder = ""
		w.refuses("a model of its own", start())
		w.encoders.installed[0].Folder = "/bundle"
		w.refuses("no learning run is under way", w.manager.Stop())
		w.check(start())
		w.refuses("learning run 1 is under way", start()) // at once, and when the trainer runs
		<-begun
		w.refuses("learning run 1 is under way", start())
		w.refuses("is under way", w.manager.Apply(w.Context(), 1))
		w.check(w.manager.Stop())
		synctest.Wait()
		if run, err := w.manager.run(1); err != nil || run.State != Stopped || w.files(1) != "run.json" {
			w.Errorf("stopped: %+v, %v, %s", run, err, w.files(1))
		}
	})
}

// What a trainer does wrong ends its run with the reason, and leaves nothing behind.
func TestBadTrainers(t *testing.T) {
	f := func(want string, trainer func(ctx context.Context, folder string, progress func(contract.Progress)) error) {
		t.Helper()
		bubble(t, func(w *world) {
			w.trainer = trainer
			w.start()
			run := w.learned()
			if run.State == Running {
				time.Sleep(silence)
				synctest.Wait()
				run, _ = w.manager.run(1)
			}
			if run.State != Failed || !strings.Contains(run.Reason, want) || strings.Contains(run.Reason, "\n") || len(run.Reason) > longestReason+8 || w.files(1) != "run.json" {
				w.Errorf("%s\n%s, want %q; files %s", run.State, run.Reason, want, w.files(1))
			}
			w.trainer = propose
			if next := w.learned(); next.State != Proposed || next.Number != 2 {
				w.Errorf("the next one: %+v", next)
			}
		})
	}
	writes := func(text string) func(context.Context, string, func(contract.Progress)) error {
		return func(_ context.Context, folder string, _ func(contract.Progress)) error {
			return errors.Join(bundle(folder), os.WriteFile(filepath.Join(folder, contract.ReportFile), []byte(text), 0o600))
		}
	}
	changed := func(edit func(*contract.TrainingReport)) func(context.Context, string, func(contract.Progress)) error {
		return func(_ context.Context, folder string, _ func(contract.Progress)) error {
			one := proposal()
			edit(&one)
			return errors.Join(bundle(folder), report(folder, one))
		}
	}
	f("the trainer died: out of memory", func(context.Context, string, func(contract.Progress)) error {
		return errors.New("the trainer died:\nout of memory" + strings.Repeat(" x", 1000))
	})
	f("reported nothing for 10 minutes", func(ctx context.Context, _ string, _ func(contract.Progress)) error {
		<-ctx.Done()
		return ctx.Err()
	})
	f("is full: make room", func(_ context.Context, folder string, _ func(contract.Progress)) error {
		return fmt.Errorf("write the heads: %w", syscall.ENOSPC)
	})
	f("no such file", func(context.Context, string, func(contract.Progress)) error { return nil })
	f("invalid character", writes("no JSON"))
	f("invalid character", writes(`{"format":1,"outcome":"proposed","gain":{"value":NaN}}`))
	f("cannot unmarshal number 1e999", writes(`{"format":1,"outcome":"proposed","gain":{"value":1e999}}`))
	f("at most 8388608 are taken", writes(strings.Repeat(" ", reportBytes+1)))
	f("of two builds", changed(func(r *contract.TrainingReport) { r.Format = 2 }))
	f(`its outcome is "splendid"`, changed(func(r *contract.TrainingReport) { r.Outcome = "splendid" }))
	f("gives no reason", changed(func(r *contract.TrainingReport) { r.Outcome = Refused }))
	f("1e+300 in it is no percentage", changed(func(r *contract.TrainingReport) { r.Guard.Change.Low = 1e300 }))
	f("counts below zero", changed(func(r *contract.TrainingReport) { r.Held = -1 }))
	f("below zero", changed(func(r *contract.TrainingReport) { r.PerTag = []contract.TrainingTag{{Tag: "x", Lacking: -1}} }))
	f("is no line", changed(func(r *contract.TrainingReport) { r.Notes = []string{"a\nb"} }))
	f("a list in it is too long", changed(func(r *contract.TrainingReport) { r.Examples = make([]contract.TrainingExample, mostExamples+1) }))
	f("too many photos", changed(func(r *contract.TrainingReport) {
		r.Examples = []contract.TrainingExample{{After: make([]int64, mostHits+1)}}
	}))
	f("out of range", changed(func(r *contract.TrainingReport) { r.Kept = 2 }))
	f("is no plain file", func(_ context.Context, folder string, _ func(contract.Progress)) error {
		return os.Symlink("/etc/passwd", filepath.Join(folder, contract.ReportFile))
	})
	inBundle := func(change func(path string) error) func(context.Context, string, func(contract.Progress)) error {
		return func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			return errors.Join(propose(ctx, folder, progress), change(filepath.Join(folder, contract.LearnedFile)))
		}
	}
	f("graphs/x.onnx is no plain file", inBundle(func(path string) error {
		return errors.Join(os.Mkdir(path+"/graphs", 0o700), os.Symlink("/etc/passwd", path+"/graphs/x.onnx"))
	}))
	f("pipe is no plain file", inBundle(func(path string) error { return syscall.Mkfifo(path+"/pipe", 0o600) }))
	f("manifest.json: no such file", inBundle(func(path string) error { return os.Remove(filepath.Join(path, manifestName)) }))
	f("is too large", inBundle(func(path string) (err error) {
		for i := range mostFiles {
			err = errors.Join(err, os.WriteFile(fmt.Sprintf("%s/%d", path, i), nil, 0o600))
		}
		return err
	}))
	f("bundle: no such file", inBundle(os.RemoveAll))
}

func TestARefusalIsAnOutcome(t *testing.T) {
	bubble(t, func(w *world) {
		w.trainer = func(_ context.Context, folder string, _ func(contract.Progress)) error {
			return errors.Join(bundle(folder), report(folder, contract.TrainingReport{Format: 1, Outcome: Refused, Reason: "every photo has the same tags: tag some that lack them"}))
		}
		w.start()
		run := w.learned()
		if run.State != Refused || run.Reason != "every photo has the same tags: tag some that lack them" || w.told != 0 || w.files(1) != "report.json run.json" {
			w.Errorf("%+v, %s", run, w.files(1))
		}
		w.refuses("proposes nothing (refused): every photo", w.manager.Apply(w.Context(), 1))
		if _, found, err := w.manager.Report(1); err != nil || found.Outcome != Refused {
			w.Errorf("%+v, %v", found, err)
		}
	})
}

func TestApplyIsRefused(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.learned()
		w.learned()
		apply := func(number int) error { return w.manager.Apply(w.Context(), number) }
		var unknown *UnknownError
		if err := apply(9); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "no learning run 9") {
			w.Error(err)
		}
		w.encoders.setSwap(encoder.Swap{Stage: encoder.StageEncoding, To: "clip"})
		w.refuses("a change of encoders to clip is under way", apply(1))
		w.refuses("to clip is under way, which was not learned", w.manager.Rollback(w.Context()))
		w.encoders.setSwap(encoder.Swap{Stage: encoder.StageNone})
		w.encoders.about.FeatureSpace = "f2"
		w.refuses("builtin, which serves, has other features", apply(1))
		w.encoders.about.FeatureSpace = "f1"
		w.encoders.refuses = &RefusedError{"the vectors need 900 MB and 3 MB are free"}
		w.refuses("3 MB are free", apply(1))
		if len(w.encoders.installed) != 1 {
			w.Errorf("what cannot be used stays: %+v", w.encoders.installed)
		}
		w.encoders.refuses = nil
		w.check(os.Mkdir(filepath.Join(w.manager.path(2), recordName+".partial"), 0o700)) // the record cannot be written
		w.check(apply(2))
		w.refuses("serves already", apply(2))
		w.refuses("older than run 2, which serves", apply(1))
		w.check(w.manager.Rollback(w.Context()))
		w.encoders.installed[1].Folder = w.TempDir() // another of the name
		w.refuses("another encoder is installed as learned-2", apply(2))
		w.check(apply(1))
	})
}

// Only the encoder that served last is kept.
func TestNoEncoderToRollBackTo(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		for number := range 3 {
			w.learned()
			if number != 1 {
				w.check(w.manager.Apply(w.Context(), number+1))
			}
		}
		base := func(want string) {
			w.Helper()
			if base, err := w.manager.Base(w.Context()); base != want || err != nil {
				w.Errorf("learned on top of %q, want %q, %v", base, want, err)
			}
		}
		base("learned-1")
		w.refuses("is older than run 3, which serves: `vsectl learn rollback` goes back to learned-1 first", w.manager.Apply(w.Context(), 2))
		w.encoders.back = true // as where config keeps none
		w.refuses("is older than run 3, which serves: `vsectl encoder use learned-1` brings learned-1 back first", w.manager.Apply(w.Context(), 2))
		w.encoders.back = false
		w.check(w.manager.Rollback(w.Context()))
		base("builtin")
		w.refuses("the encoder before learned-1 is not kept: `vsectl encoder use builtin` brings builtin back", w.manager.Rollback(w.Context()))
		w.check(w.encoders.Use(w.Context(), "learned-3", true))
		w.check(w.encoders.Remove(w.Context(), "learned-1"))
		base("builtin")
		w.check(w.encoders.Use(w.Context(), "builtin", true))
		base("")
	})
}

func TestTheProposalThatWaits(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		waits := func(number int) {
			w.Helper()
			if run, waits := w.manager.Waiting(); waits != (number > 0) || waits && run.Number != number {
				w.Errorf("run %d waits: %t, want %d", run.Number, waits, number)
			}
		}
		waits(0)
		w.learned()
		waits(1)
		w.learned()
		waits(2)
		w.encoders.about.FeatureSpace = "f2"
		waits(0)
		w.encoders.about.FeatureSpace = "f1"
		w.encoders.refuses = &selftest.Failure{Check: "golden", Err: errors.New("the vectors\nare others")}
		if err := w.manager.Apply(w.Context(), 2); !errors.Is(err, w.encoders.refuses) {
			w.Error(err)
		}
		waits(0) // run 1 neither
		w.stop()
		w.start()
		waits(0)
		if run, err := w.manager.run(2); err != nil || run.State != Proposed || run.Reason != "self-test: golden: the vectors are others" {
			w.Errorf("after its test failed: %+v, %v", run, err)
		}
		w.encoders.refuses = nil
		w.check(w.manager.Apply(w.Context(), 2))
		if run, err := w.manager.run(2); err != nil || run.Reason != "" {
			w.Errorf("applied after all: %+v, %v", run, err)
		}
		waits(0)
		w.check(w.manager.Rollback(w.Context()))
		waits(0)
		w.trainer = func(_ context.Context, folder string, _ func(contract.Progress)) error {
			return report(folder, contract.TrainingReport{Format: 1, Outcome: Refused, Reason: "nothing is gained"})
		}
		w.learned()
		waits(0)
		w.trainer = propose
		w.learned()
		waits(4)
	})
}

// A daemon that ends, or is killed, under a run says so at its next start.
func TestAnInterruptedRun(t *testing.T) {
	bubble(t, func(w *world) {
		w.trainer = func(ctx context.Context, folder string, _ func(contract.Progress)) error {
			w.check(bundle(folder))
			<-ctx.Done()
			return ctx.Err()
		}
		w.start()
		interrupted := func(number int) {
			w.Helper()
			run, err := w.manager.run(number)
			if err != nil || run.State != Interrupted || !strings.Contains(run.Reason, "start another") || w.files(number) != "run.json" {
				w.Errorf("%+v, %v, %s", run, err, w.files(number))
			}
		}
		if run := w.learned(); run.State != Running {
			w.Fatalf("%+v", run)
		}
		record, err := os.ReadFile(filepath.Join(w.manager.path(1), recordName))
		w.check(err)
		w.stop()
		interrupted(1)
		// As a killed one leaves it.
		w.check(os.WriteFile(filepath.Join(w.manager.path(1), recordName), record, 0o600))
		w.check(bundle(w.manager.path(1)))
		w.start()
		interrupted(1)
		w.stop()
		damaged := w.manager.path(2)
		w.check(errors.Join(os.Mkdir(damaged, 0o700), os.WriteFile(filepath.Join(damaged, recordName), []byte("{"), 0o600)))
		w.trainer = propose
		w.start()
		if run := w.learned(); run.Number != 3 || run.State != Proposed {
			w.Errorf("beside a damaged record: %+v", run)
		}
	})
}

func TestOldRunsAreDeleted(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		for number := range 3 {
			w.learned()
			w.check(w.manager.Apply(w.Context(), number+1))
		}
		w.check(w.manager.Rollback(w.Context())) // 2 serves, 3 is kept, 1 has no vectors any more
		for range kept {
			w.learned()
		}
		var numbers []int
		for _, run := range w.manager.Runs() {
			numbers = append(numbers, run.Number)
		}
		if want := []int{2, 3, 4, 5, 6, 7, 8}; !slices.Equal(numbers, want) {
			w.Errorf("runs %v are kept, want %v", numbers, want)
		}
		if _, err := os.Stat(w.manager.path(1)); !errors.Is(err, fs.ErrNotExist) {
			w.Errorf("the folder of run 1: %v", err)
		}
		if slices.ContainsFunc(w.encoders.installed, func(one encoder.Known) bool { return one.Name == "learned-1" }) {
			w.Error("learned-1 is installed still")
		}
		w.stop()
		w.check(os.RemoveAll(filepath.Join(w.parts.State, "learn")))
		w.start()
		if run := w.learned(); run.Number != 4 {
			w.Errorf("after the runs were deleted by hand, number %d is that of an encoder that is installed", run.Number)
		}
	})
}

func TestTheSchedule(t *testing.T) {
	bubble(t, func(w *world) {
		time.Local = time.UTC
		w.parts.Auto = true
		w.start()
		runs := func() int { return len(w.manager.Runs()) }
		day := func() { // to half past three of the next day
			now := time.Now()
			time.Sleep(time.Date(now.Year(), now.Month(), now.Day()+1, 3, 30, 0, 0, time.UTC).Sub(now))
			synctest.Wait()
		}
		day()
		if runs() != 0 {
			w.Error("a run began with 3 tags")
		}
		w.library.give(Enough)
		time.Sleep(6 * time.Hour)
		if runs() != 0 {
			w.Error("a run began by day")
		}
		if next := w.manager.Next(time.Now()); next.Hour() != 3 || next.Day() != time.Now().Day()+1 {
			w.Errorf("next at %s", next)
		}
		w.encoders.setSwap(encoder.Swap{Stage: encoder.StageEncoding})
		day()
		if runs() != 0 {
			w.Error("a run began during a swap")
		}
		w.encoders.setSwap(encoder.Swap{Stage: encoder.StageNone})
		day()
		if runs() != 1 || w.manager.Runs()[0].By != BySchedule || w.manager.Runs()[0].State != Proposed || w.encoders.serving != "builtin" {
			w.Errorf("runs %+v, %s serves", w.manager.Runs(), w.encoders.serving)
		}
		day()
		if fresh, given, err := w.manager.NewTags(w.Context()); runs() != 1 || fresh != 0 || given != Enough+3 || err != nil {
			w.Errorf("with no new tag there are %d runs; %d new tags of %d, %v", runs(), fresh, given, err)
		}
		w.library.give(Enough)
		w.stop()
		w.parts.Auto = false
		w.start()
		day()
		if runs() != 1 || !w.manager.Next(time.Now()).IsZero() {
			w.Errorf("%d runs with the schedule off", runs())
		}
	})
}

// TestNoRoom writes to a disk that is too small for a run.
func TestNoRoom(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small tmpfs")
	}
	w := newWorld(t)
	if err := syscall.Mount("tmpfs", w.parts.State, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { w.check(syscall.Unmount(w.parts.State, syscall.MNT_DETACH)) })
	m, err := New(w.parts)
	w.check(err)
	w.check(m.add(Run{Number: 1, State: Running}))
	m.carryOut(t.Context())
	if run := m.Runs()[0]; run.State != Failed || !strings.Contains(run.Reason, "are free: make room there") {
		t.Errorf("%+v", run)
	}
	w.check(os.WriteFile(filepath.Join(w.parts.State, "ballast"), make([]byte, 1<<20-20<<10), 0o600))
	var failure error
	for number := 2; failure == nil && number < 20; number++ {
		failure = m.add(Run{Number: number, State: Running, Reason: strings.Repeat("x", 8000)})
	}
	if failure == nil || !strings.Contains(failure.Error(), "is full: make room there") {
		t.Errorf("on a full disk: %v", failure)
	}
}

func TestOfVeryManyPhotosSomeAreDrawn(t *testing.T) {
	f := func(tagged, refused, want int64, from int64) {
		t.Helper()
		var lines, features bytes.Buffer
		photos := &library{}
		for i := range tagged + refused {
			one := contract.TrainingPhoto{Photo: i}
			if one.Tags = []string{"beach"}; i < refused {
				one.Tags, one.Refused = nil, one.Tags
			}
			photos.photos = append(photos.photos, one)
		}
		among, m := newDraw(tagged), &Manager{Parts: Parts{Library: photos}}
		if err := m.writePhotos(t.Context(), based{featureBytes: width}, among, &lines, &features); err != nil {
			t.Fatal(err)
		}
		if got := int64(bytes.Count(lines.Bytes(), []byte("\n"))); got != want || int64(features.Len()) != width*want || among.from() != from {
			t.Errorf("%d and %d photos: %d lines, %d bytes of features, of %d; want %d of %d", tagged, refused, got, features.Len(), among.from(), want, from)
		}
	}
	const limit = contract.TrainingPhotosLimit
	f(3, 2, 5, 0)
	f(limit, 0, limit, 0)
	f(limit+1, 0, limit, limit+1)
	f(10*limit, 0, limit, 10*limit)
	f(limit-1, 3, limit, limit+2)
}
