package learn

import (
	"context"
	"errors"
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

// underWay makes a run as a daemon leaves it that is killed when its trainer has left this.
func (w *world) underWay(number int, left ...func(folder string) error) {
	w.Helper()
	folder := filepath.Join(w.parts.State, "learn")
	w.check(makeRun(folder, Run{Number: number, State: Running, From: "builtin", FeatureSpace: "f1"}))
	folder = filepath.Join(folder, Name(number)[len(prefix):])
	for _, name := range []string{contract.TaskFile, contract.PhotosFile, contract.FeaturesFile, "bundle.part"} {
		w.check(os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	for _, leave := range left {
		w.check(leave(folder))
	}
}

// What a trainer had found when the daemon was killed counts, and what had to be deleted
// is.
func TestRunsThatNobodySawEnd(t *testing.T) {
	bubble(t, func(w *world) {
		says := func(change func(*contract.TrainingReport)) func(string) error {
			return func(folder string) error {
				one := proposal()
				change(&one)
				return report(folder, one)
			}
		}
		proposes := says(func(*contract.TrainingReport) {})
		w.underWay(1, bundle, proposes)
		w.underWay(2, says(func(r *contract.TrainingReport) { r.Outcome, r.Reason = NoProposal, "too few tags: give some" }))
		w.underWay(3, proposes) // and no bundle
		w.underWay(4, bundle)   // and no report
		w.underWay(5, bundle, says(func(r *contract.TrainingReport) { r.Kept = 2 }))
		check := func() {
			w.Helper()
			f := func(number int, state, reason, files string) {
				w.Helper()
				run, err := w.manager.run(number)
				w.check(err)
				if run.State != state || !strings.Contains(run.Reason, reason) || w.files(number) != files || run.Ended.IsZero() || (run.Summary == nil) == (files != "run.json") {
					w.Errorf("%+v, files %s, want %s", run, w.files(number), files)
				}
			}
			f(1, Proposed, "", "bundle bundle/manifest.json photos.jsonl report.json run.json")
			f(2, NoProposal, "too few tags", "report.json run.json")
			f(3, Interrupted, "start another", "run.json")
			f(4, Interrupted, "start another", "run.json")
			f(5, Interrupted, "start another", "run.json")
			if w.told != 1 {
				w.Errorf("told %d times of a proposal", w.told)
			}
		}
		w.start()
		check()
		w.stop()
		// As one leaves it that is killed after it wrote the record.
		w.check(os.WriteFile(filepath.Join(w.manager.path(1), contract.FeaturesFile), nil, 0o600))
		w.check(bundle(w.manager.path(4)))
		w.start()
		check()
		w.check(w.manager.Apply(w.Context(), 1))
	})
}

// TestADaemonThatEndsAfterTheTrainer takes what that has found.
func TestADaemonThatEndsAfterTheTrainer(t *testing.T) {
	bubble(t, func(w *world) {
		w.trainer = func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			w.check(propose(ctx, folder, progress))
			<-ctx.Done()
			return ctx.Err()
		}
		w.start()
		w.learned()
		w.stop()
		if run, err := w.manager.run(1); err != nil || run.State != Proposed || run.Summary == nil {
			w.Errorf("%+v, %v", run, err)
		}
	})
}

func TestStopWaitsForTheEnd(t *testing.T) {
	bubble(t, func(w *world) {
		var holdsOut time.Duration
		w.trainer = func(ctx context.Context, _ string, _ func(contract.Progress)) error {
			<-ctx.Done()
			time.Sleep(holdsOut)
			return ctx.Err()
		}
		w.start()
		f := func(number int, held time.Duration, ended bool) {
			w.Helper()
			holdsOut = held
			w.learned()
			w.check(w.manager.Stop(w.Context()))
			_, _, underWay := w.manager.Current()
			if run, err := w.manager.run(number); err != nil || underWay == ended || (run.State == Stopped) != ended {
				w.Errorf("after a trainer that holds out for %v: %+v, %v", held, run, err)
			}
		}
		f(1, 0, true)
		f(2, stopPatience-time.Second, true)
		f(3, stopPatience+time.Second, false)
		time.Sleep(stopPatience)
		synctest.Wait()
		if run, err := w.manager.run(3); err != nil || run.State != Stopped {
			w.Errorf("%+v, %v", run, err)
		}
	})
}

// TestTheEndOnAFullDisk is written when what the trainer needed has gone.
func TestTheEndOnAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small tmpfs")
	}
	w := newWorld(t)
	if err := syscall.Mount("tmpfs", w.parts.State, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { w.check(syscall.Unmount(w.parts.State, syscall.MNT_DETACH)) })
	w.underWay(1, bundle, func(folder string) error { return report(folder, proposal()) })
	features := filepath.Join(w.parts.State, "learn", "1", contract.FeaturesFile)
	if err := os.WriteFile(features, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if _, err := New(w.parts); err != nil {
		t.Fatal(err)
	}
	run, err := readRun(filepath.Dir(features))
	if err != nil || run.State != Proposed {
		t.Errorf("%+v, %v", run, err)
	}
}

// TestWhatIsProposedLiesOnTheDiskOnce with the encoder that it was made from.
func TestWhatIsProposedLiesOnTheDiskOnce(t *testing.T) {
	base := t.TempDir()
	tower := strings.Repeat("tower ", compared/5)
	put := func(folder, name, content string) error {
		path := filepath.Join(folder, name)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600))
	}
	bubble(t, func(w *world) {
		w.encoders.installed = []encoder.Known{{Installed: encoder.Installed{Name: "builtin", Folder: base}}}
		w.check(errors.Join(put(base, "graphs/image.onnx", tower), put(base, "empty", ""), put(base, "manifest.json", "[]"), put(base, "heads", tower+"x"),
			put(base, "elsewhere", "vocabulary"), os.Symlink("elsewhere", filepath.Join(base, "vocab.txt"))))
		w.trainer = func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			proposed := filepath.Join(folder, contract.LearnedFile)
			return errors.Join(propose(ctx, folder, progress), put(proposed, "graphs/image.onnx", tower), put(proposed, "empty", ""),
				put(proposed, "heads", tower+"y"), put(proposed, "tags.onnx", "tags"), put(proposed, "vocab.txt", "vocabulary"))
		}
		w.start()
		if run := w.learned(); run.State != Proposed {
			w.Fatalf("%+v", run)
		}
		w.shares(base, map[string]bool{"graphs/image.onnx": true, "empty": true, "manifest.json": false, "heads": false, "tags.onnx": false, "vocab.txt": false})
		w.stop()
		// As a daemon leaves it that ends before.
		copied := filepath.Join(w.manager.path(1), contract.LearnedFile, "graphs/image.onnx")
		w.check(errors.Join(os.Remove(copied), os.WriteFile(copied, []byte(tower), 0o600)))
		w.start()
		w.shares(base, map[string]bool{"graphs/image.onnx": true, "heads": false})
		w.stop()
		w.encoders.installed = nil // it was removed meanwhile
		w.start()
	})
}

func (w *world) shares(base string, want map[string]bool) {
	w.Helper()
	for name, shared := range want {
		a, err := os.Stat(filepath.Join(w.manager.path(1), contract.LearnedFile, name))
		w.check(err)
		b, err := os.Stat(filepath.Join(base, name))
		if same := err == nil && os.SameFile(a, b); same != shared {
			w.Errorf("%s: lies on the disk once is %t, %v", name, same, err)
		}
	}
}
