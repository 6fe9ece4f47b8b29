package learn

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
	"vsed/plugins/selftest"
)

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
			return report(folder, contract.TrainingReport{Format: 1, Outcome: NoProposal, Reason: "nothing is gained"})
		}
		w.learned()
		waits(0)
		w.trainer = propose
		w.learned()
		waits(4)
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
