package learn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
)

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
			progress(contract.Progress{Step: "guard"})
			progress(contract.Progress{Step: "heads", Done: 7, Total: 20})
			progress(contract.Progress{Step: "heads", Done: 8, Total: 20})
			if _, p, _ := w.manager.Current(); p.Done != 8 || p.From != 7 {
				w.Errorf("of a step that goes on: %+v", p)
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
		if left := w.files(1); left != "bundle bundle/manifest.json photos.jsonl report.json run.json" {
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
		w.refuses("no learning run is under way", w.manager.Stop(w.Context()))
		w.check(start())
		w.refuses("learning run 1 is under way", start()) // at once, and when the trainer runs
		<-begun
		w.refuses("learning run 1 is under way", start())
		w.refuses("is under way", w.manager.Apply(w.Context(), 1))
		w.check(w.manager.Stop(w.Context()))
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
	f("gives no reason", changed(func(r *contract.TrainingReport) { r.Outcome = NoProposal }))
	f("1e+300 in it is no percentage", changed(func(r *contract.TrainingReport) { r.Guard.Change.Low = 1e300 }))
	f("counts below zero", changed(func(r *contract.TrainingReport) { r.Held = -1 }))
	f("below zero", changed(func(r *contract.TrainingReport) { r.PerTag = []contract.TrainingTag{{Tag: "x", Lacking: -1}} }))
	f("is no line", changed(func(r *contract.TrainingReport) { r.Notes = []string{"a\nb"} }))
	f("a list in it is too long", changed(func(r *contract.TrainingReport) { r.Examples = make([]contract.TrainingExample, mostExamples+1) }))
	f("too many photos", changed(func(r *contract.TrainingReport) {
		r.Examples = []contract.TrainingExample{{After: make([]int64, mostHits+1)}}
	}))
	f("new photos below zero", changed(func(r *contract.TrainingReport) { r.Serving = &contract.TrainingServing{Photos: -1} }))
	f("200 in it is no percentage", changed(func(r *contract.TrainingReport) {
		r.Serving = &contract.TrainingServing{After: contract.TrainingFigures{MAP: contract.TrainingMeasure{Value: 200}}}
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

// TestARunOnTopOfAnotherSaysWhatIsNew has a photo come in between.
func TestARunOnTopOfAnotherSaysWhatIsNew(t *testing.T) {
	bubble(t, func(w *world) {
		var lines string
		w.trainer = func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			text, err := os.ReadFile(filepath.Join(folder, contract.PhotosFile))
			lines = string(text)
			return errors.Join(err, propose(ctx, folder, progress))
		}
		says := func(want string) {
			w.Helper()
			w.learned()
			if lines != want {
				w.Errorf("photos\n%s, want\n%s", lines, want)
			}
		}
		w.start()
		both := `{"photo":7,"tags":["dog"]}` + "\n" + `{"photo":9,"tags":["cat","犬"],"refused":["sea"]}` + "\n"
		says(both)
		w.library.photos = append(w.library.photos, contract.TrainingPhoto{Photo: 8, Tags: []string{"dog"}})
		says(both + `{"photo":8,"tags":["dog"]}` + "\n") // builtin serves, which has learned nothing
		w.check(w.manager.Apply(w.Context(), 1))
		says(both + `{"photo":8,"tags":["dog"],"new":true}` + "\n")
		w.check(w.manager.Apply(w.Context(), 2))
		says(both + `{"photo":8,"tags":["dog"]}` + "\n")
		for _, broken := range []string{`{"photo":7}` + "\n[]", ""} {
			w.check(os.WriteFile(filepath.Join(w.manager.path(2), contract.PhotosFile), []byte(broken), 0o600))
			if broken == "" {
				w.check(os.Remove(filepath.Join(w.manager.path(2), contract.PhotosFile)))
			}
			says(both + `{"photo":8,"tags":["dog"]}` + "\n") // what is not known to be new is not
		}
	})
}

func TestARefusalIsAnOutcome(t *testing.T) {
	bubble(t, func(w *world) {
		w.trainer = func(_ context.Context, folder string, _ func(contract.Progress)) error {
			return errors.Join(bundle(folder), report(folder, contract.TrainingReport{Format: 1, Outcome: NoProposal, Reason: "every photo has the same tags: tag some that lack them"}))
		}
		w.start()
		run := w.learned()
		if run.State != NoProposal || run.Reason != "every photo has the same tags: tag some that lack them" || w.told != 0 || w.files(1) != "report.json run.json" {
			w.Errorf("%+v, %s", run, w.files(1))
		}
		w.refuses("proposes nothing: every photo", w.manager.Apply(w.Context(), 1))
		if _, found, err := w.manager.Report(1); err != nil || found.Outcome != NoProposal {
			w.Errorf("%+v, %v", found, err)
		}
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
