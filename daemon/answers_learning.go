package daemon

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/config"
	"vsed/daemon/learn"
	"vsed/daemon/server"
	"vsed/plugins/contract"
)

var _ server.Learning = (*daemon)(nil)

// Learning tells how far learning is and what it waits for.
func (d *daemon) Learning(ctx context.Context) (api.Learning, error) {
	fresh, _, err := d.learning.NewTags(ctx)
	if err != nil {
		return api.Learning{}, err
	}
	counts, err := d.catalogue.CountTags(ctx)
	if err != nil {
		return api.Learning{}, err
	}
	serving := d.encoding.encoders.Serving()
	answer := api.Learning{
		Serving: serving, Tagged: counts.Photos, TagsGiven: counts.Given, TagsRefused: counts.Refused, NewTags: fresh, Enough: learn.Enough, Auto: config.LearnOff,
	}
	if _, answer.Learned = learn.NumberOf(serving); answer.Learned {
		answer.Before = d.encoding.encoders.Before()
		if answer.Base, err = d.learning.Base(ctx); err != nil {
			return api.Learning{}, err
		}
	}
	if next := d.learning.Next(time.Now()); !next.IsZero() {
		answer.Auto, answer.Next = config.LearnPropose, next.UTC().Format(time.RFC3339)
	}
	if run, progress, ok := d.learning.Current(); ok {
		now := d.learningRun(run)
		answer.Run, answer.Progress = &now, learningProgress(progress, time.Now())
	}
	if run, waits := d.learning.Waiting(); waits {
		proposal := d.learningRun(run)
		answer.Proposal = &proposal
	}
	answer.Last = d.lastRun()
	if space := d.catalogue.Serving(); space != nil {
		first, err := space.Suggestions(ctx, catalogue.SuggestionFilter{Least: api.DefaultLeast, Limit: 1})
		if err != nil {
			return api.Learning{}, err
		}
		answer.Suggests = len(first) > 0
	}
	return answer, nil
}

// lastRun gives the newest run that has ended.
func (d *daemon) lastRun() *api.LearningRun {
	for _, run := range slices.Backward(d.learning.Runs()) {
		if run.State != learn.Running {
			answer := d.learningRun(run)
			return &answer
		}
	}
	return nil
}

func learningProgress(p learn.Progress, now time.Time) *api.LearningProgress {
	answer := &api.LearningProgress{Step: p.Step, Done: p.Done, Total: p.Total}
	if took := now.Sub(p.Since).Seconds(); p.Done > p.From && took > 0 {
		answer.Rate = float64(p.Done-p.From) / took
		answer.SecondsLeft = float64(max(0, p.Total-p.Done)) / answer.Rate
	}
	return answer
}

func (d *daemon) learningRun(run learn.Run) api.LearningRun {
	answer := api.LearningRun{
		Number: run.Number, State: run.State, Reason: run.Reason, By: run.By, Began: instant(run.Began), Ended: instant(run.Ended),
		From: run.From, Encoder: learn.Name(run.Number), Applied: instant(run.Applied), Serves: d.encoding.encoders.Serving() == learn.Name(run.Number),
	}
	if s := run.Summary; s != nil {
		answer.Photos, answer.Held, answer.Folds, answer.Tags, answer.Learned = s.Photos, s.Held, s.Folds, s.Tags, s.Learned
		answer.Gain = learningGain(s.Gain)
		if s.Guard != nil {
			guard := api.LearningMeasure(*s.Guard)
			answer.Guard = &guard
		}
	}
	return answer
}

// learningGain gives none where nothing was measured.
func learningGain(m contract.TrainingMeasure) *api.LearningMeasure {
	if m == (contract.TrainingMeasure{}) {
		return nil
	}
	gain := api.LearningMeasure(m)
	return &gain
}

// instant writes a time, or nothing for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// LearningRuns lists the runs that are kept, the newest first.
func (d *daemon) LearningRuns(context.Context) ([]api.LearningRun, error) {
	var answer []api.LearningRun
	for _, run := range slices.Backward(d.learning.Runs()) {
		answer = append(answer, d.learningRun(run))
	}
	return answer, nil
}

// StartLearning starts a run.
func (d *daemon) StartLearning(ctx context.Context) (api.LearningRun, error) {
	run, err := d.learning.Start(ctx, learn.ByHand)
	if err != nil {
		return api.LearningRun{}, refuseLearning(err)
	}
	return d.learningRun(run), nil
}

// StopLearning ends the run that is under way.
func (d *daemon) StopLearning(ctx context.Context) error {
	return refuseLearning(d.learning.Stop(ctx))
}

// ApplyLearning begins the swap to what a run proposes.
func (d *daemon) ApplyLearning(ctx context.Context, number int) error {
	return refuseLearning(d.learning.Apply(ctx, number))
}

// RollBackLearning goes back to the encoder before.
func (d *daemon) RollBackLearning(ctx context.Context) error {
	return refuseLearning(d.learning.Rollback(ctx))
}

// refuseLearning tells clients what is wrong with what they asked.
func refuseLearning(err error) error {
	var refused *learn.RefusedError
	var unknown *learn.UnknownError
	switch {
	case errors.As(err, &refused):
		return refuse(http.StatusConflict, "%s", err)
	case errors.As(err, &unknown):
		return refuse(http.StatusNotFound, "%s", err)
	}
	return refuseEncoder(err)
}

// LearningReport tells what a run found.
func (d *daemon) LearningReport(ctx context.Context, number int) (api.LearningReport, error) {
	run, report, err := d.learning.Report(number)
	if err != nil {
		return api.LearningReport{}, refuseLearning(err)
	}
	answer := api.LearningReport{
		Run: d.learningRun(run), Events: report.Events, Notes: report.Notes, Before: learningFigures(report.Before), After: learningFigures(report.After),
		Kept: report.Kept, ClassNames: report.ClassNames, Seconds: report.Seconds, Memory: report.Memory,
	}
	for name, part := range report.Parts {
		if answer.Parts == nil {
			answer.Parts = make(map[string]api.LearningFigures)
		}
		answer.Parts[name] = learningFigures(part)
	}
	if g := report.Guard; g != nil {
		answer.Guard = &api.LearningGuard{Pictures: g.Pictures, Queries: g.Queries, R1Before: g.R1Before, R1After: g.R1After, Change: api.LearningMeasure(g.Change)}
	}
	if s := report.Serving; s != nil {
		answer.Serving = &api.LearningServing{Photos: s.Photos, Before: learningFigures(s.Before), After: learningFigures(s.After), Gain: api.LearningMeasure(s.Gain)}
	}
	for _, tag := range report.PerTag {
		answer.PerTag = append(answer.PerTag, learningTag(tag))
	}
	for _, example := range report.Examples {
		one, err := d.learningExample(ctx, example)
		if err != nil {
			return api.LearningReport{}, err
		}
		answer.Examples = append(answer.Examples, one)
	}
	return answer, nil
}

func learningFigures(f contract.TrainingFigures) api.LearningFigures {
	return api.LearningFigures{MAP: api.LearningMeasure(f.MAP), P5: api.LearningMeasure(f.P5), R10: api.LearningMeasure(f.R10), Queries: f.Queries}
}

// learningTag leaves out what was not measured: the average precision of what was is
// above 0.
func learningTag(tag contract.TrainingTag) api.LearningTag {
	answer := api.LearningTag{Tag: tag.Tag, Photos: tag.Photos, Held: tag.Held, Lacking: tag.Lacking}
	if tag.Before != 0 || tag.After != 0 {
		answer.Before, answer.After = &tag.Before, &tag.After
	}
	return answer
}

func (d *daemon) learningExample(ctx context.Context, example contract.TrainingExample) (answer api.LearningExample, err error) {
	answer.Query = example.Query
	if answer.Before, err = d.learningHits(ctx, example.Before, example.Relevant); err != nil {
		return answer, err
	}
	answer.After, err = d.learningHits(ctx, example.After, example.Relevant)
	return answer, err
}

// learningHits names photos by where they are; one that was forgotten since has its
// number alone.
func (d *daemon) learningHits(ctx context.Context, ids, relevant []int64) (hits []api.LearningHit, err error) {
	for _, id := range ids {
		hit := api.LearningHit{ID: id, Relevant: slices.Contains(relevant, id)}
		if hit.Path, err = d.pathOf(ctx, id); err != nil {
			return nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

func (d *daemon) pathOf(ctx context.Context, id int64) (api.Path, error) {
	found, err := d.catalogue.Photo(ctx, id)
	if errors.Is(err, catalogue.ErrNotFound) {
		return api.Path{}, nil
	}
	return photo(found).Path, err
}
