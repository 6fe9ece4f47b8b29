package learn

import (
	"context"
	"runtime/debug"
	"slices"

	"vsed/encoders/builtin/heads"
	"vsed/index/evaluate"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
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

// learnedHeads are heads as they will be used: what is measured is what is written, or
// was learned in the same way without the photos that it is measured on.
type learnedHeads struct {
	file  *heads.File
	heads stage.Heads   // the same, in the form of training
	folds []stage.Heads // for what is held out of each fold
}

// learnHeads trains the heads that the bundle begins from, and gives nil where there are
// none, or nothing can be learned without forgetting too much.
func (r *run) learnHeads(ctx context.Context, judge *judge) (*learnedHeads, error) {
	if judge.start == nil {
		r.note("the encoder %s brings no heads to learn on: tags alone are learned", r.base.Name)
		return nil, nil
	}
	lessons := judge.lessons()
	if lessons == nil {
		r.note("the encoder reads too few of the tags as words: they are learned, but sentences stay what they were")
		return nil, nil
	}
	if judge.standard == nil {
		return r.learnMaps(ctx, judge, lessons)
	}
	again := stage.Replayed(judge.replay.Train.Rows())
	mixed, err := r.train(ctx, judge, lessons[0], again)
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
	if err := r.trainFolds(ctx, judge, learned, lessons[1:], again); err != nil {
		return nil, err
	}
	return learned, r.guard(ctx, judge, learned.heads)
}

// A lesson is what heads are learned from, at a place among all of a run.
type lesson struct {
	stage.Tagged
	steps, perEpoch int
	before, all     int // steps of the lessons before, and of all
}

// lessons are what the heads that are written are learned from and, where photos are held
// out in turn, those of each fold; none where one of them has too little.
func (j *judge) lessons() (list []lesson) {
	places := [][]int{j.split.learn}
	if len(j.split.folds) > 1 {
		for _, fold := range j.split.folds {
			places = append(places, fold.learn)
		}
	}
	all := 0
	for _, each := range places {
		one := lesson{Tagged: j.tagged(each), before: all}
		if len(one.Words) < leastWords || len(one.Pictures) < leastTagged {
			return nil
		}
		one.steps, one.perEpoch = j.two.Steps(len(one.Pictures))
		all += one.steps
		list = append(list, one)
	}
	for i := range list {
		list[i].all = all
	}
	return list
}

// tagged are photos to learn from with those tags that the encoder can read.
func (j *judge) tagged(from []int) (tagged stage.Tagged) {
	words := map[string]int{}
	for i, tag := range j.vocabulary {
		if j.readable[i] {
			words[tag] = len(tagged.Words)
			tagged.Words = append(tagged.Words, j.entered([][]float32{j.features[i]})[0])
		}
	}
	var places []int
	for _, place := range from {
		var known []int
		for _, tag := range j.input.photos[place].tags {
			if at, ok := words[tag]; ok {
				known = append(known, at)
			}
		}
		if len(known) > 0 {
			slices.Sort(known)
			places, tagged.Tags = append(places, place), append(tagged.Tags, known)
		}
	}
	if j.standard == nil {
		tagged.Pictures, tagged.Known = unitRows(rows{j.input, places}), j.others
		return tagged
	}
	tagged.Pictures = j.standard.Read(rows{j.input, places})
	return tagged
}

// train runs stage II, then mixes its heads with the old ones as the guard allows.
func (r *run) train(ctx context.Context, judge *judge, from lesson, again stage.Captioned) (stage.Guarded, error) {
	learned, err := r.runTwo(ctx, judge, from, again, 0, func(epoch stage.Epoch) {
		r.points = append(r.points, contract.TrainingPoint{Stage: "heads", Epoch: epoch.Number, Loss: epoch.Loss})
	})
	if err != nil {
		return stage.Guarded{}, err
	}
	r.step("looking for what was forgotten", 0, 0)
	return stage.Guard(ctx, r.library, r.task.Threads, judge.start.heads, learned, judge.guard, leastKept, mostForgotten)
}

// trainFolds learns heads without the photos of each fold, and mixes them with the old
// ones as those that are written: the guard has chosen that by pictures that are nobody's.
func (r *run) trainFolds(ctx context.Context, judge *judge, whole *learnedHeads, from []lesson, again stage.Captioned) error {
	if len(from) == 0 {
		return nil // the heads themselves have not seen what is held out
	}
	whole.folds = nil
	for _, each := range from {
		learned, err := r.runTwo(ctx, judge, each, again, r.report.Kept, func(stage.Epoch) {})
		if err != nil {
			return err
		}
		used, err := judge.used(learned.File(judge.standard, judge.start.file.ClassNames))
		if err != nil {
			return err
		}
		whole.folds = append(whole.folds, used.heads)
	}
	return nil
}

func (r *run) runTwo(ctx context.Context, judge *judge, from lesson, again stage.Captioned, kept float64, report func(stage.Epoch)) (stage.Heads, error) {
	two := r.two
	if judge.standard == nil {
		two = stage.MapsOf(from.Pictures, from.Known)
	}
	two.Seed, two.Threads, two.Kept = r.task.Seed, r.task.Threads, kept
	two.Replay = min(two.Replay, len(again.Pictures))
	debug.FreeOSMemory() // what was learned before would else stand beside what is learned now
	r.step("learning from tags", from.before, from.all)
	return two.Run(ctx, r.library, judge.start.heads, from.Tagged, again, func(epoch stage.Epoch) error {
		report(epoch)
		r.step("learning from tags", from.before+min(from.steps, epoch.Number*from.perEpoch), from.all)
		return nil
	})
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
