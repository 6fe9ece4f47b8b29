package learn

import (
	"context"
	"slices"

	"vsed/encoders/builtin/heads"
	"vsed/index/evaluate"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
	"vsed/training/model"
	"vsed/training/stage"
)

const (
	// mostForgotten is by how many points the guard's R@1 may fall.
	mostForgotten = 1.0
	// leastKept of the old heads' weights stays (WiSE-FT): 0.2 was the best on
	// development photos, and costs nothing.
	leastKept = 0.2
	// leastWords and leastTagged are what contrast takes.
	leastWords, leastTagged = 2, 2
)

// learnedHeads are heads as they will be used: what is measured is what is written.
type learnedHeads struct {
	file     *heads.File
	heads    stage.Heads // the same, in the form of training
	standard *model.Standard
}

// learnHeads trains the heads that the bundle begins from, and gives nil where there are
// none, or nothing can be learned without forgetting too much.
func (r *run) learnHeads(ctx context.Context, judge *judge) (*learnedHeads, error) {
	if judge.start == nil {
		r.note("the encoder %s brings no heads to learn on: tags alone are learned", r.base.Name)
		return nil, nil
	}
	tagged := r.tagged(judge)
	if len(tagged.Words) < leastWords || len(tagged.Pictures) < leastTagged {
		r.note("the encoder reads too few of the tags as words: they are learned, but sentences stay what they were")
		return nil, nil
	}
	mixed, err := r.train(ctx, judge, tagged)
	if err != nil {
		return nil, err
	}
	r.report.Kept = mixed.Kept
	if mixed.Kept >= 1 {
		r.note("other heads would forget too much of what they knew: they stay as they are")
		return nil, r.guard(ctx, judge, judge.start.heads)
	}
	learned, err := judge.used(mixed.Heads.File(judge.standard, judge.start.file.ClassNames))
	if err != nil {
		return nil, err
	}
	return learned, r.guard(ctx, judge, learned.heads)
}

// tagged are the photos to learn from with those tags that the encoder can read.
func (r *run) tagged(judge *judge) (tagged stage.Tagged) {
	words := map[string]int{}
	for i, tag := range judge.vocabulary {
		if judge.readable[i] {
			words[tag] = len(tagged.Words)
			tagged.Words = append(tagged.Words, model.Scaled([][]float32{judge.features[i]})[0])
		}
	}
	var places []int
	for _, place := range r.split.learn {
		var known []int
		for _, tag := range r.input.photos[place].tags {
			if at, ok := words[tag]; ok {
				known = append(known, at)
			}
		}
		if len(known) > 0 {
			slices.Sort(known)
			places, tagged.Tags = append(places, place), append(tagged.Tags, known)
		}
	}
	tagged.Pictures = judge.standard.Read(rows{r.input, places})
	return tagged
}

// train runs stage II, then mixes its heads with the old ones as the guard allows.
func (r *run) train(ctx context.Context, judge *judge, tagged stage.Tagged) (stage.Guarded, error) {
	two := r.two
	two.Seed, two.Threads, two.Kept = r.task.Seed, r.task.Threads, 0
	again := stage.Replayed(judge.replay.Train.Rows())
	two.Replay = min(two.Replay, len(again.Pictures))
	steps, perEpoch := two.Steps(len(tagged.Pictures))
	r.step("learning from tags", 0, steps)
	learned, err := two.Run(ctx, r.library, judge.start.heads, tagged, again, func(epoch stage.Epoch) error {
		r.points = append(r.points, contract.TrainingPoint{Stage: "heads", Epoch: epoch.Number, Loss: epoch.Loss})
		r.step("learning from tags", min(steps, epoch.Number*perEpoch), steps)
		return nil
	})
	if err != nil {
		return stage.Guarded{}, err
	}
	r.step("looking for what was forgotten", 0, 0)
	return stage.Guard(ctx, r.library, r.task.Threads, judge.start.heads, learned, judge.guard, leastKept, mostForgotten)
}

// guard reports what the heads still know.
func (r *run) guard(ctx context.Context, judge *judge, now stage.Heads) error {
	before, err := found(ctx, r, judge.start.heads, judge.guard)
	if err != nil {
		return err
	}
	after, err := found(ctx, r, now, judge.guard)
	if err != nil {
		return err
	}
	changes := make([]float64, len(before))
	for i := range changes {
		changes[i] = after[i] - before[i]
	}
	chance := evaluate.Bootstrap(changes, r.task.Seed)
	r.report.Guard = &contract.TrainingGuard{
		Pictures: len(judge.guard.Pictures), Queries: len(before),
		R1Before: 100 * evaluate.Mean(before), R1After: 100 * evaluate.Mean(after),
		Change: contract.TrainingMeasure{Value: 100 * evaluate.Mean(changes), Low: 100 * chance.Low, High: 100 * chance.High},
	}
	return nil
}

// found is 1 for each caption that finds its picture first, else 0.
func found(ctx context.Context, r *run, heads stage.Heads, of stage.Captioned) ([]float64, error) {
	pictures, err := heads.Picture.Vectors(ctx, r.library, r.task.Threads, of.Pictures)
	if err != nil {
		return nil, err
	}
	captions, err := heads.Sentence.Vectors(ctx, r.library, r.task.Threads, of.Captions)
	if err != nil {
		return nil, err
	}
	ranks, err := evaluation.Rank(evaluation.Captioned{Pictures: pictures, Captions: captions, Owner: of.Owner})
	return evaluate.Within(ranks.Captions, 1), err
}
