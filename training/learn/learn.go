// Package learn is one run of learning on a device: from a folder with a task, the user's
// tagged photos and their stored features to a report, and to a bundle where something
// was gained. What is learned and how lies in packages stage and ridge, what a measure
// is in package evaluation; here stands what is held out, chosen, measured and refused.
// No photo is read, and nothing is applied.
//
// Of few photos each is held out once, in folds of whole events: what is told of a photo is
// then told by a run that has not seen it, and what is proposed is learned from all. Nothing
// is left to measure the proposal itself on; the figures are those of runs on three quarters
// of the photos, and so rather low. Of more photos a part is held out once, and what is
// proposed are the heads that were measured, beside tags learned from all.
//
// One folder and one seed give the same bytes, but for the seconds and the memory that
// the report tells. A run that was killed begins anew in the same folder.
package learn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"vsed/encoders/bundle"
	"vsed/encoders/golden"
	"vsed/encoders/learned"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/training/stage"
)

// Options are what is not the run's.
type Options struct {
	Candidates []string // places of libonnxruntime where the task names none
	Report     func(contract.Progress)
	// Confine, unless it is nil, leaves the process this bundle and the run's folder. It is
	// called when the library is loaded, which may lie anywhere, and before the bundle, which
	// may be a stranger's, is read.
	Confine func(bundle string) error
}

// run is a run in progress.
type run struct {
	folder  string
	task    contract.TrainingTask
	base    *bundle.Bundle
	library *runtime.Library
	input   *input
	split   split
	report  contract.TrainingReport
	points  []contract.TrainingPoint
	two     stage.Two // how heads are learned
	step    func(step string, done, total int)
}

// Run reads a run's folder and leaves its report there; an error says that there is none.
func Run(ctx context.Context, folder string, options Options) error {
	return runWith(ctx, folder, options, stage.DefaultTwo())
}

func runWith(ctx context.Context, folder string, options Options, two stage.Two) error {
	began := time.Now()
	r := &run{folder: folder, two: two, step: func(step string, done, total int) {
		options.Report(contract.Progress{Step: step, Done: done, Total: total})
	}}
	if err := r.clean(); err != nil {
		return err
	}
	if err := r.open(options); err != nil {
		return err
	}
	proposed, err := r.learn(ctx)
	if err != nil {
		return err
	}
	if err := r.writeCurves(); err != nil {
		return err
	}
	if err := r.propose(ctx, proposed); err != nil {
		return err
	}
	r.report.Seconds, r.report.Memory = math.Round(100*time.Since(began).Seconds())/100, mostResident()
	return r.writeReport()
}

// clean takes away what an earlier run in the folder left.
func (r *run) clean() error {
	var err error
	for _, name := range []string{contract.ReportFile, contract.CurvesFile, contract.PictureFile, contract.LearnedFile, unfinished} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(r.folder, name)))
	}
	return err
}

// open reads the task, the bundle and the photos.
func (r *run) open(options Options) (err error) {
	if r.task, err = readTask(r.folder); err != nil {
		return err
	}
	candidates := options.Candidates
	if r.task.Library != "" {
		candidates = []string{r.task.Library}
	}
	if r.library, err = runtime.Load(candidates); err != nil {
		return err
	}
	if options.Confine != nil {
		if err := options.Confine(r.task.Bundle); err != nil {
			return err
		}
	}
	if r.base, err = bundle.Read(r.task.Bundle); err != nil {
		return err
	}
	if r.base.Features == nil {
		return fmt.Errorf("the encoder %s keeps no features to learn from: use one that does, such as the built-in one, or pull the model anew", r.base.Name)
	}
	if space := r.base.FeatureSpace(); space != r.task.FeatureSpace {
		return fmt.Errorf("the features are of the space %.40q, the encoder %s has %q: gather them anew", r.task.FeatureSpace, r.base.Name, space)
	}
	r.step("reading tags and features", 0, 0)
	r.input, err = readInput(r.folder, r.base.Widths(), r.task.Seed)
	if err == nil && r.task.Photos > 0 {
		r.input.drawn(len(r.input.photos), r.task.Photos)
	}
	return err
}

// learn fills in the report, and gives what is to be proposed, if anything.
func (r *run) learn(ctx context.Context) (*learned.Changes, error) {
	r.report = contract.TrainingReport{Format: contract.TrainingFormat, Outcome: contract.NoProposal, Notes: r.input.notes, Kept: 1}
	var refusal *refusal
	r.split, refusal = divide(r.input, r.task.Seed)
	r.count()
	if refusal != nil {
		r.report.Reason = refusal.reason
		return nil, nil
	}
	judge, err := r.newJudge(ctx)
	if err != nil {
		return nil, err
	}
	heads, err := r.learnHeads(ctx, judge)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // of what heads were learned from nothing is needed any more
	tags, err := r.learnTags()
	if err != nil {
		return nil, err
	}
	return r.choose(ctx, judge, heads, tags)
}

// unfinished is where a bundle lies until it is whole.
const unfinished = contract.LearnedFile + ".part"

// propose makes the bundle.
func (r *run) propose(ctx context.Context, changes *learned.Changes) error {
	if changes == nil {
		return nil
	}
	r.step("making the encoder", 0, 1)
	debug.FreeOSMemory() // its golden vectors take the whole encoder
	part := filepath.Join(r.folder, unfinished)
	err := learned.Derive(ctx, r.base, *changes, part, r.library)
	if errors.Is(err, golden.ErrDisagree) {
		r.report.Reason = "what was learned makes the encoder see other things in plain drawings than sentences say: tag more photos, of more kinds"
		return os.RemoveAll(part)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(part, filepath.Join(r.folder, contract.LearnedFile)); err != nil {
		return err
	}
	r.report.Outcome, r.report.Reason = contract.Proposed, ""
	r.step("making the encoder", 1, 1)
	return nil
}

// note adds a line to what a person should know.
func (r *run) note(format string, values ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, values...))
}
