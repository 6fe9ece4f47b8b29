package learn

import (
	"context"
	"fmt"

	"vsed/encoders/learned"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
)

// classNames are the weights of the class names that are tried, beside the one that the
// heads came with: they help before much has been learned, and hurt after.
func classNames() []float64 { return []float64{.7, .5, .35, .25} }

// A ranked result is what photos come to by some scores.
type ranked struct {
	scores [][]float64 // of each query, of each photo that is measured on
	report evaluation.TagReport
}

func (j *judge) rank(scores [][]float64) (ranked, error) {
	measured := make([][]float64, len(scores))
	for i, each := range scores {
		measured[i] = each[:len(j.split.held)]
	}
	report, err := j.measure(scores)
	return ranked{measured, report}, err
}

// choose measures what was learned, each alone and together, and proposes what gains:
// both, or what is left without the one that loses.
func (r *run) choose(ctx context.Context, j *judge, heads *learnedHeads, tags *learnedTags) (*learned.Changes, error) {
	r.step("measuring", 0, 0)
	plain, err := r.plain(ctx, j)
	if err != nil {
		return nil, err
	}
	before, err := j.rank(plain.cosines)
	if err != nil {
		return nil, err
	}
	r.report.Before, r.report.Parts = figures(before.report), map[string]contract.TrainingFigures{}
	r.report.After = r.report.Before
	vectors := plain
	if heads != nil {
		if vectors, err = j.weigh(ctx, heads, tags); err != nil {
			return nil, err
		}
	}
	ways := []way{{heads: heads, tags: tags, scores: j.beside(vectors, tags)}}
	if heads != nil && tags != nil {
		ways = append(ways, way{tags: tags, scores: j.beside(plain, tags)}, way{heads: heads, scores: vectors.cosines})
	}
	if err := r.addParts(j, heads, tags, vectors.cosines); err != nil {
		return nil, err
	}
	return r.firstThatGains(ctx, j, before, ways)
}

// way is something that could be proposed.
type way struct {
	heads  *learnedHeads
	tags   *learnedTags
	scores [][]float64
}

// plain are the scores of the encoder before anything was learned. Of one that has
// learned already they are those of the heads that it began from: what it has learned
// has seen the photos that are held out now.
func (r *run) plain(ctx context.Context, j *judge) (sight, error) {
	if learned.Made(r.base) {
		r.note("what %s had learned is left out of the figures before: it has seen the photos that are held out now", r.base.Name)
	}
	if j.start == nil {
		return sight{j.plain, deviation(j.plain)}, nil
	}
	seen, err := j.sights(ctx, j.start, j.start.file.ClassNames)
	if err != nil {
		return sight{}, err
	}
	if !learned.Made(r.base) {
		seen[0].cosines = j.plain
	}
	return seen[0], nil
}

// sights are what heads see, with several weights of the class names.
func (j *judge) sights(ctx context.Context, heads *learnedHeads, weights ...float64) (seen []sight, err error) {
	asked, err := j.parts(ctx, heads.heads, j.asked())
	if err != nil {
		return nil, err
	}
	others, err := j.parts(ctx, heads.heads, j.others)
	if err != nil {
		return nil, err
	}
	for _, weight := range weights {
		seen = append(seen, sight{asked.joined(weight), deviation(others.joined(weight))})
	}
	return seen, nil
}

// weigh chooses the weight of the class names beside learned heads, and gives what they
// see then. Where no photos are held out to choose by, it is the one that the heads came
// with, which is the best after few photos.
func (j *judge) weigh(ctx context.Context, heads *learnedHeads, tags *learnedTags) (best sight, err error) {
	weights := append([]float64{heads.file.ClassNames}, classNames()...)
	seen, err := j.sights(ctx, heads, weights...)
	if err != nil {
		return best, err
	}
	most := -1.0
	for i, each := range seen {
		found, err := j.prefer(j.beside(each, tags))
		if err != nil {
			return best, err
		}
		if found > most {
			most, best, heads.file.ClassNames = found, each, weights[i]
		}
	}
	return best, nil
}

func (r *run) addParts(j *judge, heads *learnedHeads, tags *learnedTags, vectors [][]float64) error {
	if heads != nil {
		found, err := j.measure(vectors)
		if err != nil {
			return err
		}
		r.report.Parts["heads"] = figures(found)
	}
	if tags == nil {
		return nil
	}
	found, err := j.measure(j.told(tags))
	r.report.Parts["tags"] = figures(found)
	return err
}

func (r *run) firstThatGains(ctx context.Context, j *judge, before ranked, ways []way) (*learned.Changes, error) {
	var first *ranked
	for _, way := range ways {
		after, err := j.rank(way.scores)
		if err != nil {
			return nil, err
		}
		gain, err := j.gain(before, after)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = &after
			r.tell(j, before, after, gain)
		}
		if way.heads == nil && way.tags == nil || gain.Low <= 0 || !r.guarded(way) {
			continue
		}
		r.tell(j, before, after, gain)
		return r.changes(ctx, j, way)
	}
	r.report.Kept, r.report.ClassNames = 1, 0
	r.report.Reason = noGain(before.report.MAP.Value, first.report.MAP.Value, r.report.Gain)
	return nil, nil
}

// noGain says why what was learned is not proposed.
func noGain(before, after float64, gain contract.TrainingMeasure) string {
	found := fmt.Sprintf("photos held out were found with a mean average precision of %.1f before and %.1f after", before, after)
	if gain.Value <= 0 || gain.Low > 0 {
		return "it would be no gain: " + found + "; tag more photos of the tags that matter"
	}
	return fmt.Sprintf("the gain may be chance: %s, where with others the change would lie between %+.1f and %+.1f; tag more photos of the tags that matter", found, gain.Low, gain.High)
}

// guarded reports whether what the encoder knew stays known, as it was measured with the
// heads that are written.
func (r *run) guarded(w way) bool {
	return w.heads == nil || r.report.Guard == nil || r.report.Guard.Change.Value >= -mostForgotten
}

// changes are what the bundle becomes.
func (r *run) changes(ctx context.Context, j *judge, w way) (*learned.Changes, error) {
	changes := &learned.Changes{Name: r.task.Name, Version: "1"}
	if w.tags != nil {
		changes.Tags = &w.tags.graph
		r.report.Learned = len(w.tags.graph.Names)
	}
	if w.heads == nil {
		r.report.Kept = 1
		return changes, j.keepHeads(ctx, changes)
	}
	r.report.ClassNames = w.heads.file.ClassNames
	changes.Heads = w.heads.file
	var err error
	changes.MatchFloor, err = j.floor(ctx, w.heads)
	return changes, err
}

// keepHeads has the heads stay what they were before anything was learned.
func (j *judge) keepHeads(ctx context.Context, changes *learned.Changes) (err error) {
	if j.start == nil {
		return nil
	}
	j.report.ClassNames = j.start.file.ClassNames
	if guard := j.report.Guard; guard != nil {
		guard.R1After, guard.Change = guard.R1Before, contract.TrainingMeasure{}
	}
	if learned.Made(j.base) {
		changes.Heads = j.start.file
		changes.MatchFloor, err = j.floor(ctx, j.start)
	}
	return err
}
