package learn

import (
	"cmp"
	"context"
	"fmt"

	"vsed/encoders/learned"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
)

// classNames are the weights of the class names that are tried, beside the one that the
// heads came with: they help before much has been learned, and hurt after.
func classNames() []float64 { return []float64{.7, .5, .35, .25} }

// choose measures what was learned, each alone and together, and proposes what gains:
// both, or what is left without the one that loses.
func (r *run) choose(ctx context.Context, j *judge, heads *learnedHeads, tags *learnedTags) (*learned.Changes, error) {
	r.step("measuring", 0, 0)
	plain, err := r.plain(ctx, j)
	if err != nil {
		return nil, err
	}
	before, err := j.split.held.rank(plain.cosines)
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
	serving, err := r.serving(ctx, j)
	if err != nil {
		return nil, err
	}
	return r.firstThatGains(ctx, j, before, serving, ways)
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
	asked, err := j.parts(ctx, heads.folds, j.asked())
	if err != nil {
		return nil, err
	}
	others, err := j.parts(ctx, heads.folds, j.others)
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
	weights := []float64{heads.file.ClassNames}
	if j.standard != nil {
		weights = append(weights, classNames()...)
	}
	seen, err := j.sights(ctx, heads, weights...)
	if err != nil {
		return best, err
	}
	at, err := j.preferred(seen, tags)
	heads.file.ClassNames = weights[at]
	return seen[at], err
}

// preferred is the first of what finds the photos best that are held out to choose by.
func (j *judge) preferred(seen []sight, tags *learnedTags) (best int, err error) {
	most := -1.0
	for i, each := range seen {
		found, err := j.split.choice.rank(j.beside(each, tags))
		if err != nil {
			return best, err
		}
		if value := found.report.MAP.Value; value > most {
			most, best = value, i
		}
	}
	return best, nil
}

func (r *run) addParts(j *judge, heads *learnedHeads, tags *learnedTags, vectors [][]float64) error {
	if heads != nil {
		found, err := j.split.held.rank(vectors)
		if err != nil {
			return err
		}
		r.report.Parts["heads"] = figures(found.report)
	}
	if tags == nil {
		return nil
	}
	found, err := j.split.held.rank(j.told(tags))
	r.report.Parts["tags"] = figures(found.report)
	return err
}

func (r *run) firstThatGains(ctx context.Context, j *judge, before ranked, serving *serving, ways []way) (*learned.Changes, error) {
	reason := ""
	for i, way := range ways {
		found, err := r.compare(before, serving, way)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			reason = found.noGain()
			r.tell(j, found)
		}
		if way.heads == nil && way.tags == nil || found.noGain() != "" || !r.guarded(way) {
			continue
		}
		r.tell(j, found)
		return r.changes(ctx, j, way)
	}
	r.report.Kept, r.report.ClassNames = 1, 0
	r.report.Reason = cmp.Or(reason, "it would forget too much: tag more photos, of more kinds")
	return nil, nil
}

// compared is what a way comes to.
type compared struct {
	before, after ranked
	gain          evaluation.Measure
	serving       *contract.TrainingServing
	name          string // of what serves, where it is compared with
}

func (r *run) compare(before ranked, serving *serving, w way) (found compared, err error) {
	found.before = before
	if found.after, err = r.split.held.rank(w.scores); err != nil {
		return found, err
	}
	if found.gain, err = r.split.held.gain(before, found.after, r.task.Seed); err != nil || serving == nil {
		return found, err
	}
	found.name = r.base.Name
	found.serving, err = serving.compare(w.scores, r.task.Seed)
	return found, err
}

// noGain says why what was learned is not proposed; it is empty where it gains.
func (c compared) noGain() string {
	found := fmt.Sprintf("photos held out were found with a mean average precision of %.1f before and %.1f after", c.before.report.MAP.Value, c.after.report.MAP.Value)
	switch {
	case c.gain.Value <= 0:
		return "it would be no gain: " + found + "; tag more photos of the tags that matter"
	case c.gain.Low <= 0:
		return fmt.Sprintf("the gain may be chance: %s, where with others the change would lie between %+.1f and %+.1f; tag more photos of the tags that matter", found, c.gain.Low, c.gain.High)
	case c.serving != nil && c.serving.Gain.High < 0:
		return fmt.Sprintf("%s, which serves, is better: photos that are new to both are found with a mean average precision of %.1f by it and %.1f by what was learned now; look whether tags were lost since",
			c.name, c.serving.Before.MAP.Value, c.serving.After.MAP.Value)
	}
	return ""
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
	if j.standard == nil {
		changes.Maps = mapsOf(w.heads.heads)
	} else {
		changes.Heads = w.heads.file
	}
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
		if j.standard != nil {
			changes.Heads = j.start.file
		}
		changes.MatchFloor, err = j.floor(ctx, j.start)
	}
	return err
}
